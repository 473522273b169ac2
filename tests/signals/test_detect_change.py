"""Changes before the onset, and revisions that alone fail."""

from __future__ import annotations

import pytest

from gcpdiag.model.finding import Present
from gcpdiag.model.json import Json, JsonObject
from tests.making import (
    ENTRIES,
    PARENT,
    REGION,
    REVISIONS,
    SERIES,
    Files,
    audit,
    moment,
    request,
    requests,
    series,
    service,
)
from tests.signals.making import CALM_THEN_FAILING, looked_for, outcome, strength, told

DEPLOY: JsonObject = {"detector": "change"}
EGRESS: JsonObject = {"detector": "change", "field": "template.vpcAccess.egress"}
FIREWALL: JsonObject = {"detector": "change", "methods": ["compute.firewalls.(insert|patch)"]}
UPDATE = "google.cloud.run.v2.Services.UpdateService"


def deploy(egress: str, *, minute: float, code: int = 0) -> JsonObject:
    asked = service(vpcAccess={"connector": "c", "egress": egress})
    return audit(UPDATE, {"request": {"service": asked}, "status": {"code": code} if code else {}}, minute=minute)


def changed(signal: JsonObject, *entries: JsonObject) -> str:
    return outcome(looked_for(signal, {ENTRIES: [*CALM_THEN_FAILING, *entries]}))


def test_a_deployment_before_the_onset_is_present() -> None:
    assert changed(DEPLOY, deploy("ALL_TRAFFIC", minute=38)) == "present"


def test_a_deployment_after_the_onset_is_not_the_reason() -> None:
    assert changed(DEPLOY, deploy("ALL_TRAFFIC", minute=50)) == "absent"


def test_a_failed_deployment_changed_nothing() -> None:
    assert changed(DEPLOY, deploy("ALL_TRAFFIC", minute=38, code=9)) == "absent"


def test_a_deployment_long_before_is_weaker() -> None:
    long_ago = looked_for(DEPLOY, {ENTRIES: [*CALM_THEN_FAILING, deploy("ALL_TRAFFIC", minute=-600)]})
    assert strength(long_ago) == 0.5


def test_a_field_that_a_deployment_altered_is_present_and_told() -> None:
    entries = [*CALM_THEN_FAILING, deploy("ALL_TRAFFIC", minute=-60), deploy("PRIVATE_RANGES_ONLY", minute=38)]
    finding = looked_for({**EGRESS, "to": ["PRIVATE_RANGES_ONLY"]}, {ENTRIES: entries})
    assert outcome(finding) == "present"
    assert told(finding) == "20:03:00 api deployed: egress: ALL_TRAFFIC → PRIVATE_RANGES_ONLY"


def test_a_field_that_stayed_the_same_is_absent() -> None:
    assert changed(EGRESS, deploy("ALL_TRAFFIC", minute=-60), deploy("ALL_TRAFFIC", minute=38)) == "absent"


def test_a_field_that_became_something_else_is_absent() -> None:
    entries = (deploy("PRIVATE_RANGES_ONLY", minute=-60), deploy("ALL_TRAFFIC", minute=38))
    assert changed({**EGRESS, "to": ["PRIVATE_RANGES_ONLY"]}, *entries) == "absent"


def test_a_list_of_names_may_lose_one() -> None:
    def settings(*names: str, minute: float) -> JsonObject:
        return audit(UPDATE, {"request": {"service": service(env=dict.fromkeys(names, "x"))}}, minute=minute)

    lost: JsonObject = {"detector": "change", "field": "container.env", "fewer": True}
    before = settings("API_KEY", "REGION", minute=-60)
    assert changed(lost, before, settings("REGION", minute=38)) == "present"
    assert changed(lost, before, settings("API_KEY", "REGION", "MORE", minute=38)) == "absent"


