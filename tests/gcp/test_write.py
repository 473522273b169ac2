"""The one door through which services change: over Google's own client and the real wire."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import pytest
from google.cloud.run_v2 import Service

from gcpdiag.bundle.read import Bundle, load_bundle
from gcpdiag.emulator.faults import parse_fault
from gcpdiag.emulator.serve import Emulator
from gcpdiag.gcp.access import anonymous_access
from gcpdiag.gcp.endpoint import Emulator as Place
from gcpdiag.gcp.endpoint import find_emulator
from gcpdiag.gcp.failure import CallError, FailureKind, MutationRefusedError
from gcpdiag.gcp.write import Writer, _fields_with_unknown_parts, write_channel
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at
from gcpdiag.model.sealed import sealed
from tests.emulator.asking import http_answer
from tests.emulator.rolling import FIXTURES, NAME

SOON = 20.0  # seconds
MINIMUM = ("scaling.min_instance_count",)


class Clock:
    """Time passes when somebody sleeps."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.elapsed += seconds


@pytest.fixture(scope="module")
def staging() -> Bundle:
    return load_bundle(FIXTURES / "staging-503")


@contextmanager
def writing(bundle: Bundle, *faults: str, clock: Clock | None = None) -> Iterator[tuple[Emulator, Writer]]:
    with Emulator(bundle, faults=[parse_fault(one) for one in faults]) as emulator:
        place = Place(http=emulator.http, grpc=emulator.grpc, project="demo-staging")
        timing = clock or Clock()
        with Writer(anonymous_access(), place, monotonic=timing.monotonic, sleep=timing.sleep) as writer:
            yield emulator, writer


def with_minimum(service: JsonObject, count: int) -> JsonObject:
    return {**copy.deepcopy(service), "scaling": {"minInstanceCount": count}}


def test_a_service_is_read_as_rest_spells_it(staging: Bundle) -> None:
    with writing(staging) as (_, writer):
        service = writer.get_service(NAME)

    assert (text_at(service, "name"), text_at(service, "generation")) == (NAME, "775")
    assert text_at(service, "etag")
    assert text_at(service, "template.vpcAccess.egress") == "ALL_TRAFFIC"


def test_revisions_are_those_of_the_service(staging: Bundle) -> None:
    with writing(staging) as (_, writer):
        names = {text_at(one, "name").partition("/revisions/")[0] for one in writer.list_revisions(NAME)}

    assert names == {NAME}


def test_an_update_changes_what_is_under_the_mask_and_nothing_else(staging: Bundle) -> None:
    with writing(staging) as (emulator, writer):
        http_answer(
            emulator.http, "/_emulator/rollout", method="POST", body={"service": "backend-staging", "seconds": 0}
        )
        before = writer.get_service(NAME)
        asked = with_minimum(before, 3)
        object_at(asked, "template")["timeout"] = "1s"  # not under the mask

        operation = writer.update_service(asked, MINIMUM, validate_only=False, timeout=SOON)
        done = writer.get_operation(text_at(operation, "name"))
        after = writer.get_service(NAME)

    assert done["done"] is True
    assert text_at(object_at(done, "response"), "name") == NAME
    assert object_at(after, "scaling") == {"minInstanceCount": 3}
    assert after["template"] == before["template"]
    assert text_at(after, "latestCreatedRevision") == text_at(before, "latestCreatedRevision")


def test_a_check_changes_nothing(staging: Bundle) -> None:
    with writing(staging) as (_, writer):
        before = writer.get_service(NAME)

        writer.update_service(with_minimum(before, 3), MINIMUM, validate_only=True, timeout=SOON)

        assert writer.get_service(NAME) == before


def test_waiting_ends_when_the_time_is_over(staging: Bundle) -> None:
    clock = Clock()
    with writing(staging, clock=clock) as (emulator, writer):
        http_answer(
            emulator.http, "/_emulator/rollout", method="POST", body={"service": "backend-staging", "seconds": 600}
        )
        operation = writer.update_service(
            with_minimum(writer.get_service(NAME), 3), MINIMUM, validate_only=False, timeout=SOON
        )

        waited = writer.wait_operation(text_at(operation, "name"), timeout=7)

    assert "done" not in waited
    assert clock.elapsed == 7


def test_a_stale_etag_is_a_conflict(staging: Bundle) -> None:
    with writing(staging) as (_, writer):
        stale = {**with_minimum(writer.get_service(NAME), 3), "etag": '"old"'}

        with pytest.raises(CallError, match="409 Conflict for resource") as failed:
            writer.update_service(stale, MINIMUM, validate_only=False, timeout=SOON)

    assert failed.value.failure.kind == "conflict"
    assert not failed.value.failure.is_transient


