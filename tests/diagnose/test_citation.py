"""Whether cited records exist."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gcpdiag.bundle.read import bundle_of
from gcpdiag.diagnose.citation import check_citations
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.model.finding import Evidence
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.shipped import playbook_root
from tests.diagnose.labelled import redis_down


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


@pytest.fixture
def diagnosis(library: Library) -> Diagnosis:
    return diagnose(bundle_of(redis_down()), library)


def citing(diagnosis: Diagnosis, evidence: Evidence) -> Diagnosis:
    """The diagnosis, whose first root cause stands on that line alone."""
    first = diagnosis.root_causes[0]
    line = replace(first.evidence[0], evidence=evidence)
    cause = replace(first, evidence=(line,), contradicting=())
    return replace(diagnosis, root_causes=(cause,), contributing=(), warnings=())


def first_line(diagnosis: Diagnosis) -> Evidence:
    return next(line.evidence for line in diagnosis.root_causes[0].evidence if line.evidence.first_at)


def test_what_the_engine_cites_exists(diagnosis: Diagnosis) -> None:
    found = check_citations(diagnosis, bundle_of(redis_down()))

    assert found.true.of > 1
    assert found.broken == ()


def test_an_entry_at_a_moment_without_any_is_invented(diagnosis: Diagnosis) -> None:
    line = first_line(diagnosis)
    assert line.first_at is not None
    early = replace(line, first_at=line.first_at - timedelta(hours=3))

    assert "nothing was recorded" in check_citations(citing(diagnosis, early), bundle_of(redis_down())).broken[0]


def test_more_entries_than_there_are_are_invented(diagnosis: Diagnosis) -> None:
    many = replace(first_line(diagnosis), count=100_000)

    assert "100000 records are cited" in check_citations(citing(diagnosis, many), bundle_of(redis_down())).broken[0]


def test_a_source_that_is_not_in_the_bundle_cannot_be_cited(diagnosis: Diagnosis) -> None:
    elsewhere = replace(first_line(diagnosis), source="redis.instances")

    broken = check_citations(citing(diagnosis, elsewhere), bundle_of(redis_down())).broken
    assert "there is no redis.instances" in broken[0]


def test_a_resource_that_nothing_names_is_invented(diagnosis: Diagnosis) -> None:
    unheard = replace(first_line(diagnosis), resource="projects/p/instances/never-made")

    broken = check_citations(citing(diagnosis, unheard), bundle_of(redis_down())).broken
    assert "nothing is named" in broken[0]
