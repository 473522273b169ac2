"""gcloud sees what gcpdiag has changed, in its own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcpdiag.collect.live import Clock
from gcpdiag.gcp.access import anonymous_access
from gcpdiag.gcp.endpoint import Emulator as Place
from gcpdiag.gcp.write import Writer
from gcpdiag.model.plan import Step
from gcpdiag.remediate.action_rollback import RollbackOptions, Served, plan_rollback
from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale
from gcpdiag.remediate.apply import apply_plan
from gcpdiag.remediate.journal import Journal
from gcpdiag.remediate.lease import LocalLocks
from gcpdiag.remediate.planning import Occasion, plan_of
from gcpdiag.remediate.request import Request, Workshop
from tests.gcloud.conftest import NAME, Gcloud

pytestmark = pytest.mark.gcloud

SERVICE, OLDER = "backend-staging", "backend-staging-00703-hwt"


def carried_out(writer: Writer, step: Step, directory: Path) -> str:
    clock = Clock()
    plan = plan_of([step], Occasion(author="alice", host="desk", reason=""), plan_id="p1", now=clock.now())
    workshop = Workshop(
        writer=writer, journal=Journal(directory / "j.jsonl"), locks=LocalLocks(directory / "locks"), clock=clock
    )
    return apply_plan(plan, workshop, Request(digest=plan.digest, actor="alice", host="desk", run="r1")).outcome


def opened(gcloud: Gcloud) -> Writer:
    place = Place(http=gcloud.emulator.http, grpc=gcloud.emulator.grpc, project="demo-staging")
    return Writer(anonymous_access(), place)


def test_gcloud_sees_other_limits(gcloud: Gcloud, tmp_path: Path) -> None:
    with opened(gcloud) as writer:
        step = plan_scale(writer.get_service(NAME), writer.list_revisions(NAME), ScaleOptions(memory="2Gi"))
        assert carried_out(writer, step, tmp_path) == "applied"

    told = gcloud.text("run", "services", "describe", SERVICE)
    assert "Memory:          2Gi" in told
    assert "100% LATEST (currently backend-staging-00705-" in told


def test_gcloud_sees_a_rollback(gcloud: Gcloud, tmp_path: Path) -> None:
    with opened(gcloud) as writer:
        served = {OLDER: Served(requests=100, errors=0)}
        options = RollbackOptions(to=OLDER, served=served)
        step = plan_rollback(writer.get_service(NAME), writer.list_revisions(NAME), options)
        assert carried_out(writer, step, tmp_path) == "applied"

    assert f"100% {OLDER}" in gcloud.text("run", "services", "describe", SERVICE)