@pytest.mark.parametrize(
    "fault, kind",
    [
        ("denied", "denied"),
        ("disabled", "disabled"),
        ("429", "quota"),
        ("500", "unavailable"),
        ("503", "unavailable"),
        ("hang", "timeout"),
        ("malformed", "malformed"),
    ],
)
def test_a_write_that_fails_is_told_and_never_repeated(fault: str, kind: FailureKind, staging: Bundle) -> None:
    with writing(staging, f"run.services={fault}") as (emulator, writer):
        asked: JsonObject = {"name": NAME, "etag": '"e"', "scaling": {"minInstanceCount": 3}}

        with pytest.raises(CallError) as failed:
            writer.update_service(asked, MINIMUM, validate_only=False, timeout=1)

        assert failed.value.failure.kind == kind
        assert len([one for one in emulator.requests if one.mutates]) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        sealed,
        lambda service: {key: one for key, one in service.items() if key != "etag"},
        lambda service: {key: one for key, one in service.items() if key != "name"},
    ],
    ids=["sealed", "no etag", "no name"],
)
def test_what_must_never_be_sent_is_not(spoil: Callable[[JsonObject], JsonObject], staging: Bundle) -> None:
    with writing(staging) as (emulator, writer):
        service = writer.get_service(NAME)

        with pytest.raises(ValueError, match="an update"):
            writer.update_service(spoil(service), ("template.containers",), validate_only=False, timeout=SOON)
        with pytest.raises(ValueError, match="an update"):
            writer.update_service(service, (), validate_only=False, timeout=SOON)

        assert not [one for one in emulator.requests if one.mutates]


def test_a_field_that_the_protocol_does_not_have_is_not_sent(staging: Bundle) -> None:
    with writing(staging) as (emulator, writer):
        odd: JsonObject = {**writer.get_service(NAME), "scaling": {"sideways": 3}}

        with pytest.raises(CallError, match="sideways"):
            writer.update_service(odd, MINIMUM, validate_only=False, timeout=SOON)

        assert not [one for one in emulator.requests if one.mutates]


def test_settings_newer_than_the_client_library_are_noticed() -> None:
    known = Service.pb(Service(name=NAME, template={"containers": [{"image": "i"}], "labels": {"a": "b"}}))
    newer = type(known).FromString(known.SerializeToString())
    newer.template.containers[0].MergeFromString(b"\xf2\xe5\x01\x01x")  # field 3678, which nobody knows
    plain = type(known).FromString(known.SerializeToString())

    assert _fields_with_unknown_parts(plain) == frozenset()
    assert _fields_with_unknown_parts(newer) == {"template"}


def test_an_update_that_would_lose_such_settings_is_refused(staging: Bundle) -> None:
    with writing(staging) as (emulator, writer):
        service = writer.get_service(NAME)
        writer._unknown[NAME] = frozenset({"template"})  # noqa: SLF001 - the emulator knows no more than its types do

        with pytest.raises(CallError, match="newer than this gcpdiag"):
            writer.update_service(service, ("template.containers",), validate_only=False, timeout=SOON)
        writer.update_service(with_minimum(service, 2), MINIMUM, validate_only=True, timeout=SOON)

        assert len([one for one in emulator.requests if one.mutates]) == 1


@pytest.mark.parametrize(
    "method",
    [
        "/google.cloud.run.v2.Services/DeleteService",
        "/google.cloud.run.v2.Services/CreateService",
        "/google.cloud.run.v2.Services/SetIamPolicy",
        "/google.cloud.run.v2.Revisions/DeleteRevision",
        "/google.longrunning.Operations/DeleteOperation",
    ],
)
def test_nothing_but_updates_gets_through(method: str) -> None:
    nowhere = Place(http="127.0.0.1:9", grpc="127.0.0.1:9", project="demo")
    channel = write_channel(grpc.secure_channel, "run.googleapis.com", anonymous_access(), nowhere)
    try:
        with pytest.raises(MutationRefusedError):
            channel.unary_unary(method)(b"", timeout=1)
    finally:
        channel.close()


def test_the_emulator_is_found_by_its_address(staging: Bundle) -> None:
    with Emulator(staging) as emulator:
        place = find_emulator({"GCPDIAG_EMULATOR_HOST": emulator.http})
        with Writer(anonymous_access(), place) as writer:
            assert objects_at(writer.get_service(NAME), "traffic")
