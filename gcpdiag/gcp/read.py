"""Every question that gcpdiag asks Google: what it takes, and the pages that come back, as REST JSON.

A question is a function from a page token and a time limit to a page, so that whoever asks decides about retries,
limits and deadlines. The client libraries are imported when the first question needs them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gcpdiag.gcp import clients
from gcpdiag.gcp.access import Access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.rest import RestApi
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at, texts_at
from gcpdiag.model.window import Window

COMPUTE_GLOBAL = frozenset({"firewalls", "routes"})
"""Compute lists that have no aggregated form."""

_COMPUTE_PAGE = "500"  # the most that Compute gives
_ENTRIES_PAGE = 1000  # the most that Logging gives
_POINTS_PAGE = 100_000  # the most that Monitoring gives, counted in points
_REGION_LABEL = "cloud.googleapis.com/location"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of an answer; ``next_token`` is empty on the last, ``unreachable`` names regions that did not answer."""

    resources: Sequence[JsonObject]
    next_token: str = ""
    unreachable: tuple[str, ...] = ()


PageCall: TypeAlias = Callable[[str, float], Page]
"""Fetches the page of a token (empty for the first) within so many seconds; CallError when there is none."""


class Reader:
    """Asks Google, or an emulator, and changes nothing; questions may be asked from several threads."""

    def __init__(self, access: Access, emulator: Emulator | None = None) -> None:
        self._access = access
        self._emulator = emulator
        self._rest = RestApi(access, emulator)
        self._opening = threading.RLock()  # one import at a time: modules that import each other may deadlock
        self._clients: dict[clients.Client, object] = {}

    def prepare(self, on_ready: Callable[[], None]) -> None:
        """Import all clients in the background, while the first answers are on their way, and say when that is done."""

        def open_all() -> None:
            for client in clients.ALL:
                self._opened(client)
            on_ready()

        threading.Thread(target=open_all, name="clients", daemon=True).start()

    def close(self) -> None:
        """Let the connections go."""
        self._rest.close()

    # --- Cloud Run

    def services(self, project: str, region: str) -> PageCall:
        """Ask for the services of one region, as ``run.v2.Service``."""
        parent = f"projects/{project}/locations/{region}"
        return self._list(clients.SERVICES, "list_services", {"parent": parent}, "services")

    def revisions(self, project: str, region: str) -> PageCall:
        """Ask for the revisions of every service of one region, as ``run.v2.Revision``."""
        parent = f"projects/{project}/locations/{region}/services/-"
        return self._list(clients.REVISIONS, "list_revisions", {"parent": parent}, "revisions")

    def services_everywhere(self, project: str) -> PageCall:
        """Ask for the services of all regions, in Knative's shape: v2 takes no wildcard for a region."""
        path = f"/v1/projects/{project}/locations/-/services"

        def page(token: str, timeout: float) -> Page:
            body = self._rest.get("run", path, {"continue": token} if token else {}, timeout=timeout)
            return Page(
                resources=objects_at(body, "items"),
                next_token=text_at(body, "metadata.continue"),
                unreachable=tuple(texts_at(body, "unreachable")),
            )

        return page

    # --- logs and metrics

    def entries(self, project: str, log_filter: str) -> PageCall:
        """Ask for the entries that a filter selects, newest first, a thousand to a page."""
        request = {
            "resource_names": [f"projects/{project}"],
            "filter": log_filter,
            "order_by": "timestamp desc",
            "page_size": _ENTRIES_PAGE,
        }
        return self._list(clients.LOGGING, "list_log_entries", request, "entries", entries=True)

    def time_series(self, project: str, metric_filter: str, window: Window) -> PageCall:
        """Ask for the series that a filter of one metric type selects, with every point as it was written."""
        request = {
            "name": f"projects/{project}",
            "filter": metric_filter,
            "interval": {"start_time": window.start, "end_time": window.end},
            "view": 0,  # FULL
            "page_size": _POINTS_PAGE,
        }
        return self._list(clients.METRICS, "list_time_series", request, "time_series")

    # --- what services depend on

    def connectors(self, project: str, region: str) -> PageCall:
        """Ask for the Serverless VPC Access connectors of one region."""
        parent = f"projects/{project}/locations/{region}"
        return self._list(clients.CONNECTORS, "list_connectors", {"parent": parent}, "connectors")

    def redis_instances(self, project: str, region: str) -> PageCall:
        """Ask for the Memorystore for Redis instances of one region."""
        parent = f"projects/{project}/locations/{region}"
        return self._list(clients.REDIS, "list_instances", {"parent": parent}, "instances")

    def health_events(self, project: str) -> PageCall:
        """Ask for the Personalized Service Health events of a project."""
        parent = f"projects/{project}/locations/global"
        return self._list(clients.HEALTH, "list_events", {"parent": parent}, "events")

    def sql_instances(self, project: str) -> PageCall:
        """Ask for the Cloud SQL instances of a project."""
        return self._get("sqladmin", f"/v1/projects/{project}/instances", {}, "items")

    def compute(self, project: str, kind: str) -> PageCall:
        """Ask for all Compute resources of a kind, such as ``backendServices``, in every region and globally."""
        if kind in COMPUTE_GLOBAL:
            path = f"/compute/v1/projects/{project}/global/{kind}"
            return self._get("compute", path, {"maxResults": _COMPUTE_PAGE}, "items")
        parameters = {"maxResults": _COMPUTE_PAGE}
        if kind == "subnetworks":
            parameters["views"] = "WITH_UTILIZATION"  # how many addresses are free
        return self._aggregated(f"/compute/v1/projects/{project}/aggregated/{kind}", kind, parameters)

    # --- the project itself

    def projects(self) -> PageCall:
        """Ask for the projects that the caller may see."""
        return self._get("cloudresourcemanager", "/v1/projects", {"filter": "lifecycleState:ACTIVE"}, "projects")

    def enabled_apis(self, project: str) -> PageCall:
        """Ask for the APIs that are enabled, each with ``config.name`` such as ``run.googleapis.com``."""
        parameters = {"filter": "state:ENABLED", "pageSize": "200"}
        return self._get("serviceusage", f"/v1/projects/{project}/services", parameters, "services")

    def granted(self, project: str, permissions: Sequence[str], *, timeout: float) -> frozenset[str]:
        """Return which of these permissions the caller has on the project; CallError when Google does not say."""
        path = f"/v1/projects/{project}:testIamPermissions"
        question: JsonObject = {"permissions": list(permissions)}
        answer = self._rest.ask("cloudresourcemanager", path, question, timeout=timeout)
        return frozenset(texts_at(answer, "permissions"))

    # --- how

    def _list(
        self,
        client: clients.Client,
        method: str,
        request: Mapping[str, object],
        field: str,
        *,
        entries: bool = False,
    ) -> PageCall:
        """Return a question to one of Google's clients, without its own retries (none of them knows of 429)."""

        def page(token: str, timeout: float) -> Page:
            opened = self._opened(client)
            from gcpdiag.gcp.message import document_of, entry_document
            from gcpdiag.gcp.rpc import failures_told

            with failures_told():
                call = getattr(opened, method)
                pager = call(request={**request, "page_token": token}, timeout=timeout, retry=None)
                response = next(iter(pager.pages))
            message = type(response).pb(response)
            convert = entry_document if entries else document_of
            return Page(
                resources=[convert(one) for one in getattr(message, field)],
                next_token=message.next_page_token,
                unreachable=tuple(getattr(message, "unreachable", ())),
            )

        return page

    def _opened(self, client: clients.Client) -> object:
        with self._opening:
            if client not in self._clients:
                self._clients[client] = client.open(self._access, self._emulator)
            return self._clients[client]

    def _get(self, api: str, path: str, parameters: Mapping[str, str], field: str) -> PageCall:
        def page(token: str, timeout: float) -> Page:
            asked = {**parameters, "pageToken": token} if token else parameters
            body = self._rest.get(api, path, asked, timeout=timeout)
            return Page(
                resources=objects_at(body, field),
                next_token=text_at(body, "nextPageToken"),
                unreachable=tuple(texts_at(body, "unreachables")),
            )

        return page

    def _aggregated(self, path: str, kind: str, parameters: Mapping[str, str]) -> PageCall:
        def page(token: str, timeout: float) -> Page:
            asked = {**parameters, "pageToken": token} if token else parameters
            body = self._rest.get("compute", path, asked, timeout=timeout)
            scopes = object_at(body, "items").values()
            return Page(
                resources=[one for scope in scopes for one in objects_at(scope, kind)],
                next_token=text_at(body, "nextPageToken"),
                unreachable=tuple(texts_at(body, "unreachables")),
            )

        return page


def region_of(service: JsonObject) -> str:
    """Return the region of a service in Knative's shape."""
    labels = object_at(service, "metadata.labels")
    region = labels.get(_REGION_LABEL)
    return region if isinstance(region, str) else ""