def test_a_change_of_another_resource_is_found_by_its_method() -> None:
    rule = audit("v1.compute.firewalls.insert", {"serviceName": "compute.googleapis.com"}, minute=38)
    assert (changed(FIREWALL, rule), changed(FIREWALL, deploy("ALL_TRAFFIC", minute=38))) == ("present", "absent")


def test_without_any_audit_entry_nothing_is_known_of_changes() -> None:
    assert changed(DEPLOY) == "unknown"


# --- revisions


REVISION: JsonObject = {"detector": "revision"}


def revised(*entries: JsonObject, **signal: Json) -> str:
    return outcome(looked_for({**REVISION, **signal}, {ENTRIES: list(entries)}))


def old(status: int = 200) -> list[JsonObject]:
    return requests(status, range(30), revision="api-00009-zzz")


def new(status: int, length: int = 30) -> list[JsonObject]:
    return requests(status, range(30, 30 + length), revision="api-00010-aaa")


def test_a_new_revision_that_alone_fails_is_present() -> None:
    assert revised(*old(), *new(503)) == "present"


@pytest.mark.parametrize("served, never, partly", [(0, "present", "absent"), (10, "absent", "present")])
def test_a_new_revision_that_never_answers_is_told_from_one_that_serves_badly(
    served: int, never: str, partly: str
) -> None:
    answered = requests(200, range(30, 30 + served), revision="api-00010-aaa")
    assert revised(*old(), *new(503), *answered, never=True) == never
    assert revised(*old(), *new(503), *answered, partly=True) == partly


def test_without_logs_nobody_knows_whose_containers_die() -> None:
    files: Files = {
        SERIES: [
            counted("200", range(30), "api-00009-zzz"),
            counted("503", range(30, 60), "api-00010-aaa"),
        ]
    }
    assert outcome(looked_for({**REVISION, "dying": ["container-exited"]}, files)) == "unknown"
    assert outcome(looked_for({**REVISION, "never": True}, files)) == "present"


def counted(code: str, minutes: range, revision: str) -> JsonObject:
    labels: JsonObject = {"service_name": "api", "location": REGION, "revision_name": revision}
    return series(
        "run.googleapis.com/request_count",
        dict.fromkeys(minutes, 9.0),
        resource={"type": "cloud_run_revision", "labels": labels},
        labels={"response_code": code},
    )


def test_two_revisions_that_fail_alike_are_absent() -> None:
    assert revised(*old(503), *new(503)) == "absent"


def test_an_old_revision_that_fails_while_the_new_one_serves_is_absent() -> None:
    assert revised(*old(503), *new(200)) == "absent"


def test_too_few_requests_to_compare_are_unknown() -> None:
    assert revised(*old(), *new(503, length=4)) == "unknown"


def test_a_revision_that_served_well_before_it_failed_is_not_new() -> None:
    assert revised(*CALM_THEN_FAILING) == "absent"


def test_a_revision_that_failed_from_the_start_has_nothing_to_be_compared_with() -> None:
    assert revised(*requests(503, range(60))) == "unknown"


def test_requests_without_a_revision_tell_nothing() -> None:
    assert revised(*requests(503, range(30), revision="")) == "unknown"


def test_a_regression_also_serves_something() -> None:
    half = [request(200 if minute % 2 else 500, minute=minute, revision="api-00010-aaa") for minute in range(30, 60)]
    assert (revised(*old(), *new(503), partly=True), revised(*old(), *half, partly=True)) == ("absent", "present")


def test_a_deployment_that_only_its_revision_tells_of_is_cited_from_there() -> None:
    revision: JsonObject = {
        "name": f"{PARENT}/services/api/revisions/api-00002-new",
        "service": "api",
        "createTime": moment(38),
    }

    finding = looked_for(DEPLOY, {ENTRIES: CALM_THEN_FAILING, REVISIONS: [revision]})

    assert isinstance(finding, Present)
    assert finding.evidence[0].source == "run.revisions"
