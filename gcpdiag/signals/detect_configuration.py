"""Configuration and resource state as findings: a field of a resource that the service uses."""

from __future__ import annotations

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.model.json import Json, JsonObject, objects_at, text_at, times_in
from gcpdiag.model.resource import ServiceRef, last_segment
from gcpdiag.signals.definition import ConfigurationSignal, ResourceKind
from gcpdiag.signals.link import service_link
from gcpdiag.signals.matcher import compiled
from gcpdiag.signals.observation import Observation

_SOURCES: dict[ResourceKind, str] = {
    "service": "run.services",
    "revision": "run.revisions",
    "connector": "vpcaccess.connectors",
    "database": "sqladmin.instances",
    "redis": "redis.instances",
    "event": "servicehealth.events",
    "project": "run.services",
}


def find_configuration(
    signal_id: str, definition: ConfigurationSignal, service: ServiceRef, seen: Observation
) -> Finding:
    """Return whether a resource that the service uses has the value that the signal names."""
    source = _SOURCES[definition.resource]
    resources = resources_of(definition.resource, service, seen)
    if resources is None or _is_beyond_revisions(definition, service, seen):
        gap = seen.gap(source, definition.title) or Gap(
            check=definition.title,
            reason=f"which {definition.resource} {service.name} uses is not known",
            source=source,
        )
        return Unknown(signal=signal_id, gap=gap)
    evidence: list[Evidence] = []
    looked: list[str] = []
    for name, document in resources:
        values = values_at(document, definition.field)
        told = [one for one in values if _fits(definition, one)]
        if told:
            evidence.append(_evidence(signal_id, definition, name, told[0], service, seen))
        looked.append(f"{name} has {definition.field} {_shown(values)}")
    if evidence:
        return Present(signal=signal_id, strength=1.0, evidence=tuple(evidence))
    return Absent(signal=signal_id, looked=_looked(definition, looked, service), source=source)


def _is_beyond_revisions(definition: ConfigurationSignal, service: ServiceRef, seen: Observation) -> bool:
    """Tell whether a field is the service's own, where only revisions were collected."""
    own = definition.resource == "service" and not definition.field.startswith("template.")
    return own and service in seen.estate.from_revisions


def _looked(definition: ConfigurationSignal, looked: list[str], service: ServiceRef) -> str:
    found = "; ".join(looked)
    if not found and definition.resource != "event":
        found = f"{service.name} uses no {definition.resource}"
    if definition.absent and found:
        return f"{definition.absent} ({found})"
    return definition.absent or found or f"none found: {definition.title}"


def resources_of(  # noqa: PLR0911 - one return for each kind of resource
    kind: ResourceKind, service: ServiceRef, seen: Observation
) -> list[tuple[str, JsonObject]] | None:
    """Return the short names and documents of the resources of a kind that a service uses; None if unknown."""
    estate = seen.estate
    if kind == "service":
        document = estate.services.get(service)
        return [(service.name, document)] if document and service not in estate.from_audit else None
    if kind == "revision":
        return _revisions(service, seen)
    if kind == "project":
        return None
    if kind == "event":
        return _events(service, seen)
    known, names = estate.redis, estate.redis_names(service)
    if kind == "connector":
        connector = last_segment(estate.connector(service))
        if not connector and estate.configuration(service):
            return []
        known, names = estate.connectors, [connector]
    elif kind == "database":
        known, names = estate.databases, estate.database_names(service)
    if known is None or not estate.configuration(service):
        return None
    if kind == "redis" and not names:  # the address may be hidden in a secret: no link is no proof
        return sorted(known.items()) or None
    return [(name, known[name]) for name in names if name in known]


def _revisions(service: ServiceRef, seen: Observation) -> list[tuple[str, JsonObject]] | None:
    """Return the revisions that matter: the one that serves, and the newest one."""
    document = seen.estate.services.get(service, {})
    newest = last_segment(text_at(document, "latestCreatedRevision"))
    wanted = {seen.estate.serving_revision(service), newest} - {""}
    found = [(name, seen.estate.revisions[name]) for name in sorted(wanted) if name in seen.estate.revisions]
    return found or None


def _events(service: ServiceRef, seen: Observation) -> list[tuple[str, JsonObject]] | None:
    """Return Google's events of now or of the window, with their impacts in the service's region or everywhere."""
    events = seen.estate.events
    if events is None:
        return None
    places = {service.region, "global", ""}
    found: list[tuple[str, JsonObject]] = []
    for one in events:
        impacts: list[Json] = [
            impact for impact in objects_at(one, "eventImpacts") if text_at(impact, "location.locationName") in places
        ]
        if impacts and _is_on(one, seen):
            name = text_at(one, "title") or last_segment(text_at(one, "name"))
            found.append((name, {**one, "eventImpacts": impacts}))
    return found


def _is_on(event: JsonObject, seen: Observation) -> bool:
    if text_at(event, "detailedState") == "FALSE_POSITIVE" or text_at(event, "relevance") == "NOT_IMPACTED":
        return False
    ended = next(iter(times_in({"endTime": event.get("endTime")})), None)
    return text_at(event, "state") == "ACTIVE" or (ended is not None and ended >= seen.window.start)


def values_at(document: Json, path: str) -> list[str]:
    """Return the texts at a dotted path; a list on the way stands for each of its elements."""
    here: list[Json] = [document]
    for step in path.split("."):
        spread = [one for value in here for one in (value if isinstance(value, list) else [value])]
        here = [one[step] for one in spread if isinstance(one, dict) and step in one]
    flat = [one for value in here for one in (value if isinstance(value, list) else [value])]
    return [str(one) for one in flat if isinstance(one, str | int | float) and one not in ("", None)]


def _fits(definition: ConfigurationSignal, value: str) -> bool:
    if definition.equals:
        return value in definition.equals
    if definition.unlike:
        return value not in definition.unlike
    return bool(compiled(definition.matches).search(value))


def _evidence(
    signal_id: str,
    definition: ConfigurationSignal,
    name: str,
    value: str,
    service: ServiceRef,
    seen: Observation,
) -> Evidence:
    owner = service if definition.resource in {"service", "revision"} else None
    return Evidence(
        signal=signal_id,
        text=f"{definition.resource} {name}: {definition.field} is {one_line(value)}",
        source=_SOURCES[definition.resource],
        service=service,
        resource="" if owner else name,
        link=service_link(seen.project, service, "revisions") if owner else "",
    )


def _shown(values: list[str]) -> str:
    return one_line(", ".join(values[:3]), limit=80) or "unset"
