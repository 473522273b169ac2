"""Metrics as findings: beyond a bound, near a configured limit, or risen out of their own baseline."""

from __future__ import annotations

from statistics import median

from gcpdiag.bundle.format import TIME_SERIES
from gcpdiag.model.database import has_metric
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.model.json import number_at
from gcpdiag.model.resource import ServiceRef, last_segment
from gcpdiag.model.window import from_epoch
from gcpdiag.signals.definition import MetricSignal
from gcpdiag.signals.estate import max_connections_of
from gcpdiag.signals.link import service_link
from gcpdiag.signals.metric import robust_score
from gcpdiag.signals.observation import Observation

_BASELINE_POINTS = 5
_WORTH_FALLING = 2.0  # a level below this is as good as nothing
_LATE, _EARLY, _LONG_BEFORE = 6, 2, 12  # minutes
_UNTIMELY, _ALWAYS = 0.4, 0.5  # share of its strength that a finding keeps


def find_metric(signal_id: str, definition: MetricSignal, service: ServiceRef, seen: Observation) -> Finding:
    """Return the finding of the service's own resource that is furthest beyond the bound."""
    resources = _resources(definition, service, seen)
    findings = [_find_in(signal_id, definition, one, service, seen) for one in resources]
    present = [one for one in findings if isinstance(one, Present)]
    if present:
        return max(present, key=lambda one: one.strength)
    unknown = [one for one in findings if isinstance(one, Unknown)]
    if unknown:
        return unknown[0]
    if findings:
        return findings[0]
    if _uses_none(definition, service, seen):
        looked = definition.absent or f"{service.name} uses no {definition.resource}"
        return Absent(signal=signal_id, looked=looked, source="run.services")
    return Unknown(signal=signal_id, gap=_no_points(definition, seen))


def _uses_none(definition: MetricSignal, service: ServiceRef, seen: Observation) -> bool:
    """Tell whether the service is known to use no resource of the kind: a hidden address is no proof of that."""
    if definition.resource == "connector":
        return bool(seen.estate.configuration(service))
    if definition.resource == "nat":
        return bool(seen.estate.configuration(service)) and not seen.estate.egress(service)
    if definition.resource == "database":
        known = seen.estate.databases
        return known is not None and not any(has_metric(one, definition.metric) for one in known.values())
    return seen.estate.redis is not None and not seen.estate.redis


