"""What failed requests have in common: their status, or that all of them took as long as is allowed."""

from __future__ import annotations

from gcpdiag.bundle.format import LOG_ENTRIES, TIME_SERIES
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import from_epoch
from gcpdiag.signals.definition import RequestSignal
from gcpdiag.signals.link import logs_link
from gcpdiag.signals.observation import Observation
from gcpdiag.signals.traffic import Traffic


def find_requests(signal_id: str, definition: RequestSignal, service: ServiceRef, seen: Observation) -> Finding:
    """Return whether enough of a service's failed requests are of the kind that the signal names.

    The request log tells; where it could not be read, metrics do, but for who gave an answer of 5xx.
    """
    traffic, source = seen.scan.traffic.get(service), LOG_ENTRIES
    gap = seen.gap(LOG_ENTRIES, definition.title)
    if gap and service in seen.counted and not (definition.by_application and seen.traffic[service].errors):
        traffic, source = seen.traffic[service], TIME_SERIES
    if traffic is None or not traffic.requests:
        silent = Gap(check=definition.title, reason="there is no request log of this service", source=LOG_ENTRIES)
        return Unknown(signal=signal_id, gap=gap or silent)
    count = _count(definition, traffic, seen.estate.timeout(service))
    share = count / traffic.errors if traffic.errors else 0.0
    told = f"{count} of {traffic.errors} failed requests of {service.name}"
    if count and share >= definition.share_of_errors:
        evidence = Evidence(
            signal=signal_id,
            text=f"{told}: {definition.title}",
            source=source,
            first_at=from_epoch(traffic.first_error),
            last_at=from_epoch(traffic.last_error),
            count=count,
            service=service,
            link=logs_link(seen.project, service, "", ["request"], seen.window),
        )
        return Present(signal=signal_id, strength=min(1.0, 0.5 + share / 2), evidence=(evidence,))
    if definition.at_timeout and source == TIME_SERIES:  # which does not say how long a request took
        return Unknown(signal=signal_id, gap=gap or Gap(check=definition.title, reason="no latencies", source=source))
    return Absent(signal=signal_id, looked=definition.absent or f"only {told}: {definition.title}", source=source)


def _count(definition: RequestSignal, traffic: Traffic, timeout: float) -> int:
    count = sum(traffic.statuses[status] for status in definition.status)
    if definition.by_application:
        count += traffic.application_errors
    if definition.at_timeout:
        count += sum(
            number
            for (status, seconds), number in traffic.error_seconds.items()
            if abs(seconds - timeout) <= 1 and status not in definition.status
        )
    return count
