"""What the whole pipeline says of small incidents, told as raw API answers."""

from __future__ import annotations

import msgspec
import pytest

from gcpdiag.bundle.read import bundle_of
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.diagnose.selftest_bundle import bundle_of_test, files_of_test
from gcpdiag.errors import UsageError
from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.model.json import Json
from gcpdiag.playbook.format import PlaybookTest
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.shipped import playbook_root

KILL = "Memory limit of 512 MiB exceeded with 530 MiB used."
BALANCED: Json = {
    "resource": {"type": "http_load_balancer", "labels": {"backend_service_name": "web-backend"}},
    "httpRequest": {"status": 502, "latency": "0.02s"},
    "jsonPayload": {"statusDetails": "internal_error"},
}


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


def diagnosed(library: Library, *services: str, **given: Json) -> Diagnosis:
    """Diagnose a bundle told in the notation of playbook tests."""
    test = msgspec.convert({"test": "given", "expect": {}, **given}, PlaybookTest)
    return diagnose(bundle_of_test(test), library, services=services)


def failing(service: str, start: str = "+20m", end: str = "+60m") -> list[Json]:
    return [
        {"service": service, "end": start},
        {"service": service, "start": start, "end": end, "status": 503},
    ]


def killed(service: str, *, times: int = 60) -> Json:
    entry: Json = {"log": "varlog/system", "service": service, "at": "+20m5s", "times": times, "text": KILL}
    return entry


def test_a_failure_that_only_the_load_balancer_saw_is_not_called_healthy(library: Library) -> None:
    entry: Json = {"log": "loadbalancer", "at": "+10m", "every": "20s", "times": 100, "entry": BALANCED}

    found = diagnosed(library, traffic=[{"service": "web", "per_minute": 6}], entries=[entry])

    assert found.status == "inconclusive"
    assert found.services[0].service.name == "web-backend"


def test_a_failure_that_is_over_is_a_warning_with_its_cause(library: Library) -> None:
    traffic: list[Json] = [*failing("api", end="+35m"), {"service": "api", "start": "+35m"}]

    found = diagnosed(library, traffic=traffic, entries=[killed("api", times=28)])

    assert found.status == "healthy"
    assert [one.id for one in found.warnings] == ["resource-exhaustion/memory-limit"]
    assert "Over by now" in found.warnings[0].summary


def test_broken_configuration_beside_healthy_traffic_is_a_warning(library: Library) -> None:
    service: Json = {
        "name": "projects/demo-project/locations/europe-west1/services/api",
        "template": {"vpcAccess": {"connector": "projects/demo-project/locations/europe-west1/connectors/gone"}},
    }

    found = diagnosed(library, traffic=[{}], resources={"run.services": [service], "vpcaccess.connectors": []})

    assert found.status == "healthy"
    assert [one.id for one in found.warnings] == ["vpc-connector/not-ready"]


def test_one_cause_at_two_services_without_a_tie_is_told_once(library: Library) -> None:
    found = diagnosed(library, traffic=[*failing("api"), *failing("shop")], entries=[killed("api"), killed("shop")])

    assert [one.id for one in found.root_causes] == ["resource-exhaustion/memory-limit"]


def test_two_services_may_have_a_cause_each(library: Library) -> None:
    refused: Json = {
        "log": "stderr",
        "service": "shop",
        "at": "+20m5s",
        "times": 60,
        "severity": "ERROR",
        "text": "FATAL:  sorry, too many clients already",
    }

    found = diagnosed(library, traffic=[*failing("api"), *failing("shop")], entries=[killed("api"), refused])

    assert {one.id for one in found.root_causes} == {
        "resource-exhaustion/memory-limit",
        "database-connections/server-connection-limit",
    }


def test_a_service_in_view_is_judged_and_the_others_are_left_out(library: Library) -> None:
    given: dict[str, Json] = {"traffic": [*failing("api"), *failing("shop")], "entries": [killed("api")]}

    found = diagnosed(library, "shop", **given)

    assert [one.service.name for one in found.services] == ["shop"]
    assert found.status == "inconclusive"


def test_an_unknown_service_is_wrong_usage(library: Library) -> None:
    with pytest.raises(UsageError, match="Services: api"):
        diagnosed(library, "nobody", traffic=[{}])


