"""Cloud Run services and revisions as they stand by now, and updates that make new revisions and roll out.

An update of the template makes a revision; one of the traffic or of the service's scaling makes none. How the next
update of a service goes is planned with ``POST /_emulator/rollout``; without a plan it becomes ready after a second.
"""

from __future__ import annotations

import uuid
from typing import Literal

from gcpdiag.emulator.audit import caller_of, log_update
from gcpdiag.emulator.condition import RECONCILING, condition, stamp
from gcpdiag.emulator.limits import check_service
from gcpdiag.emulator.plan import rollout_of
from gcpdiag.emulator.progress import (
    REVISIONS,
    SERVICE_TYPE,
    SERVICES,
    begin,
    find,
    operation_at,
    replace_resource,
    revisions_of,
    settle,
)
from gcpdiag.emulator.rest import ApiError, invalid, not_found
from gcpdiag.emulator.revision import CLIENT, bare, etag_of, new_revision, settings_of, with_defaults
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, number_at, object_at, objects_at, text_at
from gcpdiag.model.resource import last_segment, location_of

Api = Literal["v1", "v2"]

# What a user may change of a service (``update_mask`` of UpdateServiceRequest; the rest is output only).
MUTABLE = (
    "annotations",
    "binaryAuthorization",
    "buildConfig",
    "client",
    "clientVersion",
    "customAudiences",
    "defaultUriDisabled",
    "description",
    "iapEnabled",
    "ingress",
    "invokerIamDisabled",
    "labels",
    "launchStage",
    "multiRegionSettings",
    "scaling",
    "sshEnabled",
    "template",
    "traffic",
)


def list_services(state: State, region: str = "") -> list[JsonObject]:
    """Return the services of a region, or of all where none is given."""
    return _listed(state, SERVICES, region)


def get_service(state: State, name: str) -> JsonObject:
    """Return a service by its full name, or raise ApiError 404."""
    settle(state)
    found = find(state, SERVICES, name)
    if found is None:
        raise _missing(state, name, "SERVICE")
    return found


def list_revisions(state: State, parent: str) -> list[JsonObject]:
    """Return the revisions of a service by its full name, or of a region where that ends in ``services/-``."""
    location, _, service = parent.partition("/services/")
    if service in ("", "-"):
        return _listed(state, REVISIONS, location_of(location))
    get_service(state, parent)
    return revisions_of(state, parent)


def get_revision(state: State, name: str) -> JsonObject:
    """Return a revision by its full name (its service may be ``-``), or raise ApiError 404."""
    parent, _, short = name.partition("/services/-/revisions/")
    for one in _listed(state, REVISIONS, location_of(name)):
        full = text_at(one, "name")
        if full == name or (short and full.startswith(f"{parent}/services/") and full.endswith(f"/revisions/{short}")):
            return one
    raise _missing(state, name, "REVISION")


def update_service(
    state: State,
    new: JsonObject,
    *,
    validate_only: bool = False,
    force_new_revision: bool = False,
    api: Api = "v2",
    update_mask: str = "",
) -> JsonObject:
    """Make a service as ``new`` has it, the whole service as it shall be, and return the operation.

    Raises ApiError: 404 for no such service, 409 for a stale etag or a revision name that is taken, 400 for what
    Cloud Run does not allow. ``update_mask`` is for the audit log alone.
    """
    with state.lock:
        stored = get_service(state, text_at(new, "name"))
        _check_etag(stored, new)
        wanted = _wanted(stored, new)
        check_service(wanted, stored, prefix="spec.template.spec." if api == "v1" else "template.")
        renewed = force_new_revision or _needs_revision(state, stored, wanted)
        revision = new_revision(state, wanted) if renewed else None
        updated = _updated(state, stored, wanted, revision)
        if validate_only:
            return {"name": _operation_name(updated), "done": True, "response": {"@type": SERVICE_TYPE, **updated}}
        replace_resource(state, SERVICES, updated)
        if revision is not None:
            _insert(state, revision)
        changed = _changed(stored, updated)
        traffic_only = revision is None and changed == ["traffic"]
        command = "run.services.update-traffic" if traffic_only else "run.services.update"
        log_update(state, updated, api=api, update_mask=update_mask, command=command)
        name = _operation_name(updated)
        begin(state, name, rollout_of(state, updated, revision, changed=changed))
        return operation_at(state, name) or {}