def _find_in(
    signal_id: str, definition: MetricSignal, resource: str, service: ServiceRef, seen: Observation
) -> Finding:
    minutes = seen.series.values(
        definition.metric,
        resource,
        labels=definition.labels,
        quantile=definition.quantile,
        combine=definition.combine,
    )
    start, end = int(seen.window.start.timestamp() // 60), int(seen.window.end.timestamp() // 60)
    inside = {minute: value for minute, value in sorted(minutes.items()) if start <= minute <= end}
    if not inside:
        return Unknown(signal=signal_id, gap=_no_points(definition, seen))
    if definition.rise is not None or definition.fall is not None:
        return _find_shift(signal_id, definition, minutes, inside, resource, service, seen)
    limit = _limit(definition, resource, service, seen)
    if limit is None:
        gap = Gap(check=definition.title, reason=f"the limit of {resource} is not known", source="run.services")
        return Unknown(signal=signal_id, gap=gap)
    if definition.below is not None:
        inside = _since_onset(inside, service, seen)
    beyond = {minute: value for minute, value in inside.items() if _is_beyond(definition, value, limit)}
    peak = (min if definition.below is not None else max)(inside.values())
    told = f"{_short(definition.metric)} of {resource} {_amount(peak, limit, definition)}"
    if len(beyond) >= min(definition.points, len(inside)):
        text = f"{told}, beyond the bound in {len(beyond)} of {len(inside)} minutes"
        return _present(signal_id, definition, text, beyond, resource, service, seen)
    return Absent(signal=signal_id, looked=definition.absent or told, source=TIME_SERIES)


def _since_onset(inside: dict[int, float], service: ServiceRef, seen: Observation) -> dict[int, float]:
    """Return the minutes since the onset: what was calm before it may not be so any more."""
    state = seen.states.get(service)
    if state is None or state.onset is None:
        return inside
    start = state.onset.timestamp() // 60 - _EARLY
    return {minute: value for minute, value in inside.items() if minute >= start} or inside


def _find_shift(
    signal_id: str,
    definition: MetricSignal,
    minutes: dict[int, float],
    inside: dict[int, float],
    resource: str,
    service: ServiceRef,
    seen: Observation,
) -> Finding:
    state = seen.states.get(service)
    onset = state.onset if state and not state.older_than_window else None
    split = int(onset.timestamp() // 60) if onset else 0
    calm = [value for minute, value in minutes.items() if minute < split - 1]
    after = {minute: value for minute, value in inside.items() if minute >= split}
    if len(calm) < _BASELINE_POINTS or len(after) < definition.points:
        gap = Gap(check=definition.title, reason="no calm stretch to compare with", source=TIME_SERIES)
        return Unknown(signal=signal_id, gap=gap)
    usual, now = median(calm), median(after.values())
    if definition.fall is not None:
        shifted = usual >= _WORTH_FALLING and now <= definition.fall * usual
        told = f"{_short(definition.metric)} of {resource} at {now:.4g}, from {usual:.4g} before"
    else:
        shifted = robust_score(list(after.values()), calm) >= (definition.rise or 0.0)
        told = f"{_short(definition.metric)} of {resource} up to {max(after.values()):.4g}, against {usual:.4g} before"
    if shifted:
        return _present(signal_id, definition, told, after, resource, service, seen)
    return Absent(signal=signal_id, looked=definition.absent or told, source=TIME_SERIES)


def _present(
    signal_id: str,
    definition: MetricSignal,
    text: str,
    beyond: dict[int, float],
    resource: str,
    service: ServiceRef,
    seen: Observation,
) -> Present:
    evidence = Evidence(
        signal=signal_id,
        text=text,
        source=TIME_SERIES,
        first_at=from_epoch(min(beyond) * 60),
        last_at=from_epoch(max(beyond) * 60),
        count=len(beyond),
        service=service,
        resource="" if definition.resource == "service" else resource.rsplit(":", 1)[-1],
        link=service_link(seen.project, service, "metrics"),
    )
    return Present(signal=signal_id, strength=_timely(beyond, service, seen), evidence=(evidence,))


def _timely(beyond: dict[int, float], service: ServiceRef, seen: Observation) -> float:
    """Return 1, or less for what was over before the onset, began well after it, or was there all the time.

    What was always at its limit may have been the last straw's victim, so it keeps half of its weight.
    """
    state = seen.states.get(service)
    if state is None or state.onset is None or state.older_than_window:
        return 1.0
    onset = state.onset.timestamp() / 60
    if min(beyond) > onset + _LATE or max(beyond) < onset - _EARLY:
        return _UNTIMELY
    return _ALWAYS if min(beyond) < onset - _LONG_BEFORE else 1.0


def _resources(definition: MetricSignal, service: ServiceRef, seen: Observation) -> list[str]:
    """Return the short names under which the series of a service's own resources are filed."""
    if definition.resource in {"service", "revision"}:
        return [service.name]
    if definition.resource == "project":
        return [seen.project]
    filed = sorted(name for metric, name in seen.series.series if metric == definition.metric)
    if definition.resource == "connector":
        linked = [last_segment(seen.estate.connector(service))]
    elif definition.resource == "nat":
        linked = seen.estate.gateways(service) if seen.estate.egress(service) else [""]
    elif definition.resource == "database":
        linked = seen.estate.database_names(service)
    else:
        linked = seen.estate.redis_names(service)
    if definition.resource == "database":
        others = {name for name, one in (seen.estate.databases or {}).items() if not has_metric(one, definition.metric)}
        filed = [name for name in filed if name.rsplit(":", 1)[-1] not in others]
        if linked and not set(linked) - others:
            return []
    mine = [name for name in filed if name.rsplit(":", 1)[-1] in linked]
    unknown_links = not any(linked) and definition.resource != "connector"
    return filed if unknown_links else mine or [one for one in linked if one]


def _limit(definition: MetricSignal, resource: str, service: ServiceRef, seen: Observation) -> float | None:
    match definition.of:
        case None:
            return 1.0
        case "max-instances":
            return seen.estate.max_instances(service) if seen.estate.configuration(service) else None
        case "concurrency":
            return seen.estate.concurrency(service) if seen.estate.configuration(service) else None
        case "connector-max-instances":
            return number_at((seen.estate.connectors or {}).get(resource), "maxInstances")
        case "max-connections":
            return max_connections_of((seen.estate.databases or {}).get(resource.rsplit(":", 1)[-1], {}))


def _is_beyond(definition: MetricSignal, value: float, limit: float) -> bool:
    if definition.above is not None:
        return value >= definition.above * limit
    return definition.below is not None and value <= definition.below * limit


def _amount(peak: float, limit: float, definition: MetricSignal) -> str:
    if definition.of is not None:
        return f"{peak:.4g} of at most {limit:.4g}"
    edge = "at least" if definition.below is not None else "up to"
    share = definition.metric.endswith(("utilization", "utilizations", "ratio"))
    return f"{edge} {peak:.0%}" if share else f"{edge} {peak:.4g}"


def _short(metric: str) -> str:
    """Return a metric's name without the API that it belongs to."""
    return metric.split("/", 1)[-1]


def _no_points(definition: MetricSignal, seen: Observation) -> Gap:
    return seen.gap(TIME_SERIES, definition.title) or Gap(
        check=definition.title, reason=f"there are no points of {definition.metric}", source=TIME_SERIES
    )
