"""Cloud Run Admin API v1, Knative's shape, which gcloud speaks: services and revisions, and services put back.

The region is in the host (``us-central1-run.googleapis.com``); on another host all regions are looked through.
"""

from __future__ import annotations

from collections.abc import Mapping

from gcpdiag.emulator.annotation import AnnotationError
from gcpdiag.emulator.knative import API_VERSION, revision_to_v1, service_replaced, service_to_v1
from gcpdiag.emulator.paging import page_of, page_size
from gcpdiag.emulator.progress import REVISIONS, SERVICES
from gcpdiag.emulator.rest import Request, Route, invalid, not_found
from gcpdiag.emulator.rollout import get_service, list_revisions, list_services, update_service
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, object_at, text_at
from gcpdiag.model.resource import last_segment

_MOST = 1000  # unverified
_HOST = "-run.googleapis.com"
_NO_POLICY = "ACAB"  # the etag of a policy that was never set


def answer_locations(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``locations.list`` with the bundle's regions."""
    parent = f"projects/{state.project}/locations"
    regions: list[Json] = [{"name": f"{parent}/{region}", "locationId": region} for region in state.regions]
    return {"locations": regions}


def answer_all_services(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``services.list`` of a location, ``-`` for all."""
    region = captured["region"]
    return _services(state, request, "" if region == "-" else region)


def answer_services(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``namespaces.services.list``."""
    return _services(state, request, _region_of(request))


def answer_service(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``namespaces.services.get``."""
    return _service_to_v1(state, _service(state, request, captured))


def answer_put(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``namespaces.services.replaceService`` with the service as it is right after the update began."""
    if text_at(request.body, "kind") not in ("", "Service"):
        raise invalid("The kind must be Service.")  # unverified wording
    dry = request.text("dryRun") == "all"
    with state.lock:
        stored = _service(state, request, captured)
        try:
            wanted = service_replaced(stored, request.body)
        except AnnotationError as error:
            raise invalid(str(error)) from error
        operation = update_service(state, wanted, validate_only=dry, api="v1")
        updated = object_at(operation, "response") if dry else get_service(state, text_at(stored, "name"))
    return _service_to_v1(state, updated)


def answer_revisions(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:  # noqa: ARG001
    """Answer ``namespaces.revisions.list``."""
    region = _region_of(request)
    found = list_revisions(state, f"projects/{state.project}/locations/{region}/services/-" if region else "")
    return _listed(request, "RevisionList", [revision_to_v1(one, namespace=state.project_number) for one in found])


def answer_revision(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``namespaces.revisions.get``."""
    region, name = _region_of(request), captured["revision"]
    found = list_revisions(state, f"projects/{state.project}/locations/{region}/services/-" if region else "")
    for one in found:
        if last_segment(text_at(one, "name")) == name:
            return revision_to_v1(one, namespace=state.project_number)
    raise _missing(state, request, name, "REVISION")


def answer_policy(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    """Answer ``getIamPolicy``: a bundle holds no policies, so there is none."""
    _service(state, request, captured)
    return {"etag": _NO_POLICY}


def _services(state: State, request: Request, region: str) -> JsonObject:
    found = [_service_to_v1(state, one) for one in list_services(state, region)]
    return _listed(request, "ServiceList", found)


def _service(state: State, request: Request, captured: Mapping[str, str]) -> JsonObject:
    region, name = captured.get("region") or _region_of(request), captured["service"]
    for one in list_services(state, region):
        if last_segment(text_at(one, "name")) == name:
            return one
    raise _missing(state, request, name, "SERVICE")


def _missing(state: State, request: Request, name: str, kind: str) -> Exception:
    where = f"in region '{_region_of(request)}' in project '{state.project}'"
    return not_found(f"Resource '{name}' of kind '{kind}' {where} does not exist.")


def _service_to_v1(state: State, service: JsonObject) -> JsonObject:
    return service_to_v1(service, namespace=state.project_number)


def _listed(request: Request, kind: str, found: list[JsonObject]) -> JsonObject:
    wanted = _selected(request.text("labelSelector"))
    chosen = [one for one in found if wanted.items() <= object_at(one, "metadata.labels").items()]
    size = page_size(request.number("limit"), default=_MOST, most=_MOST, name="limit")
    page, token = page_of(chosen, size=size, token=request.text("continue"), query=f"{request.path} {wanted}")
    # Without metadata gcloud 528 fails.
    metadata: JsonObject = {"selfLink": request.path, **({"continue": token} if token else {})}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "items": list(page)}


def _selected(selector: str) -> dict[str, str]:
    """Return the labels that a selector asks for; ApiError 400 for more than equality."""
    wanted: dict[str, str] = {}
    for term in filter(None, (one.strip() for one in selector.split(","))):
        key, equals, value = term.partition("=")
        if not equals or key.rstrip().endswith("!"):
            raise invalid(f"Invalid label selector: '{term}'.")  # unverified wording
        wanted[key.strip()] = value.removeprefix("=").strip()
    return wanted


def _region_of(request: Request) -> str:
    host = request.host.partition(":")[0].lower()
    return host.removesuffix(_HOST) if host.endswith(_HOST) else ""


_NAMESPACE = rf"/apis/{API_VERSION}/namespaces/(?P<project>[^/]+)"
_LOCATIONS = r"/v1/projects/(?P<project>[^/]+)/locations"
_SERVICE = rf"{_LOCATIONS}/(?P<region>[^/]+)/services/(?P<service>[^/:]+)"

ROUTES = (
    Route("GET", "run", _LOCATIONS, answer_locations, permission="run.locations.list"),
    Route("GET", "run", rf"{_LOCATIONS}/(?P<region>[^/]+)/services", answer_all_services, SERVICES),
    Route("GET", "run", rf"{_SERVICE}:getIamPolicy", answer_policy, SERVICES, permission="run.services.getIamPolicy"),
    Route("GET", "run", rf"{_NAMESPACE}/services", answer_services, SERVICES),
    Route(
        "GET",
        "run",
        rf"{_NAMESPACE}/services/(?P<service>[^/:]+)",
        answer_service,
        SERVICES,
        permission="run.services.get",
    ),
    Route(
        "PUT",
        "run",
        rf"{_NAMESPACE}/services/(?P<service>[^/:]+)",
        answer_put,
        SERVICES,
        mutates=True,
        permission="run.services.update",
    ),
    Route("GET", "run", rf"{_NAMESPACE}/revisions", answer_revisions, REVISIONS),
    Route(
        "GET",
        "run",
        rf"{_NAMESPACE}/revisions/(?P<revision>[^/:]+)",
        answer_revision,
        REVISIONS,
        permission="run.revisions.get",
    ),
)
