"""Any step that there is, on any service that there may be, for laws that hold for all."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from gcpdiag.errors import GcpdiagError
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.plan import Step
from gcpdiag.remediate.action_egress import plan_egress
from gcpdiag.remediate.action_restart import plan_restart
from gcpdiag.remediate.action_rollback import RollbackOptions, plan_rollback
from gcpdiag.remediate.action_scale import ScaleOptions, plan_scale
from gcpdiag.remediate.action_traffic import plan_unpin
from gcpdiag.remediate.traffic import LATEST
from tests.remediate.services import DIGEST, GOOD, NOON, NOW, OLD, container, pinned, revision, revisions, service

_CONNECTOR = "projects/demo/locations/us-central1/connectors/c"
_counts = st.none() | st.integers(0, 30)

_TRAFFIC: list[list[Json]] = [
    [],
    [{"type": LATEST, "percent": 100}],
    [pinned(GOOD)],
    [{"type": LATEST, "percent": 40}, pinned(GOOD, 60), pinned(OLD, 0, tag="old")],
    [pinned(NOW, 50, tag="now"), pinned(OLD, 50)],
]
_IMAGES = ("gcr.io/demo/api:latest", "gcr.io/demo/api", f"gcr.io/demo/api@{DIGEST}")
_RESOURCES: list[Json] = [{}, {"limits": {"cpu": "2", "memory": "1Gi"}}, {"limits": {"memory": "512Mi"}}]
_ANNOTATIONS: list[Json] = [{}, {"team": "blue"}]
_ACCESS: list[Json] = [{}, {"connector": _CONNECTOR}, {"connector": _CONNECTOR, "egress": "ALL_TRAFFIC"}]


@st.composite
def services(draw: st.DrawFn) -> JsonObject:
    """A service as it may be: pinned or not, with limits set at either level or nowhere."""
    template: JsonObject = {
        "containers": [container(image=draw(st.sampled_from(_IMAGES)), resources=draw(st.sampled_from(_RESOURCES)))]
    }
    told = _without_none(
        {
            "minInstanceCount": draw(_counts) or None,
            "maxInstanceCount": draw(st.none() | st.integers(30, 90)),
        }
    )
    optional: JsonObject = {
        "scaling": told,
        "revision": draw(st.sampled_from(["", NOW])),
        "annotations": draw(st.sampled_from(_ANNOTATIONS)),
        "vpcAccess": draw(st.sampled_from(_ACCESS)),
        "maxInstanceRequestConcurrency": draw(st.none() | st.integers(1, 1000)),
    }
    template |= {key: value for key, value in optional.items() if value or draw(st.booleans())}
    scaling = _without_none({"maxInstanceCount": draw(st.none() | st.integers(30, 60))})
    return service(traffic=draw(st.sampled_from(_TRAFFIC)), template=_without_none(template), scaling=scaling)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """A step that one of the actions makes of a service."""
    told = draw(services())
    there = draw(st.sampled_from([revisions(), [], [revision(NOW, 3, containerStatuses=[])]]))
    options = ScaleOptions(
        memory=draw(st.sampled_from(["", "1Gi", "2Gi"])),
        cpu=draw(st.sampled_from(["", "1", "2"])),
        min_instances=draw(_counts),
        max_instances=draw(st.none() | st.integers(30, 200)),
        concurrency=draw(st.none() | st.integers(1, 1000)),
    )
    makers: list[Callable[[], Step]] = [
        lambda: plan_restart(told, there, now=NOON),
        lambda: plan_scale(told, there, options),
        lambda: plan_rollback(told, there, RollbackOptions(to=draw(st.sampled_from([OLD, GOOD, NOW])))),
        lambda: plan_unpin(told, there),
        lambda: plan_egress(told, there, "all-traffic"),
        lambda: plan_egress(told, there, "private-ranges-only"),
    ]
    made = _made(draw(st.permutations(makers)))
    return made if made is not None else plan_scale(service(), revisions(), ScaleOptions(max_instances=5))


def _made(makers: list[Callable[[], Step]]) -> Step | None:
    for make in makers:
        try:
            return make()
        except GcpdiagError:  # not possible on this service
            continue
    return None


def _without_none(document: dict[str, Json]) -> JsonObject:
    return {key: value for key, value in document.items() if value is not None}