def _listed(state: State, source_id: str, region: str) -> list[JsonObject]:
    if region == "-":
        # The discovery document: the location cannot be the "-" wildcard. Unverified wording.
        raise invalid("Location must be a valid Google Cloud region, and cannot be the '-' wildcard.")
    settle(state)
    return [one for one in state.listed(source_id) if region in ("", location_of(text_at(one, "name")))]


def _missing(state: State, name: str, kind: str) -> ApiError:
    where = f"in region '{location_of(name)}' in project '{state.project}'"
    return not_found(f"Resource '{last_segment(name)}' of kind '{kind}' {where} does not exist.")


def _check_etag(stored: JsonObject, new: JsonObject) -> None:
    given, current = text_at(new, "etag"), text_at(stored, "etag")
    if given and given != current:  # Google's versions are numbers; the rest is its text
        name = last_segment(text_at(stored, "name"))
        versions = [one.strip('"') for one in (given, current)]
        told = f"version '{versions[0]}' was specified but current version is '{versions[1]}'."
        raise ApiError(409, "ABORTED", f"Conflict for resource '{name}': {told}")


def _wanted(stored: JsonObject, new: JsonObject) -> JsonObject:
    """Return the stored service with the mutable fields of the new one; a new template has its defaults filled in."""
    kept = {key: value for key, value in stored.items() if key not in MUTABLE}
    wanted = {**kept, **{key: new[key] for key in MUTABLE if key in new}}
    if wanted.get("template") != stored.get("template"):
        wanted["template"] = with_defaults(object_at(wanted, "template"))
    return {key: wanted[key] for key in (*(one for one in stored if one in wanted), *wanted)}


def _needs_revision(state: State, stored: JsonObject, wanted: JsonObject) -> bool:
    """Tell whether the template asks for a new revision; ApiError 409 when it changes one that is there by name."""
    old, new = object_at(stored, "template"), object_at(wanted, "template")
    name = text_at(new, "revision")
    differs = settings_of(old) != settings_of(new)
    if not name:
        return differs or bool(text_at(old, "revision"))
    known = f"{text_at(stored, 'name')}/revisions/{name}" in (
        text_at(one, "name") for one in revisions_of(state, text_at(stored, "name"))
    )
    if known and differs:
        raise ApiError(409, "ALREADY_EXISTS", f"Revision named '{name}' with different configuration already exists.")
    return not known


def _updated(state: State, stored: JsonObject, wanted: JsonObject, revision: JsonObject | None) -> JsonObject:
    """Return the service right after the update was accepted."""
    at = stamp(state.clock())
    generation = int(number_at(stored, "generation") or 0)
    if revision is not None or _changed(stored, wanted):
        generation += 1
    updated: JsonObject = {
        **wanted,
        "generation": str(generation),
        "updateTime": at,
        "lastModifier": caller_of(state),
        "reconciling": True,
        "terminalCondition": condition("Ready", RECONCILING, at),
        "conditions": _reconciling(stored, at, new_revision=revision is not None),
        "etag": etag_of(f"{text_at(stored, 'name')} {generation} {at} {text_at(stored, 'etag')}"),
    }
    if revision is not None:
        updated["latestCreatedRevision"] = text_at(revision, "name")
    return updated


def _reconciling(stored: JsonObject, at: str, *, new_revision: bool) -> list[Json]:
    moving = ("RoutesReady", "ConfigurationsReady") if new_revision else ("RoutesReady",)
    known = [one for one in objects_at(stored, "conditions") if text_at(one, "type") not in moving]
    return [*(condition(kind, RECONCILING, at) for kind in moving), *known]


def _changed(stored: JsonObject, updated: JsonObject) -> list[str]:
    """Return the fields of the desired state that differ."""
    told = [key for key in MUTABLE if key not in (*CLIENT, "template")]
    changed = [key for key in told if (bare(stored.get(key)) or None) != (bare(updated.get(key)) or None)]
    before, after = (settings_of(object_at(one, "template")) for one in (stored, updated))
    return changed if before == after else [*changed, "template"]


def _insert(state: State, revision: JsonObject) -> None:
    found = state.resources(REVISIONS)
    if found is not None:
        found.insert(0, revision)


def _operation_name(service: JsonObject) -> str:
    name = text_at(service, "name")
    unique = uuid.uuid5(uuid.NAMESPACE_URL, f"{name} {text_at(service, 'etag')}")
    return f"{name.split('/services/')[0]}/operations/{unique}"
