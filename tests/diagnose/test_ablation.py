"""A source taken away, and everything put in another order."""

from __future__ import annotations

import json

import pytest

from gcpdiag.bundle.read import bundle_of
from gcpdiag.diagnose.ablation import sources_in, without_source
from gcpdiag.diagnose.shuffle import shuffled
from tests.diagnose.labelled import redis_down
from tests.making import ENTRIES, SERVICES, files_of, request, service


def test_only_sources_that_are_there_and_take_a_permission_are_taken_away() -> None:
    files = {**redis_down(), "probes/results.json": b"[]"}

    assert sources_in(bundle_of(files)) == ["run.services", "logging.entries"]


def test_the_file_is_gone_and_the_manifest_says_that_permission_was_denied() -> None:
    less = without_source(redis_down(), "run.services")

    coverage = less.coverage("run.services")
    assert not less.tree.has(SERVICES)
    assert (coverage.state, coverage.permission) == ("denied", "run.services.list")


def test_what_the_manifest_says_of_other_sources_stays() -> None:
    told = [{"source": "logging.entries", "status": "ok", "truncated": True}, {"source": "run.services"}]
    files = files_of({ENTRIES: [request(200)], SERVICES: [service()]}, sources=told)  # type: ignore[arg-type]

    less = without_source(files, "run.services")

    assert less.coverage("logging.entries").truncated
    assert [one.source for one in less.manifest.sources] == ["logging.entries", "run.services"]


def test_a_file_without_a_word_in_the_manifest_still_counts() -> None:
    assert without_source(redis_down(), "run.services").coverage("logging.entries").complete


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_lines_are_the_same_lines(seed: int) -> None:
    files = redis_down()

    mixed = shuffled(files, seed)

    with mixed.tree.open(ENTRIES) as stream:
        lines = stream.read().splitlines()
    assert lines != files[ENTRIES].splitlines()
    assert sorted(lines) == sorted(files[ENTRIES].splitlines())


def test_a_pretty_printed_export_is_not_torn_apart() -> None:
    pretty = json.dumps([request(200, minute=one) for one in range(5)], indent=2).encode()

    mixed = shuffled({**redis_down(), ENTRIES: pretty}, 3)

    with mixed.tree.open(ENTRIES) as stream:
        assert stream.read() == pretty
