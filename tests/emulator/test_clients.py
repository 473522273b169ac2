"""Google's own clients, unmodified, read the fixtures from an emulator and get what is in the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1, monitoring_v3, redis_v1, run_v2, servicehealth_v1, vpcaccess_v1
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport
from google.cloud.redis_v1.services.cloud_redis.transports import CloudRedisGrpcTransport
from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from google.cloud.servicehealth_v1.services.service_health.transports import ServiceHealthGrpcTransport
from google.cloud.vpcaccess_v1.services.vpc_access_service.transports import VpcAccessServiceGrpcTransport
from google.protobuf import json_format
from googleapiclient import discovery

from gcpdiag.bundle.read import load_bundle
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.serve import Emulator, serve
from gcpdiag.model.json import JsonObject, text_at
from tests.emulator.asking import http_answer

FIXTURES = Path(__file__).parents[2] / "fixtures"
NO_LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]


@pytest.fixture(
    scope="module", params=["staging-503", "load-balancer-timeout", "incident", "client-pool-exhausted", "redis"]
)
def fixture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def emulator(fixture: str) -> Iterator[Emulator]:
    with serve(load_bundle(FIXTURES / fixture)) as running:
        yield running


@pytest.fixture(scope="module")
def channel(emulator: Emulator) -> Iterator[grpc.Channel]:
    opened = grpc.insecure_channel(emulator.grpc, options=NO_LIMIT)
    yield opened
    opened.close()


def recorded(fixture: str, path: str) -> list[JsonObject]:
    file = FIXTURES / fixture / path
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8")
    found = [json.loads(line) for line in text.splitlines()] if path.endswith("l") else json.loads(text)
    assert isinstance(found, list)
    return found


def in_rest(messages: Iterable[object]) -> list[JsonObject]:
    """Return messages of Google's clients as REST JSON."""
    return [json_format.MessageToDict(type(one).pb(one)) for one in messages]  # type: ignore[attr-defined]


def through(kind: type, documents: Iterable[JsonObject]) -> list[JsonObject]:
    """Return REST JSON as a client's type keeps it: with its spelling of defaults, numbers and times."""
    blank: Callable[[], object] = kind.pb()  # type: ignore[attr-defined]
    return [
        json_format.MessageToDict(json_format.ParseDict(one, blank(), ignore_unknown_fields=True)) for one in documents
    ]


def spelled(document: JsonObject) -> str:
    return json.dumps(document, sort_keys=True)


def parent(emulator: Emulator) -> str:
    return f"projects/{emulator.state.project}/locations/{emulator.state.regions[0]}"


def test_services_and_revisions(emulator: Emulator, channel: grpc.Channel, fixture: str) -> None:
    services = run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=channel))
    revisions = run_v2.RevisionsClient(transport=RevisionsGrpcTransport(channel=channel))
    told = recorded(fixture, "run/services.json")

    found = in_rest(services.list_services(parent=parent(emulator)))
    every = in_rest(revisions.list_revisions(parent=f"{parent(emulator)}/services/-", timeout=20))

    assert found == through(run_v2.Service, told)
    assert every == through(run_v2.Revision, recorded(fixture, "run/revisions.json"))
    assert in_rest([services.get_service(name=text_at(told[0], "name"))]) == found[:1]


def test_log_entries(emulator: Emulator, channel: grpc.Channel, fixture: str) -> None:
    client = LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=channel))
    asked = {"resource_names": [f"projects/{emulator.state.project}"], "page_size": 1000}

    found = [one.insert_id for one in client.list_log_entries(request=asked)]

    told = recorded(fixture, "logging/entries.jsonl")
    assert sorted(found) == sorted(text_at(one, "insertId") for one in told)


def test_log_entries_by_a_filter(emulator: Emulator, channel: grpc.Channel, fixture: str) -> None:
    client = LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=channel))
    asked = {
        "resource_names": [f"projects/{emulator.state.project}"],
        "filter": 'resource.type="cloud_run_revision" AND httpRequest.status>=500',
        "order_by": "timestamp desc",
    }

    found = [one.insert_id for one in client.list_log_entries(request=asked)]

    told = [
        text_at(one, "insertId")
        for one in recorded(fixture, "logging/entries.jsonl")
        if text_at(one, "resource.type") == "cloud_run_revision" and int(text_at(one, "httpRequest.status") or 0) >= 500
    ]
    assert sorted(found) == sorted(told)


def test_time_series(emulator: Emulator, channel: grpc.Channel, fixture: str) -> None:
    client = monitoring_v3.MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel))
    told = recorded(fixture, "monitoring/time_series.jsonl")
    interval = {"start_time": datetime.fromisoformat("2020-01-01T00:00:00Z"), "end_time": emulator.state.window.end}
    found = []
    for metric in sorted({text_at(one, "metric.type") for one in told}):
        request = {
            "name": f"projects/{emulator.state.project}",
            "filter": f'metric.type = "{metric}"',
            "interval": interval,
            "view": monitoring_v3.ListTimeSeriesRequest.TimeSeriesView.FULL,
        }
        found += in_rest(client.list_time_series(request=request))

    assert sorted(map(spelled, found)) == sorted(map(spelled, through(monitoring_v3.TimeSeries, told)))


