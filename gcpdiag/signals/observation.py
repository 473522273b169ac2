"""Everything that was read out of one bundle, gathered once and asked many times."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from shlex import quote

from gcpdiag.bundle.format import LOG_ENTRIES, SOURCES, TIME_SERIES
from gcpdiag.bundle.read import Bundle, Coverage
from gcpdiag.model.diagnosis import ServiceState
from gcpdiag.model.finding import Gap
from gcpdiag.model.probe import ProbeResult
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window
from gcpdiag.signals.catalogue import Catalogue
from gcpdiag.signals.definition import MetricSignal
from gcpdiag.signals.distress import METRICS, distressed_since
from gcpdiag.signals.estate import Estate, estate_of
from gcpdiag.signals.health import fails, state_of
from gcpdiag.signals.metric import SeriesIndex, index_series
from gcpdiag.signals.probe import probes_of
from gcpdiag.signals.scan import LogScan, scan_entries
from gcpdiag.signals.traffic import Traffic

_MANY_DENIED = 10  # requests
_STRAY_SHARE = 0.01  # of the log entries


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a bundle holds, ready for detectors."""

    project: str
    window: Window
    catalogue: Catalogue
    coverage: dict[str, Coverage]
    scan: LogScan
    series: SeriesIndex
    estate: Estate
    traffic: dict[ServiceRef, Traffic]
    traffic_source: str
    counted: frozenset[ServiceRef] = frozenset()
    """Services whose requests are told by metrics alone, whatever most requests are from."""
    history: dict[ServiceRef, Traffic]
    """Requests as metrics tell them, from before the window on: what older revisions were like."""
    states: dict[ServiceRef, ServiceState] = field(default_factory=dict)
    probes: tuple[ProbeResult, ...] = ()

    def source_of(self, service: ServiceRef) -> str:
        """Return the source that tells of a service's requests."""
        return TIME_SERIES if service in self.counted else self.traffic_source

    def gap(self, source_id: str, check: str) -> Gap | None:
        """Return why a source cannot be relied on to be whole; None where it can."""
        coverage = self.coverage[source_id]
        if coverage.complete:
            return None
        if coverage.answered:
            cut = f"{coverage.source.title} were cut off at a limit, so what is missing may have been left out"
            reason = f"some of it cannot be read: {coverage.reason}" if coverage.reason else cut
            return Gap(check=check, reason=reason, source=source_id)
        return Gap(
            check=check,
            reason=coverage.reason,
            source=source_id,
            permission=coverage.permission if coverage.state == "denied" else "",
            fix=_fix(coverage, self.project),
        )


def observe(bundle: Bundle, catalogue: Catalogue) -> Observation:
    """Read a bundle once and return what is in it."""
    window = bundle.window
    scan = scan_entries(bundle, catalogue)
    wanted = {one.metric for one in catalogue.definitions.values() if isinstance(one, MetricSignal)} | {*METRICS}
    series = index_series(bundle.series(), wanted)
    estate = estate_of(bundle, scan.changes)
    coverage = {source_id: _checked(bundle, source_id, scan) for source_id in SOURCES}
    traffic, source, counted = _requests(scan, series, estate, window, logs=coverage[LOG_ENTRIES])
    services = sorted({*estate.services, *traffic, *_logged(scan)})
    # Whether a service without requests is known to have had none.
    told = coverage[source].complete and (not coverage[source].sampled or coverage[TIME_SERIES].complete)
    states = {one: _state(one, traffic, window, told=told) for one in services}
    if not coverage[LOG_ENTRIES].answered:
        signs = {one: distressed_since(one, estate, series, window) for one in states}
        states = {one: _in_doubt(state, signs[one], window) for one, state in states.items()}
    return Observation(
        project=bundle.project,
        window=window,
        catalogue=catalogue,
        coverage=coverage,
        scan=scan,
        series=series,
        estate=estate,
        traffic=traffic,
        traffic_source=source,
        counted=counted,
        history=series.traffic(0.0, window.end.timestamp()),
        states=states,
        probes=probes_of(bundle),
    )


def _logged(scan: LogScan) -> set[ServiceRef]:
    return {subject for _, subject in scan.seen if isinstance(subject, ServiceRef)}


