"""What a finding needs before it can be built."""

from __future__ import annotations

import pytest

from gcpdiag.model.diagnosis import NamedCause, Weight
from gcpdiag.model.finding import Evidence, Present

EVIDENCE = Evidence(signal="s", text="5 × boom", source="logging.entries")


def cause(*weights: float, against: float = 0.0) -> NamedCause:
    return NamedCause(
        id="vpc-connector/not-ready",
        title="t",
        summary="s",
        service=None,
        resource="",
        confidence=0.9,
        prior=-10.0,
        evidence=tuple(Weight(signal="s", decibans=one, evidence=EVIDENCE) for one in weights),
        contradicting=(Weight(signal="s", decibans=against, evidence=EVIDENCE),),
    )


@pytest.mark.parametrize("strength", [0.0, -0.5, 1.5, float("nan")])
def test_a_present_finding_has_a_strength_between_zero_and_one(strength: float) -> None:
    with pytest.raises(ValueError, match="strength"):
        Present(signal="s", strength=strength, evidence=(EVIDENCE,))


def test_a_present_finding_stands_on_evidence() -> None:
    with pytest.raises(ValueError, match="evidence"):
        Present(signal="s", strength=1.0, evidence=())


def test_the_score_is_the_prior_and_every_printed_line() -> None:
    assert cause(12.0, 3.0, against=-2.5).score == 2.5


def test_the_category_is_what_stands_before_the_slash() -> None:
    assert cause().category == "vpc-connector"
