"""The pulse of services, minute by minute: requests, 5xx, instances, latency, and which revision serves.

What happened last is not visible yet, and what is not visible is unknown, never zero: metrics of Cloud Run appear up to
four minutes late, log entries up to one. A log that was cut off tells of the minutes after its oldest entry alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import quantiles

from gcpdiag.bundle.format import LOG_ENTRIES, TIME_SERIES
from gcpdiag.bundle.read import Bundle
from gcpdiag.model.json import objects_at, text_at
from gcpdiag.model.resource import ServiceRef, last_segment
from gcpdiag.model.window import from_epoch, in_utc
from gcpdiag.signals.catalogue import Catalogue, catalogue_of
from gcpdiag.signals.estate import Estate, estate_of
from gcpdiag.signals.metric import INSTANCES, PENDING, SeriesIndex, index_series
from gcpdiag.signals.scan import LogScan, kind_of, scan_entries
from gcpdiag.signals.traffic import Traffic

METRICS_DELAY = timedelta(seconds=240)
"""Cloud Run's metrics are sampled every 60 s and then invisible for 120 s, those of networks for 240 s (docs)."""

LOGS_DELAY = timedelta(seconds=60)
"""Unverified: Logging documents no bound; entries usually appear within seconds."""

RESTARTS = ("memory-limit-exceeded", "container-killed", "container-exited", "container-crashed")
"""Signals of the system log that tell of an instance that went down."""

