"""A service under update: a small project, a clock that a test turns, and calls as clients make them."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from pathlib import Path

from gcpdiag.bundle.read import load_bundle
from gcpdiag.emulator.backend import Backend
from gcpdiag.emulator.knative import service_to_v1
from gcpdiag.emulator.progress import operation_at
from gcpdiag.emulator.rest import ApiError, Request
from gcpdiag.emulator.rollout import get_service, list_revisions, update_service
from gcpdiag.emulator.serve import ROUTES
from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at
from gcpdiag.model.resource import last_segment
from tests.emulator.asking import NOON

FIXTURES = Path(__file__).parents[2] / "fixtures"
PARENT = "projects/demo-staging/locations/us-central1"
NAME = f"{PARENT}/services/backend-staging"
SERVING = "backend-staging-00704-9fz"
OLDER = "backend-staging-00703-hwt"
RUN_HOST = "us-central1-run.googleapis.com"
NAMESPACE = "/apis/serving.knative.dev/v1/namespaces/demo-staging"

LATEST: JsonObject = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}


def pinned(revision: str, percent: int = 100) -> JsonObject:
    return {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": revision, "percent": percent}


class Clock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Project:
    """The project of a fixture, with the calls that tests make."""

    def __init__(self, fixture: str = "staging-503") -> None:
        self.clock = Clock()
        self.state = State(load_bundle(FIXTURES / fixture), clock=self.clock)
        self.backend = Backend(self.state, ROUTES)

    def ask(
        self, method: str, path: str, body: JsonObject | None = None, *, host: str = RUN_HOST, **query: str
    ) -> JsonObject:
        asked = {key: [value] for key, value in query.items()}
        return self.backend.respond(Request(method, host, path, asked, body or {})).answer

    def refused(
        self, method: str, path: str, body: JsonObject | None = None, *, host: str = RUN_HOST, **query: str
    ) -> ApiError:
        try:
            self.ask(method, path, body, host=host, **query)
        except ApiError as error:
            return error
        raise AssertionError(f"{method} {path} was answered")

    def plan(self, **told: Json) -> JsonObject:
        return self.ask("POST", "/_emulator/rollout", {"service": "backend-staging", **told}, host="127.0.0.1:80")

    def service(self) -> JsonObject:
        """A copy of the service as it stands, for a test to change."""
        return copy.deepcopy(get_service(self.state, NAME))

    def knative(self) -> JsonObject:
        return copy.deepcopy(service_to_v1(get_service(self.state, NAME)))

    def update(
        self, wanted: JsonObject, *, validate_only: bool = False, force_new_revision: bool = False
    ) -> JsonObject:
        return update_service(self.state, wanted, validate_only=validate_only, force_new_revision=force_new_revision)

    def finish(self, operation: JsonObject, seconds: float = 1) -> JsonObject:
        self.clock.turn(seconds)
        found = operation_at(self.state, text_at(operation, "name"))
        assert found is not None
        return found

    def revisions(self) -> dict[str, JsonObject]:
        return {last_segment(text_at(one, "name")): one for one in list_revisions(self.state, NAME)}


def with_memory(service: JsonObject, memory: str) -> JsonObject:
    """The service with another memory limit, which takes a new revision."""
    container = objects_at(service, "template.containers")[0]
    object_at(container, "resources.limits")["memory"] = memory
    return service


def states(resource: JsonObject) -> dict[str, str]:
    return {text_at(one, "type"): text_at(one, "state") for one in objects_at(resource, "conditions")}


def latest_created(service: JsonObject) -> str:
    return last_segment(text_at(service, "latestCreatedRevision"))


def latest_ready(service: JsonObject) -> str:
    return last_segment(text_at(service, "latestReadyRevision"))
