"""Updates of services: when a revision is made, how it rolls out, where traffic goes, and what is refused."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.rest import ApiError
from gcpdiag.emulator.rollout import get_revision, list_revisions, list_services, update_service
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at
from gcpdiag.signals.change import change_of
from tests.emulator.rolling import (
    LATEST,
    NAME,
    OLDER,
    PARENT,
    SERVING,
    Project,
    latest_created,
    latest_ready,
    pinned,
    states,
    with_memory,
)

RETIRED = "CONDITION_FAILED"


@pytest.fixture
def project() -> Project:
    return Project()


def test_a_change_of_the_template_makes_a_revision_with_the_next_number(project: Project) -> None:
    before = project.service()

    project.update(with_memory(project.service(), "8Gi"))

    after = project.service()
    assert latest_created(after).startswith("backend-staging-00705-")
    assert int(text_at(after, "generation")) == int(text_at(before, "generation")) + 1
    assert after["etag"] != before["etag"]
    made = project.revisions()[latest_created(after)]
    assert text_at(objects_at(made, "containers")[0], "resources.limits.memory") == "8Gi"
    assert text_at(made, "service") == "backend-staging"
    assert "revision" not in made


@pytest.mark.parametrize(
    "change",
    [
        {"scaling": {"minInstanceCount": 2, "maxInstanceCount": 50}},
        {"traffic": [pinned(OLDER)]},
        {"ingress": "INGRESS_TRAFFIC_INTERNAL_ONLY"},
        {"labels": {"team": "payments"}},
    ],
)
def test_what_is_the_services_own_makes_no_revision(project: Project, change: JsonObject) -> None:
    before, known = project.service(), project.revisions().keys()

    project.finish(project.update({**project.service(), **change}))

    after = project.service()
    assert project.revisions().keys() == known
    assert after["latestCreatedRevision"] == before["latestCreatedRevision"]
    assert after["template"] == before["template"]
    assert int(text_at(after, "generation")) == int(text_at(before, "generation")) + 1
    assert text_at(after, "terminalCondition.state") == "CONDITION_SUCCEEDED"


def test_an_update_that_changes_nothing_keeps_the_generation(project: Project) -> None:
    before = project.service()

    operation = project.finish(project.update(project.service()))

    assert operation["done"]
    assert project.service()["generation"] == before["generation"]
    assert project.service()["latestCreatedRevision"] == before["latestCreatedRevision"]


def test_a_new_revision_can_be_forced(project: Project) -> None:
    project.update(project.service(), force_new_revision=True)

    assert latest_created(project.service()) != SERVING


def test_while_it_rolls_the_service_reconciles_and_traffic_stays(project: Project) -> None:
    before = project.service()
    operation = project.update(with_memory(project.service(), "8Gi"))
    project.clock.turn(0.4)

    during = project.service()

    assert "done" not in operation
    assert during["reconciling"] is True
    assert text_at(during, "terminalCondition.state") == "CONDITION_RECONCILING"
    assert states(during) == {"RoutesReady": "CONDITION_RECONCILING", "ConfigurationsReady": "CONDITION_RECONCILING"}
    assert latest_created(during) != SERVING
    for kept in ("latestReadyRevision", "trafficStatuses", "observedGeneration"):
        assert during[kept] == before[kept]


def test_the_conditions_of_the_new_revision_move_one_after_the_other(project: Project) -> None:
    project.update(with_memory(project.service(), "8Gi"))
    seen = []
    for _ in range(3):
        project.service()
        seen.append(states(project.revisions()[latest_created(project.service())]))
        project.clock.turn(0.5)

    moving, good = "CONDITION_RECONCILING", "CONDITION_SUCCEEDED"
    names = ("ContainerReady", "ResourcesAvailable", "ContainerHealthy", "Ready")
    assert [[one[name] for name in names] for one in seen] == [
        [moving, moving, moving, moving],
        [good, good, moving, moving],
        [good, good, good, good],
    ]


def test_a_rollout_that_succeeds_takes_the_traffic_and_retires_the_revision_before(project: Project) -> None:
    operation = project.finish(project.update(with_memory(project.service(), "8Gi")))

    after = project.service()
    made = latest_created(after)
    assert operation["done"] is True
    assert object_at(operation, "response")["@type"] == "type.googleapis.com/google.cloud.run.v2.Service"
    assert latest_ready(after) == made
    assert "reconciling" not in after
    assert after["observedGeneration"] == after["generation"]
    assert text_at(after, "terminalCondition.state") == "CONDITION_SUCCEEDED"
    assert states(project.revisions()[made])["Active"] == "CONDITION_SUCCEEDED"
    assert states(project.revisions()[SERVING])["Active"] == RETIRED
    assert "reconciling" not in project.revisions()[made]


def test_traffic_that_is_pinned_leaves_the_new_revision_without_any(project: Project) -> None:
    project.finish(project.update({**project.service(), "traffic": [pinned(SERVING)]}))

    project.finish(project.update(with_memory(project.service(), "8Gi")))

    after = project.service()
    assert latest_ready(after) == latest_created(after) != SERVING
    assert after["trafficStatuses"] == [pinned(SERVING)]
    assert states(project.revisions()[latest_created(after)])["Active"] == RETIRED
    assert states(project.revisions()[SERVING])["Active"] == "CONDITION_SUCCEEDED"


def test_a_rollback_wakes_the_revision_that_had_retired(project: Project) -> None:
    assert states(project.revisions()[OLDER])["Active"] == RETIRED

    project.finish(project.update({**project.service(), "traffic": [pinned(OLDER)]}))

    assert states(project.revisions()[OLDER])["Active"] == "CONDITION_SUCCEEDED"
    assert states(project.revisions()[SERVING])["Active"] == RETIRED


def test_a_revision_that_fails_leaves_the_traffic_where_it_was(project: Project) -> None:
    before = project.service()
    project.plan(outcome="fail")

    operation = project.finish(project.update(with_memory(project.service(), "8Gi")))

    after = project.service()
    failed = project.revisions()[latest_created(after)]
    message = text_at(after, "terminalCondition.message")
    assert object_at(operation, "error") == {"code": 9, "message": message}
    assert "response" not in operation
    assert text_at(after, "terminalCondition.state") == "CONDITION_FAILED"
    assert "PORT=8000 environment variable within the allocated timeout." in message
    assert message.startswith(f"Revision '{latest_created(after)}' is not ready and cannot serve traffic.")
    assert states(failed)["Ready"] == states(failed)["ContainerHealthy"] == "CONDITION_FAILED"
    assert text_at(objects_at(failed, "conditions")[0], "revisionReason") == "HEALTH_CHECK_CONTAINER_ERROR"
    for kept in ("latestReadyRevision", "trafficStatuses", "observedGeneration"):
        assert after[kept] == before[kept]
    assert states(project.revisions()[SERVING])["Active"] == "CONDITION_SUCCEEDED"


def test_a_failure_may_have_another_reason_and_another_text(project: Project) -> None:
    project.plan(outcome="fail", reason="CONTAINER_MISSING")
    project.finish(project.update(with_memory(project.service(), "8Gi")))
    missing = project.revisions()[latest_created(project.service())]
    project.plan(outcome="fail", reason="SECRETS_ACCESS_CHECK_FAILED", message="No access to the secret.")
    project.finish(project.update(with_memory(project.service(), "16Gi")))
    refused = project.revisions()[latest_created(project.service())]

    ready = objects_at(missing, "conditions")[0]
    assert (ready["reason"], text_at(ready, "message")[-61:]) == (
        "CONTAINER_MISSING",
        "Image 'gcr.io/demo-staging/backend-staging:latest' not found.",
    )
    assert states(missing)["ContainerReady"] == "CONDITION_FAILED"
    assert objects_at(refused, "conditions")[0]["message"] == "No access to the secret."


def test_a_slow_rollout_takes_the_seconds_it_was_given_and_the_next_one_a_second(project: Project) -> None:
    project.plan(outcome="slow", seconds=30)
    slow = project.update(with_memory(project.service(), "8Gi"))

    assert "done" not in project.finish(slow, 29.9)
    assert project.finish(slow, 0.1)["done"]
    assert project.finish(project.update(with_memory(project.service(), "4Gi")))["done"]


def test_a_later_update_tells_how_the_service_stands(project: Project) -> None:
    project.plan(outcome="slow", seconds=10)
    project.update(with_memory(project.service(), "8Gi"))
    first = latest_created(project.service())
    project.clock.turn(9.5)
    second = project.update(with_memory(project.service(), "16Gi"))
    project.clock.turn(0.5)

    between = project.service()
    project.finish(second, 0.5)

    assert latest_ready(between) == first
    assert between["reconciling"] is True
    assert latest_ready(project.service()) == latest_created(project.service()) != first


def test_a_service_with_a_failed_revision_can_still_be_pinned(project: Project) -> None:
    project.plan(outcome="fail")
    project.finish(project.update(with_memory(project.service(), "8Gi")))

    project.finish(project.update({**project.service(), "traffic": [pinned(OLDER)]}))

    assert text_at(project.service(), "terminalCondition.state") == "CONDITION_SUCCEEDED"
    assert project.service()["trafficStatuses"] == [pinned(OLDER)]


def test_traffic_to_a_revision_that_is_not_there_is_accepted_and_fails(project: Project) -> None:
    before = project.service()

    operation = project.finish(project.update({**before, "traffic": [pinned("backend-staging-00001-gone")]}))

    told = "Revision 'backend-staging-00001-gone' does not exist or is deleted."
    assert object_at(operation, "error")["code"] == 13
    assert text_at(operation, "error.message").startswith(told)
    assert project.service()["trafficStatuses"] == before["trafficStatuses"]
    assert text_at(project.service(), "terminalCondition.state") == "CONDITION_FAILED"


def test_traffic_to_a_revision_that_never_was_ready_fails(project: Project) -> None:
    project.plan(outcome="fail")
    project.finish(project.update(with_memory(project.service(), "8Gi")))
    failed = latest_created(project.service())

    operation = project.finish(project.update({**project.service(), "traffic": [pinned(failed)]}))

    assert text_at(operation, "error.message") == f"Revision '{failed}' is not ready and cannot serve traffic."


def test_a_tag_gets_an_address_of_its_own(project: Project) -> None:
    tagged: JsonObject = {**pinned(OLDER, 0), "tag": "canary"}

    project.finish(project.update({**project.service(), "traffic": [LATEST, tagged]}))

    status = objects_at(project.service(), "trafficStatuses")[1]
    assert status["uri"] == "https://canary---backend-staging-411205768213.us-central1.run.app"
    assert states(project.revisions()[OLDER])["Active"] == "CONDITION_SUCCEEDED"


def test_a_stale_etag_is_refused_and_changes_nothing(project: Project) -> None:
    stale = project.service()
    project.finish(project.update(with_memory(project.service(), "8Gi")))
    before = project.service()

    with pytest.raises(ApiError) as refused:
        project.update({**stale, "scaling": {"minInstanceCount": 1}})

    assert (refused.value.code, refused.value.status) == (409, "ABORTED")
    assert refused.value.message.startswith("Conflict for resource 'backend-staging': version '")
    assert project.service() == before


def test_without_an_etag_the_last_one_wins(project: Project) -> None:
    wanted: JsonObject = {**project.service(), "etag": "", "scaling": {"minInstanceCount": 1}}

    assert project.finish(project.update(wanted))["done"]


def test_a_revision_may_be_given_a_name_once(project: Project) -> None:
    named = with_memory(project.service(), "8Gi")
    object_at(named, "template")["revision"] = "backend-staging-green"
    project.finish(project.update(named))
    assert latest_ready(project.service()) == "backend-staging-green"

    with pytest.raises(ApiError) as refused:
        project.update(with_memory(project.service(), "16Gi"))

    assert refused.value.code == 409
    assert refused.value.message == (
        "Revision named 'backend-staging-green' with different configuration already exists."
    )
    assert project.finish(project.update({**project.service(), "traffic": [pinned(SERVING)]}))["done"]
    assert latest_created(project.service()) == "backend-staging-green"


def test_a_name_that_is_taken_back_makes_a_revision_with_a_name_of_its_own(project: Project) -> None:
    named = project.service()
    object_at(named, "template")["revision"] = "backend-staging-green"
    project.finish(project.update(named))
    nameless = project.service()
    del object_at(nameless, "template")["revision"]

    project.finish(project.update(nameless))

    assert latest_ready(project.service()).startswith("backend-staging-00705-")


def test_validating_only_answers_with_the_defaults_and_persists_nothing(project: Project) -> None:
    before, entries = project.service(), len(project.state.entries())
    wanted = with_memory(project.service(), "8Gi")
    del object_at(wanted, "template")["timeout"]

    operation = project.update(wanted, validate_only=True)

    assert operation["done"] is True
    assert text_at(operation, "response.template.timeout") == "300s"
    assert project.service() == before
    assert len(project.state.entries()) == entries
    assert project.state.operations == {}


@pytest.mark.parametrize(
    "limits, told",
    [
        ({"cpu": "1", "memory": "8Gi"}, "For 1.0 CPU, memory must be between 512Mi and 4Gi inclusive."),
        ({"cpu": "4", "memory": "1Gi"}, "For 4.0 CPU, memory must be between 2Gi and 16Gi inclusive."),
        ({"cpu": "8", "memory": "64Gi"}, "For 8.0 CPU, memory must be between 4Gi and 32Gi inclusive."),
        ({"cpu": "2000m", "memory": "256Mi"}, "For 2.0 CPU, memory must be between 512Mi and 8Gi inclusive."),
        ({"cpu": "3", "memory": "2Gi"}, "Invalid value specified for cpu."),
        ({"cpu": "two", "memory": "2Gi"}, "Invalid value specified for cpu"),
        ({"cpu": "0.5", "memory": "512Mi"}, "Total cpu < 1 is not supported with concurrency > 1."),
    ],
)
def test_cpu_and_memory_that_do_not_go_together_are_refused(project: Project, limits: JsonObject, told: str) -> None:
    wanted = project.service()
    object_at(objects_at(wanted, "template.containers")[0], "resources")["limits"] = limits

    with pytest.raises(ApiError) as refused:
        project.update(wanted)

    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    assert told in refused.value.message


@pytest.mark.parametrize(
    "change",
    [
        {"maxInstanceRequestConcurrency": 1001},
        {"maxInstanceRequestConcurrency": -1},
        {"timeout": "3601s"},
        {"timeout": "soon"},
        {"scaling": {"minInstanceCount": 5, "maxInstanceCount": 4}},
        {"scaling": {"minInstanceCount": -1}},
        {"annotations": {"run.googleapis.com/cpu-throttling": "false"}},
        {"containers": []},
    ],
)
def test_templates_that_are_not_allowed_are_refused(project: Project, change: JsonObject) -> None:
    wanted = project.service()
    wanted["template"] = {**object_at(wanted, "template"), **change}

    with pytest.raises(ApiError) as refused:
        project.update(wanted)

    assert refused.value.code == 400


@pytest.mark.parametrize(
    "traffic",
    [
        [pinned(OLDER, 50)],
        [pinned(OLDER, 150), pinned(SERVING, -50)],
        [{**pinned(OLDER, 50), "tag": "a"}, {**pinned(SERVING, 50), "tag": "a"}],
    ],
)
def test_traffic_that_does_not_add_up_is_refused(project: Project, traffic: list[JsonObject]) -> None:
    with pytest.raises(ApiError) as refused:
        project.update({**project.service(), "traffic": [*traffic]})

    assert refused.value.code == 400


def test_zero_concurrency_asks_for_the_default(project: Project) -> None:
    wanted = project.service()
    object_at(wanted, "template")["maxInstanceRequestConcurrency"] = 0

    project.update(wanted)

    assert object_at(project.service(), "template")["maxInstanceRequestConcurrency"] == 80
    assert latest_created(project.service()) == SERVING  # the default is what it had


def test_output_fields_of_the_request_are_not_believed(project: Project) -> None:
    wanted: JsonObject = {
        **project.service(),
        "uri": "https://elsewhere.example",
        "latestReadyRevision": "mine",
        "etag": "",
    }

    project.finish(project.update(wanted))

    assert text_at(project.service(), "uri").startswith("https://backend-staging-")
    assert latest_ready(project.service()) == SERVING


def test_an_update_is_in_the_audit_log_and_so_is_how_it_ended(project: Project) -> None:
    count = len(project.state.entries())
    project.plan(outcome="fail")
    project.finish(project.update(with_memory(project.service(), "8Gi")))

    asked, ended = project.state.entries()[count:]

    assert text_at(asked, "protoPayload.methodName") == "google.cloud.run.v2.Services.UpdateService"
    assert text_at(asked, "logName").endswith("/logs/cloudaudit.googleapis.com%2Factivity")
    assert text_at(asked, "timestamp") == "2030-01-01T12:00:00.000000Z"
    containers = objects_at(asked, "protoPayload.request.service.template.containers")
    assert text_at(containers[0], "resources.limits.memory") == "8Gi"
    assert text_at(ended, "protoPayload.status.message").startswith("Ready condition status changed to False for Rev")
    assert (text_at(ended, "severity"), text_at(ended, "timestamp")) == ("ERROR", "2030-01-01T12:00:01.000000Z")


@pytest.mark.parametrize(
    "change, kind", [({"traffic": [pinned(OLDER)]}, "traffic"), ({"scaling": {"minInstanceCount": 1}}, "deploy")]
)
def test_the_audit_log_is_read_as_the_change_that_was_made(project: Project, change: JsonObject, kind: str) -> None:
    update_service(project.state, {**project.service(), **change}, update_mask=",".join(change))
    payload = object_at(project.state.entries()[-1], "protoPayload")

    read = change_of(payload, at=0, labels={}, project="demo-staging")

    assert read is not None
    assert (read.kind, str(read.service), read.failed) == (kind, "backend-staging", False)
    assert read.after is not None
    assert read.after["traffic"] == project.service()["traffic"]


def test_a_reset_brings_back_the_service_and_forgets_what_was_under_way(project: Project) -> None:
    before = project.service()
    project.plan(outcome="fail")
    project.update(with_memory(project.service(), "8Gi"))
    project.plan(outcome="fail")

    project.state.reset()
    project.clock.turn(60)

    assert project.service() == before
    assert project.finish(project.update(with_memory(project.service(), "8Gi")))["done"]
    assert latest_ready(project.service()) != SERVING


def test_digests_hold_for_the_images_that_stay(project: Project) -> None:
    digest: JsonObject = {"name": "backend-staging-1", "imageDigest": "gcr.io/demo-staging/backend-staging@sha256:1"}
    found = project.state.resources("run.revisions")
    assert found is not None
    for revision in found:
        revision["containerStatuses"] = [digest]
    project.update(with_memory(project.service(), "8Gi"))
    same = project.revisions()[latest_created(project.service())]
    other = project.service()
    objects_at(other, "template.containers")[0]["image"] = "gcr.io/demo-staging/backend-staging:next"
    project.update(other)

    assert same["containerStatuses"] == [digest]
    assert "containerStatuses" not in project.revisions()[latest_created(project.service())]


def test_lists_know_their_region_and_no_wildcard(project: Project) -> None:
    assert len(list_services(project.state, "us-central1")) == 5
    assert list_services(project.state, "europe-west1") == []
    assert len(list_revisions(project.state, f"{PARENT}/services/-")) == 12
    assert len(list_revisions(project.state, NAME)) == 7
    with pytest.raises(ApiError) as refused:
        list_services(project.state, "-")
    assert refused.value.code == 400


def test_a_revision_is_found_without_its_service(project: Project) -> None:
    found = get_revision(project.state, f"{PARENT}/services/-/revisions/{SERVING}")

    assert found == get_revision(project.state, f"{NAME}/revisions/{SERVING}")
    with pytest.raises(ApiError, match=f"Resource '{SERVING}' of kind 'REVISION' in region 'us-central1'"):
        get_revision(project.state, f"{PARENT}/services/auth-staging/revisions/{SERVING}")


def test_a_service_that_is_not_there_cannot_be_updated(project: Project) -> None:
    with pytest.raises(ApiError) as refused:
        update_service(project.state, {"name": f"{PARENT}/services/nope"})

    assert refused.value.code == 404
    assert refused.value.message == (
        "Resource 'nope' of kind 'SERVICE' in region 'us-central1' in project 'demo-staging' does not exist."
    )


def test_a_plan_waits_for_an_update_that_has_something_to_roll_out(project: Project) -> None:
    project.plan(outcome="fail")
    told = project.finish(project.update({**project.service(), "annotations": {"team": "shop"}}))
    assert "error" not in told

    assert "error" in project.finish(project.update(with_memory(project.service(), "2Gi")))


@pytest.mark.parametrize("told", [{"outcome": "perhaps"}, {"seconds": -1}, {"service": "nope"}, {"service": ""}])
def test_a_plan_that_makes_no_sense_is_refused(project: Project, told: JsonObject) -> None:
    with pytest.raises(ApiError):
        project.plan(**told)

    assert project.state.operations == {}