_SWITCHING = 101  # a WebSocket: its latency is how long it was open
_PERCENTILES = 20
_NEVER = 1 << 60
_LATENCY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One minute (Unix time over 60) of one service; None is what nobody knows, or does not know yet.

    ``settled`` tells that counts are final; before that they are what is known so far. ``latency`` is the 95th
    percentile of the answers in the request log, ``pending`` the 99th of the wait for an instance, in milliseconds.
    """

    minute: int
    settled: bool
    requests: int | None = None
    errors: int | None = None
    instances: int | None = None
    latency: float | None = None
    pending: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Which revision gets most traffic, and which was made last; ``rolling`` while Cloud Run is still at it.

    ``pinned`` tells that somebody gave the traffic to a revision by its name.
    """

    revision: str
    latest: str
    latest_ready: str
    rolling: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePulse:
    """One service: a beat for each minute, oldest first; the last failure and restart that are known."""

    service: ServiceRef
    beats: tuple[Beat, ...]
    last_error: datetime | None = None
    last_restart: datetime | None = None
    restarts: int = 0
    serving: Serving | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The services of a project up to a moment; failures and restarts are known whole from ``whole_from`` on."""

    at: datetime
    whole_from: datetime | None
    services: tuple[ServicePulse, ...]

    def of(self, service: ServiceRef) -> ServicePulse | None:
        """Return the pulse of a service, None for one that is not known."""
        return next((one for one in self.services if one.service == service), None)


def pulse_of(
    bundle: Bundle,
    catalogue: Catalogue,
    *,
    services: Collection[str] = (),
    length: timedelta = timedelta(hours=1),
) -> Pulse:
    """Return the pulse of all services, or of the named ones, over the last part of a bundle's window.

    Only the signals of ``RESTARTS`` are taken from the catalogue.
    """
    known = {one: catalogue.definitions[one] for one in RESTARTS if one in catalogue.definitions}
    scan = scan_entries(bundle, catalogue_of(known))
    series = index_series(bundle.series(), {INSTANCES, PENDING})
    reading = _Reading(bundle, scan, series, length)
    estate = estate_of(bundle, scan.changes)
    found = sorted({*estate.services, *reading.logged, *reading.counted})
    wanted = [one for one in found if not services or one.name in services]
    whole_from = reading.sight.failures  # the system log is read together with the failed requests
    return Pulse(
        at=bundle.window.end,
        whole_from=from_epoch(whole_from * 60) if whole_from != _NEVER else None,
        services=tuple(_service_pulse(one, reading, estate) for one in wanted),
    )


@dataclass(frozen=True, slots=True)
class _Sight:
    """From which minutes on the request log is whole: with all failures, with all that was answered well."""

    failures: int = _NEVER
    answers: int = _NEVER


def _sight_of(bundle: Bundle, traffic: Collection[Traffic], first: int) -> _Sight:
    """Return what the log can tell from the minute ``first`` on; it is read newest entries first."""
    coverage = bundle.coverage(LOG_ENTRIES)
    if not coverage.answered or (coverage.truncated and coverage.reason):
        return _Sight()  # a question without an answer: nobody can say which entries are missing
    failed = [minute for one in traffic for minute in one.error_minutes if minute >= first]
    good = [minute for one in traffic for minute in one.good_minutes if minute >= first]
    failures = min(failed, default=_NEVER - 1) + 1 if coverage.truncated else first
    answers = min(good, default=_NEVER - 1) + 1 if coverage.truncated or coverage.sampled else first
    return _Sight(failures, answers)


@dataclass(slots=True)
class _Latencies:
    """Latencies of answered requests in milliseconds, by service and minute."""

    seen: dict[tuple[ServiceRef, int], list[float]] = field(default_factory=lambda: defaultdict(list))

    def tail(self, service: ServiceRef, minute: int) -> float | None:
        """Return the 95th percentile of a minute, None where nothing was answered."""
        told = self.seen.get((service, minute))
        if not told:
            return None
        return quantiles(told, n=_PERCENTILES, method="inclusive")[-1] if len(told) > 1 else told[0]


class _Reading:
    """What the sources of a bundle say about minutes, and which minutes each of them can tell."""

    def __init__(self, bundle: Bundle, scan: LogScan, series: SeriesIndex, length: timedelta) -> None:
        window = bundle.window
        start = max(window.start, window.end - length)
        self.series = series
        self.scan = scan
        self.logged: Mapping[ServiceRef, Traffic] = scan.traffic
        self.counted = series.traffic(start.timestamp(), window.end.timestamp())
        self.minutes = range(-(-int(start.timestamp()) // 60), -(-int(window.end.timestamp()) // 60))
        self.log_settled = int((window.end - LOGS_DELAY).timestamp() // 60)
        self.metric_settled = int((window.end - METRICS_DELAY).timestamp() // 60)
        self.metrics_whole = bundle.coverage(TIME_SERIES).complete
        self.sight = _sight_of(bundle, list(scan.traffic.values()), self.minutes.start)
        self.latencies = _latencies_of(bundle)

    def failed(self, service: ServiceRef, minute: int) -> int | None:
        """Return the requests that failed in a minute, at least; None is unknown.

        Metrics alone prove no minute without failures: what Cloud Run itself refuses never reaches them.
        """
        logged, counted = self.logged.get(service), self.counted.get(service)
        told = max(_at(logged, minute), _at(counted, minute))
        visible = self.sight.failures <= minute < self.log_settled
        return told if told or visible else None

    def answered(self, service: ServiceRef, minute: int) -> int | None:
        """Return the requests of a minute that did not fail; None is unknown."""
        logged, counted = self.logged.get(service), self.counted.get(service)
        if self.sight.answers <= minute:
            told = logged.ok_minutes[minute] if logged else 0
            seen = told or _at(logged, minute) or _at(counted, minute)
            return told if seen or minute < self.log_settled else None
        if self.metrics_whole and minute < self.metric_settled:
            return counted.ok_minutes[minute] if counted else 0
        return None

    def gauges(self, service: ServiceRef, metric: str, *, quantile: float, combine: str) -> dict[int, float]:
        """Return a metric by the minute that its points end, as far as no series of it can still be late."""
        several = self.series.series.get((metric, service.name), ())
        here = [one for one in several if one.resource.labels.get("location", "") == service.region]
        own = SeriesIndex(series={(metric, service.name): here})
        values = own.values(metric, service.name, labels={}, quantile=quantile, combine=combine)
        return {minute - 1: value for minute, value in values.items() if minute <= self.metric_settled}


def _at(traffic: Traffic | None, minute: int) -> int:
    return traffic.error_minutes[minute] if traffic else 0


def _latencies_of(bundle: Bundle) -> _Latencies:
    found = _Latencies()
    for entry in bundle.entries():
        request, name = entry.http_request, entry.resource.labels.get("service_name")
        moment = entry.timestamp or entry.receive_timestamp
        if request is None or not name or moment is None or kind_of(entry) != "request":
            continue
        told = _LATENCY.fullmatch(request.latency or "")
        if told and request.status != _SWITCHING:
            service = ServiceRef(name=name, region=entry.resource.labels.get("location", ""))
            found.seen[service, int(in_utc(moment).timestamp() // 60)].append(1000 * float(told[1]))
    return found


def _service_pulse(service: ServiceRef, reading: _Reading, estate: Estate) -> ServicePulse:
    instances = reading.gauges(service, INSTANCES, quantile=0.5, combine="sum")
    pending = reading.gauges(service, PENDING, quantile=0.99, combine="max")
    tallies = [tally for (_, subject), tally in reading.scan.matches.items() if subject == service]
    restarted = max((one.last for one in tallies), default=None)
    return ServicePulse(
        service=service,
        beats=tuple(_beat(service, minute, reading, instances, pending) for minute in reading.minutes),
        last_error=_last_error(reading.logged.get(service), reading.counted.get(service)),
        last_restart=None if restarted is None else from_epoch(restarted),
        restarts=sum(one.count for one in tallies),
        serving=_serving(service, estate),
    )


def _beat(
    service: ServiceRef, minute: int, reading: _Reading, instances: Mapping[int, float], pending: Mapping[int, float]
) -> Beat:
    failed, answered = reading.failed(service, minute), reading.answered(service, minute)
    latest = instances.get(minute)
    return Beat(
        minute=minute,
        settled=minute < reading.log_settled,
        requests=None if answered is None else answered + (failed or 0),
        errors=failed,
        instances=None if latest is None else round(latest),
        latency=reading.latencies.tail(service, minute) if minute >= reading.sight.answers else None,
        pending=pending.get(minute),
    )


def _last_error(*sources: Traffic | None) -> datetime | None:
    last = max((one.last_error for one in sources if one is not None and one.errors), default=None)
    return None if last is None else from_epoch(last)


def _serving(service: ServiceRef, estate: Estate) -> Serving | None:
    document = estate.services.get(service)
    latest = last_segment(text_at(document, "latestCreatedRevision"))
    if document is None or not latest:
        return None
    return Serving(
        revision=estate.serving_revision(service),
        latest=latest,
        latest_ready=last_segment(text_at(document, "latestReadyRevision")),
        rolling=document.get("reconciling") is True,
        pinned=any(text_at(one, "revision") for one in objects_at(document, "traffic")),
    )