def _requests(
    scan: LogScan, series: SeriesIndex, estate: Estate, window: Window, *, logs: Coverage
) -> tuple[dict[ServiceRef, Traffic], str, frozenset[ServiceRef]]:
    """Return requests by service, the source that most of them are from, and the services that metrics tell of.

    The request log is exact, unless it was cut off; where it is silent, request metrics speak. Where it is a sample, or
    knows of more failures than metrics (which miss what Cloud Run itself refuses), metrics tell among how many. Where
    no service is seen to fail, the load balancers' log, or where there is none their metric, speaks for the services
    behind them, or for its backends where none is known.
    """
    logged = {one: traffic for one, traffic in scan.traffic.items() if traffic.requests}
    counted = series.traffic(window.start.timestamp(), window.end.timestamp())
    counted = {one: traffic for one, traffic in counted.items() if traffic.requests}
    if logs.sampled or not logs.complete:
        logged = {one: _among(traffic, counted.get(one)) for one, traffic in logged.items()}
    known = {one: traffic for one, traffic in logged.items() if logs.complete or _knows_more(traffic, counted.get(one))}
    merged = {**logged, **counted, **known}
    if not any(fails(one) for one in merged.values()):
        counted_there = (
            {} if logs.answered else series.balanced_traffic(window.start.timestamp(), window.end.timestamp())
        )
        for name, one in sorted((scan.balancer_traffic or counted_there).items()):
            if name and one.requests and fails(one):
                merged[estate.behind(name) or ServiceRef(name=name, region="global")] = one
    told_by_metrics = frozenset(one for one, traffic in counted.items() if merged[one] is traffic)
    return merged, LOG_ENTRIES if logged else TIME_SERIES, told_by_metrics


def _among(logged: Traffic, counted: Traffic | None) -> Traffic:
    return logged if counted is None else logged.with_answered(counted)


def _knows_more(logged: Traffic, counted: Traffic | None) -> bool:
    return counted is None or logged.errors > counted.errors


def _state(service: ServiceRef, traffic: dict[ServiceRef, Traffic], window: Window, *, told: bool) -> ServiceState:
    seen = traffic.get(service)
    if seen is not None and seen.requests:
        state = state_of(service, seen, window)
        return state if state.health != "healthy" else _denied(service, seen, window) or state
    if told:
        return ServiceState(service=service, health="healthy", requests=0, errors=0)
    return ServiceState(service=service, health="unknown")


def _in_doubt(state: ServiceState, since: datetime | None, window: Window) -> ServiceState:
    """Return a state that takes no comfort from request metrics where other signs tell of distress.

    What was broken before the window and gets no requests may be what nobody needs any more.
    """
    if state.health != "healthy" or since is None or not (state.requests or since > window.start):
        return state
    return replace(state, health="unknown", onset=since)


def _denied(service: ServiceRef, traffic: Traffic, window: Window) -> ServiceState | None:
    """Return the state of a service that began to turn its own callers away; strangers without a token do not count."""
    denied = traffic.as_denied()
    if denied.errors < _MANY_DENIED or sum(denied.good_minutes.values()) < _MANY_DENIED:
        return None
    state = state_of(service, denied, window)
    if state.onset is None or state.older_than_window:
        return None
    onset, end = int(state.onset.timestamp() // 60), int(window.end.timestamp() // 60)
    start = min([*denied.good_minutes, *denied.error_minutes])
    good_before = sum(count for minute, count in denied.good_minutes.items() if minute < onset)
    good_after = sum(denied.good_minutes.values()) - good_before
    fewer = good_after / max(1, end - onset) < good_before / max(1, onset - start) / 2
    return state if fewer else None


def _checked(bundle: Bundle, source_id: str, scan: LogScan) -> Coverage:
    """Return a source's coverage after its file was read: what cannot be read is not covered.

    A stray malformed line among very many log entries does not count: no signature stands and falls with one entry.
    """
    coverage = bundle.coverage(source_id)
    path = coverage.source.path
    broken = bundle.problems.count(path)
    stray = source_id == LOG_ENTRIES and broken < _STRAY_SHARE * scan.entries
    if not coverage.answered or not broken or stray:
        return coverage
    first = next(str(one) for one in bundle.problems.problems() if one.path == path)
    return Coverage(
        source=coverage.source,
        state="ok" if _any_read(bundle, source_id) else "error",
        truncated=True,
        sampled=coverage.sampled,
        reason=first,
        permission=coverage.permission,
    )


def _any_read(bundle: Bundle, source_id: str) -> bool:
    if source_id == LOG_ENTRIES:
        return any(True for _ in bundle.entries())
    if source_id == TIME_SERIES:
        return any(True for _ in bundle.series())
    return bundle.resources(source_id) is not None


def _fix(coverage: Coverage, project: str) -> str:
    if coverage.state == "denied" and coverage.source.role:
        return (
            f"gcloud projects add-iam-policy-binding {quote(project)} --member=user:YOUR_ACCOUNT"
            f" --role={coverage.source.role}"
        )
    if coverage.state == "disabled":
        return f"gcloud services enable {coverage.source.api} --project={quote(project)}"
    return ""
