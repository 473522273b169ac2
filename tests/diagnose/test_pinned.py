from __future__ import annotations

import pytest

from gcpdiag.diagnose.engine import diagnose
from gcpdiag.diagnose.pinned import PINNED_TRAFFIC
from gcpdiag.model.diagnosis import NamedCause
from gcpdiag.model.json import Json
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.shipped import playbook_root
from tests.making import ENTRIES, SERVICES, bundle, requests, service


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


def warnings(library: Library, *traffic: Json) -> list[NamedCause]:
    files = {SERVICES: [{**service(), "traffic": list(traffic)}], ENTRIES: requests(200, range(60))}
    diagnosis = diagnose(bundle(files), library)
    assert diagnosis.status == "healthy"
    return [one for one in diagnosis.warnings if one.id == PINNED_TRAFFIC]


def to(revision: str, percent: int) -> Json:
    return {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": revision, "percent": percent}


LATEST: Json = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}


def test_traffic_that_a_rollback_pinned_is_a_warning_with_the_way_back(library: Library) -> None:
    found = warnings(library, to("api-00000-old", 100))

    assert [one.summary for one in found] == [
        "All traffic of api is pinned to api-00000-old; api-00001-abc, which is newer, gets none."
    ]
    assert found[0].remediation[0].command.startswith("gcpdiag traffic unpin api ")


@pytest.mark.parametrize(
    "traffic",
    [
        (LATEST,),
        (to("api-00001-abc", 100),),
        (to("api-00000-old", 90), to("api-00001-abc", 10)),
        (to("api-00000-old", 100), {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 0, "tag": "next"}),
        (),
    ],
)
def test_traffic_that_reaches_the_newest_revision_is_none(library: Library, traffic: tuple[Json, ...]) -> None:
    pinned = len(traffic) == 2 and traffic[0] == to("api-00000-old", 100)

    assert bool(warnings(library, *traffic)) is pinned