def test_symptoms_alone_name_nothing_and_the_next_check_is_told(library: Library) -> None:
    exits: Json = {"log": "varlog/system", "at": "+20m5s", "times": 60, "text": "Container called exit(1)."}

    found = diagnosed(library, traffic=failing("api"), entries=[exits])

    assert found.status == "inconclusive"
    assert found.next_check


def test_error_texts_that_no_signature_knows_are_counted_and_shown(library: Library) -> None:
    said: Json = {
        "log": "stderr",
        "at": "+20m5s",
        "times": 40,
        "severity": "ERROR",
        "text": "ledger 4711 does not balance for customer 'jane'",
    }

    found = diagnosed(library, traffic=failing("api"), entries=[said])

    assert [(one.count, one.template) for one in found.unexplained] == [
        (40, "ledger <n> does not balance for customer <text>")
    ]


def test_a_change_after_the_onset_is_not_blamed(library: Library) -> None:
    deploy: Json = {
        "log": "cloudaudit/activity",
        "at": "+40m",
        "entry": {"protoPayload": {"methodName": "google.cloud.run.v2.Services.UpdateService"}},
    }

    found = diagnosed(library, traffic=failing("api"), entries=[killed("api"), deploy])

    assert not [line for line in found.root_causes[0].evidence if line.signal == "deploy-before-onset"]
    assert [one.kind for one in found.timeline].index("onset") < [one.kind for one in found.timeline].index("deploy")


def test_commands_quote_what_comes_from_files(library: Library) -> None:
    name = "api;reboot"

    found = diagnosed(library, traffic=failing(name), entries=[killed(name)])

    assert all("'api;reboot'" in step.command for step in found.root_causes[0].remediation)


def test_what_the_load_balancer_saw_is_told_of_the_service_behind_it(library: Library) -> None:
    entry: Json = {"log": "loadbalancer", "at": "+10m", "every": "20s", "times": 100, "entry": BALANCED}
    group: Json = {
        "name": "web-neg",
        "region": "projects/demo-project/regions/europe-west1",
        "cloudRun": {"service": "web"},
    }
    backend: Json = {"name": "web-backend", "backends": [{"group": "…/networkEndpointGroups/web-neg"}]}
    service: Json = {"name": "projects/demo-project/locations/europe-west1/services/web"}
    resources: Json = {
        "run.services": [service],
        "compute.network_endpoint_groups": [group],
        "compute.backend_services": [backend],
    }

    found = diagnosed(library, traffic=[{"service": "web"}], entries=[entry], resources=resources)

    assert [(one.service.name, one.health) for one in found.services] == [("web", "failing")]


def test_a_stray_malformed_line_leaves_what_was_ruled_out_ruled_out(library: Library) -> None:
    test = msgspec.convert(
        {"test": "given", "expect": {}, "traffic": failing("api"), "entries": [killed("api")]}, PlaybookTest
    )
    files = files_of_test(test)
    files["logging/entries.jsonl"] += b"\n{broken\n"

    found = diagnose(bundle_of(files), library)

    assert found.problems
    assert "health-check-timeout/liveness-failing" in {one.id for one in found.ruled_out}


def test_what_an_older_revision_was_like_is_known_from_metrics_before_the_window(library: Library) -> None:
    traffic: list[Json] = [
        {"service": "api", "revision": "api-00008-bbb"},
        {"service": "api", "revision": "api-00008-bbb", "status": 500},
    ]
    files = files_of_test(msgspec.convert({"test": "given", "expect": {}, "traffic": traffic}, PlaybookTest))
    labels = {"service_name": "api", "location": "europe-west1", "revision_name": "api-00007-aaa"}
    interval = {"startTime": "2026-03-03T04:59:00Z", "endTime": "2026-03-03T05:00:00Z"}
    series = {
        "metric": {"type": "run.googleapis.com/request_count", "labels": {"response_code_class": "2xx"}},
        "resource": {"type": "cloud_run_revision", "labels": labels},
        "points": [{"interval": interval, "value": {"int64Value": "300"}}],
    }
    files["monitoring/time_series.jsonl"] += b"\n" + msgspec.json.encode(series)

    found = diagnose(bundle_of(files), library)

    assert [one.id for one in found.root_causes] == ["bad-deployment/regression"]
    assert "older revisions 0 of 300 requests" in found.root_causes[0].evidence[0].evidence.text
