"""Words and leaks held against what was counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcpdiag.diagnose.label import Label
from gcpdiag.diagnose.likelihood import (
    MeasuredLeak,
    Sighting,
    measured_leaks,
    measured_likelihoods,
    nearest_word,
    sighting_of,
)
from gcpdiag.diagnose.proportion import Proportion
from gcpdiag.playbook.format import ExpectedFinding, Playbook
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.shipped import playbook_root
from gcpdiag.signals.catalogue import catalogue_of
from gcpdiag.signals.definition import LogSignal
from gcpdiag.signals.observation import observe
from tests.diagnose.labelled import quiet, redis_down
from tests.making import bundle

CAUSE = Label(status="incident", causes=["a/cause"])
OTHER = Label(status="incident", causes=["a/other"])
HEALTHY = Label(status="healthy")


@pytest.fixture
def library() -> Library:
    expected = [ExpectedFinding(signal="sign", likelihood="often", specific=True)]
    playbook = Playbook(id="a/cause", title="t", summary="s", explanation="e", findings=expected)
    signal = LogSignal(title="a sign", logs=["app"], any=["sign"], leak=0.05)
    return Library(
        playbooks={"a/cause": playbook}, paths={"a/cause": Path("a")}, catalogue=catalogue_of({"sign": signal})
    )


def failing(label: Label, *, present: bool | None) -> Sighting:
    return Sighting(label=label, failing={} if present is None else {"sign": present})


def calm(*, present: bool, services: int) -> Sighting:
    return Sighting(label=HEALTHY, failing={}, healthy=({"sign": present},) * services)


def test_what_could_not_be_looked_for_is_not_counted(library: Library) -> None:
    sightings = [failing(CAUSE, present=True), failing(CAUSE, present=None), failing(OTHER, present=True)]

    (found,) = measured_likelihoods(sightings, library)

    assert found.present == Proportion(hits=1, of=1)


def test_from_too_few_bundles_no_word_is_proposed(library: Library) -> None:
    (found,) = measured_likelihoods([failing(CAUSE, present=False)] * 7, library)

    assert found.too_few
    assert found.proposal is None


def test_a_word_that_the_counts_speak_against_is_replaced_by_the_nearest(library: Library) -> None:
    (found,) = measured_likelihoods([failing(CAUSE, present=False)] * 20, library)

    assert found.word == "often"
    assert found.proposal == "rarely"


def test_a_word_inside_the_interval_stays(library: Library) -> None:
    sightings = [failing(CAUSE, present=number < 9) for number in range(12)]

    (found,) = measured_likelihoods(sightings, library)

    assert found.proposal is None


@pytest.mark.parametrize(
    "hits, of, word",
    [(30, 30, "always"), (26, 30, "usually"), (18, 30, "often"), (9, 30, "sometimes"), (0, 30, "rarely")],
)
def test_words_are_nearest_by_log_odds(hits: int, of: int, word: str) -> None:
    assert nearest_word(Proportion(hits=hits, of=of)) == word


@pytest.mark.parametrize(
    "sighting, verdict",
    [
        (calm(present=False, services=29), "too few"),
        (calm(present=False, services=40), "fits"),
        (calm(present=True, services=40), "leaks more"),
        (calm(present=False, services=400), "leaks less"),
    ],
)
def test_a_leak_is_judged_at_enough_healthy_services(sighting: Sighting, verdict: str, library: Library) -> None:
    (found,) = measured_leaks([sighting], library)

    assert isinstance(found, MeasuredLeak)
    assert found.verdict == verdict


def test_incidents_of_other_causes_are_counted_apart(library: Library) -> None:
    (found,) = measured_leaks([failing(OTHER, present=True), failing(CAUSE, present=True)], library)

    assert found.elsewhere == Proportion(hits=1, of=1)
    assert found.healthy.of == 0


def test_sightings_are_of_failing_services_or_of_each_healthy_one() -> None:
    shipped = load_library([playbook_root()])

    down = sighting_of(observe(bundle(redis_down()), shipped.catalogue), CAUSE)
    well = sighting_of(observe(bundle(quiet()), shipped.catalogue), HEALTHY)

    assert down.failing["redis-connect-failure"] is True
    assert down.healthy == ()
    assert well.failing == {}
    assert [one["deploy-before-onset"] for one in well.healthy if "deploy-before-onset" in one] == []
    assert len(well.healthy) == 1