def test_connectors_redis_and_events(emulator: Emulator, channel: grpc.Channel, fixture: str) -> None:
    connectors = vpcaccess_v1.VpcAccessServiceClient(transport=VpcAccessServiceGrpcTransport(channel=channel))
    redis = redis_v1.CloudRedisClient(transport=CloudRedisGrpcTransport(channel=channel))
    health = servicehealth_v1.ServiceHealthClient(transport=ServiceHealthGrpcTransport(channel=channel))

    assert in_rest(connectors.list_connectors(parent=parent(emulator))) == through(
        vpcaccess_v1.Connector, recorded(fixture, "vpcaccess/connectors.json")
    )
    if emulator.state.coverage("redis.instances").answered:
        assert in_rest(redis.list_instances(parent=parent(emulator))) == through(
            redis_v1.Instance, recorded(fixture, "redis/instances.json")
        )
    assert in_rest(health.list_events(parent=f"projects/{emulator.state.project}/locations/global")) == through(
        servicehealth_v1.Event, recorded(fixture, "servicehealth/events.json")
    )


COMPUTE: dict[str, tuple[type, type]] = {
    "forwarding_rules": (compute_v1.ForwardingRulesClient, compute_v1.ForwardingRule),
    "target_proxies": (compute_v1.TargetHttpsProxiesClient, compute_v1.TargetHttpsProxy),
    "url_maps": (compute_v1.UrlMapsClient, compute_v1.UrlMap),
    "backend_services": (compute_v1.BackendServicesClient, compute_v1.BackendService),
    "network_endpoint_groups": (compute_v1.NetworkEndpointGroupsClient, compute_v1.NetworkEndpointGroup),
    "ssl_certificates": (compute_v1.SslCertificatesClient, compute_v1.SslCertificate),
    "subnetworks": (compute_v1.SubnetworksClient, compute_v1.Subnetwork),
    "routers": (compute_v1.RoutersClient, compute_v1.Router),
    "addresses": (compute_v1.AddressesClient, compute_v1.Address),
}


@pytest.mark.parametrize("kind", COMPUTE)
def test_compute_in_every_scope(emulator: Emulator, fixture: str, kind: str) -> None:
    client_type, resource_type = COMPUTE[kind]
    if not emulator.state.coverage(f"compute.{kind}").answered:
        return  # then it is refused, see test_refusal.py
    client = client_type(
        credentials=AnonymousCredentials(), client_options=ClientOptions(api_endpoint=f"http://{emulator.http}")
    )
    plural = {"target_proxies": "target_https_proxies"}.get(kind, kind)

    scopes = client.aggregated_list(request={"project": emulator.state.project, "max_results": 2})
    found = [one for _, scope in scopes for one in getattr(scope, plural)]

    assert in_rest(found) == through(resource_type, recorded(fixture, f"compute/{kind}.json"))


@pytest.mark.parametrize(
    "kind, client_type, resource_type",
    [
        ("firewalls", compute_v1.FirewallsClient, compute_v1.Firewall),
        ("routes", compute_v1.RoutesClient, compute_v1.Route),
    ],
)
def test_compute_in_the_global_scope(
    emulator: Emulator, fixture: str, kind: str, client_type: type, resource_type: type
) -> None:
    client = client_type(
        credentials=AnonymousCredentials(), client_options=ClientOptions(api_endpoint=f"http://{emulator.http}")
    )

    assert in_rest(client.list(project=emulator.state.project)) == through(
        resource_type, recorded(fixture, f"compute/{kind}.json")
    )


@pytest.mark.parametrize("version", ["v1", "v1beta4"])
def test_databases(emulator: Emulator, fixture: str, version: str) -> None:
    options = ClientOptions(api_endpoint=f"http://{emulator.http}")
    with discovery.build(
        "sqladmin", version, credentials=AnonymousCredentials(), client_options=options, static_discovery=True
    ) as client:
        answer = client.instances().list(project=emulator.state.project).execute()

    assert answer.get("items", []) == recorded(fixture, "sqladmin/instances.json")


def test_a_compute_quota_is_forbidden_with_its_reason() -> None:
    with serve(load_bundle(FIXTURES / "redis"), faults=[parse_fault("compute.routes=429")]) as running:
        client = compute_v1.RoutesClient(
            credentials=AnonymousCredentials(), client_options=ClientOptions(api_endpoint=f"http://{running.http}")
        )
        with pytest.raises(exceptions.Forbidden) as refused:
            client.list(project=running.state.project)

    assert refused.value.errors[0]["reason"] == "rateLimitExceeded"


@pytest.mark.parametrize(
    "name, path, source",
    [
        ("billing-disabled", "v1/projects/{project}/locations/us-south1/connectors", "vpcaccess.connectors"),
        ("memory-limit", "v1/projects/{project}/instances", "sqladmin.instances"),
    ],
)
def test_a_refusal_of_the_manifest_is_told_in_its_words(name: str, path: str, source: str) -> None:
    bundle = load_bundle(FIXTURES / name)
    with serve(bundle) as running:
        code, answer = http_answer(running.http, "/" + path.format(project=bundle.project))

    assert f"{code} {text_at(answer, 'error.message')}" == bundle.coverage(source).reason
