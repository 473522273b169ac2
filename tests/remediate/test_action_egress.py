"""Egress: which outgoing traffic takes the VPC."""

from __future__ import annotations

import pytest

from gcpdiag.model.json import JsonObject
from gcpdiag.remediate.action_egress import plan_egress
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from tests.remediate.services import GOOD, pinned, revisions, service

CONNECTOR: JsonObject = {"connector": "projects/demo/locations/us-central1/connectors/c"}


def test_the_setting_changes_in_a_new_revision() -> None:
    told = service(template={"vpcAccess": {**CONNECTOR, "egress": "ALL_TRAFFIC"}})

    step = plan_egress(told, revisions(), "private-ranges-only")

    (change,) = [one for one in step.diff if not one.path.endswith("image")]
    assert change.path == "template.vpcAccess.egress"
    assert (change.before, change.after) == ("ALL_TRAFFIC", "PRIVATE_RANGES_ONLY")
    assert step.update_mask == ("template.vpc_access.egress", "template.containers")


@pytest.mark.parametrize("unset", [{}, {"egress": "PRIVATE_RANGES_ONLY"}])
def test_private_ranges_are_the_default(unset: JsonObject) -> None:
    with pytest.raises(NothingToDoError):
        plan_egress(service(template={"vpcAccess": {**CONNECTOR, **unset}}), revisions(), "private-ranges-only")


def test_direct_egress_has_the_setting_too() -> None:
    direct: JsonObject = {"vpcAccess": {"networkInterfaces": [{"network": "default"}]}}

    assert plan_egress(service(template=direct), revisions(), "all-traffic").kind == "egress"


def test_a_service_without_a_vpc_has_none() -> None:
    with pytest.raises(RefusedError, match="neither a VPC connector nor direct VPC egress"):
        plan_egress(service(), revisions(), "all-traffic")


def test_pinned_traffic_would_see_no_change() -> None:
    with pytest.raises(RefusedError, match="unpin"):
        plan_egress(service(traffic=[pinned(GOOD)], template={"vpcAccess": CONNECTOR}), revisions(), "all-traffic")
