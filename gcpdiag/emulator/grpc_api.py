"""The gRPC methods that Python's clients call, each as the REST request that it stands for (``google.api.http``).

Importing this module loads Google's protocol types, which takes a moment; nothing else of the emulator does.
"""

from __future__ import annotations

from google.cloud import monitoring_v3, redis_v1, run_v2, servicehealth_v1, vpcaccess_v1
from google.cloud.audit import audit_log_pb2
from google.cloud.logging_v2 import types as logging_v2
from google.iam.v1.logging import audit_data_pb2
from google.longrunning import operations_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from gcpdiag.emulator import grpc_jobs
from gcpdiag.emulator.grpc_method import Method
from gcpdiag.model.json import Json, JsonObject, objects_at, text_at

ANY_TYPES = (audit_log_pb2.AuditLog, audit_data_pb2.AuditData)
"""Types that log entries pack as ``@type``; they can be converted once they are imported."""


class EntryCache:
    """Log entries as serialized parts of an answer; converting one takes longer than sending a hundred."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[JsonObject, bytes]] = {}  # the entry is kept, so that its id stays its own

    def serialized(self, answer: JsonObject) -> bytes:
        """Return the answer of ``entries:list`` as a serialized ListLogEntriesResponse."""
        parts = [self._part(one) for one in objects_at(answer, "entries")]
        last = _entries_response()
        last.next_page_token = text_at(answer, "nextPageToken")
        return b"".join([*parts, last.SerializeToString()])

    def keep(self, entry: JsonObject) -> None:
        """Convert an entry before anybody asks for it."""
        self._part(entry)

    def _part(self, entry: JsonObject) -> bytes:
        known = self._known.get(id(entry))
        if known is None:
            response = _entries_response()
            _parse_entry(entry, response.entries.add())
            known = self._known[id(entry)] = (entry, response.SerializeToString())
        return known[1]


def _entries_response() -> Message:
    return logging_v2.ListLogEntriesResponse.pb()()


def _parse_entry(entry: JsonObject, message: Message) -> None:
    """Fill a message; of a payload whose type nobody here knows, the name of the type is all that is kept."""
    payload = entry.get("protoPayload")
    for kept in (payload, _without_service_content(payload), None):
        told: JsonObject = {**entry, "protoPayload": kept} if kept else _without(entry, "protoPayload")
        message.Clear()
        try:
            json_format.ParseDict(told, message, ignore_unknown_fields=True)
        except (json_format.ParseError, TypeError):
            continue
        if payload and not kept:
            message.proto_payload.type_url = text_at(payload, "@type")
        return


def _without_service_content(payload: Json) -> Json:
    return _without(payload, "serviceData") if isinstance(payload, dict) else payload


def _without(document: JsonObject, key: str) -> JsonObject:
    return {name: value for name, value in document.items() if name != key}


_RUN = "google.cloud.run.v2"
_LOGGING = "google.logging.v2.LoggingServiceV2"
_METRICS = "google.monitoring.v3.MetricService"
_CONNECTORS = "google.cloud.vpcaccess.v1.VpcAccessService"
_REDIS = "google.cloud.redis.v1.CloudRedis"
_HEALTH = "google.cloud.servicehealth.v1.ServiceHealth"
_OPERATIONS = "google.longrunning.Operations"
LIST_ENTRIES = f"/{_LOGGING}/ListLogEntries"

_OPERATION = operations_pb2.Operation
METHODS = {
    method.name: method
    for method in (
        Method(
            f"/{_RUN}.Services/ListServices",
            run_v2.ListServicesRequest.pb(),
            run_v2.ListServicesResponse.pb(),
            "GET",
            "run",
            "/v2/{parent}/services",
        ),
        Method(
            f"/{_RUN}.Services/GetService",
            run_v2.GetServiceRequest.pb(),
            run_v2.Service.pb(),
            "GET",
            "run",
            "/v2/{name}",
        ),
        Method(
            f"/{_RUN}.Services/UpdateService",
            run_v2.UpdateServiceRequest.pb(),
            _OPERATION,
            "PATCH",
            "run",
            "/v2/{service.name}",
            "service",
        ),
        Method(
            f"/{_RUN}.Revisions/ListRevisions",
            run_v2.ListRevisionsRequest.pb(),
            run_v2.ListRevisionsResponse.pb(),
            "GET",
            "run",
            "/v2/{parent}/revisions",
        ),
        Method(
            f"/{_RUN}.Revisions/GetRevision",
            run_v2.GetRevisionRequest.pb(),
            run_v2.Revision.pb(),
            "GET",
            "run",
            "/v2/{name}",
        ),
        Method(
            f"/{_OPERATIONS}/GetOperation",
            operations_pb2.GetOperationRequest,
            _OPERATION,
            "GET",
            "run",
            "/v2/{name}",
        ),
        Method(
            f"/{_OPERATIONS}/ListOperations",
            operations_pb2.ListOperationsRequest,
            operations_pb2.ListOperationsResponse,
            "GET",
            "run",
            "/v2/{name}/operations",
        ),
        Method(
            f"/{_OPERATIONS}/WaitOperation",
            operations_pb2.WaitOperationRequest,
            _OPERATION,
            "POST",
            "run",
            "/v2/{name}:wait",
            "*",
        ),
        Method(
            LIST_ENTRIES,
            logging_v2.ListLogEntriesRequest.pb(),
            logging_v2.ListLogEntriesResponse.pb(),
            "POST",
            "logging",
            "/v2/entries:list",
            "*",
        ),
        Method(
            f"/{_LOGGING}/ListLogs",
            logging_v2.ListLogsRequest.pb(),
            logging_v2.ListLogsResponse.pb(),
            "GET",
            "logging",
            "/v2/{parent}/logs",
        ),
        Method(
            f"/{_METRICS}/ListTimeSeries",
            monitoring_v3.ListTimeSeriesRequest.pb(),
            monitoring_v3.ListTimeSeriesResponse.pb(),
            "GET",
            "monitoring",
            "/v3/{name}/timeSeries",
        ),
        Method(
            f"/{_METRICS}/ListMetricDescriptors",
            monitoring_v3.ListMetricDescriptorsRequest.pb(),
            monitoring_v3.ListMetricDescriptorsResponse.pb(),
            "GET",
            "monitoring",
            "/v3/{name}/metricDescriptors",
        ),
        Method(
            f"/{_CONNECTORS}/ListConnectors",
            vpcaccess_v1.ListConnectorsRequest.pb(),
            vpcaccess_v1.ListConnectorsResponse.pb(),
            "GET",
            "vpcaccess",
            "/v1/{parent}/connectors",
        ),
        Method(
            f"/{_CONNECTORS}/GetConnector",
            vpcaccess_v1.GetConnectorRequest.pb(),
            vpcaccess_v1.Connector.pb(),
            "GET",
            "vpcaccess",
            "/v1/{name}",
        ),
        Method(
            f"/{_REDIS}/ListInstances",
            redis_v1.ListInstancesRequest.pb(),
            redis_v1.ListInstancesResponse.pb(),
            "GET",
            "redis",
            "/v1/{parent}/instances",
        ),
        Method(
            f"/{_REDIS}/GetInstance",
            redis_v1.GetInstanceRequest.pb(),
            redis_v1.Instance.pb(),
            "GET",
            "redis",
            "/v1/{name}",
        ),
        Method(
            f"/{_HEALTH}/ListEvents",
            servicehealth_v1.ListEventsRequest.pb(),
            servicehealth_v1.ListEventsResponse.pb(),
            "GET",
            "servicehealth",
            "/v1/{parent}/events",
        ),
        Method(
            f"/{_HEALTH}/GetEvent",
            servicehealth_v1.GetEventRequest.pb(),
            servicehealth_v1.Event.pb(),
            "GET",
            "servicehealth",
            "/v1/{name}",
        ),
        *grpc_jobs.METHODS,
    )
}
