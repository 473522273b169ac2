"""Laws of the ranking, on findings made up for the purpose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.diagnose.rank import Ranker
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.playbook.format import ExpectedFinding, Playbook

SIGNALS = ("kill", "exit", "timeout", "state", "metric")
LEAKS = dict(zip(SIGNALS, (0.005, 0.05, 0.03, 0.004, 0.06), strict=True))


def playbook(cause: str, *findings: tuple[str, str], group: str = "") -> Playbook:
    return Playbook(
        id=cause,
        title=cause,
        summary=cause,
        explanation=cause,
        findings=[
            ExpectedFinding(signal=signal, likelihood=word, specific=True, group=group)  # type: ignore[arg-type]
            for signal, word in findings
        ],
    )


PLAYBOOKS = [
    playbook("a/memory", ("kill", "always"), ("exit", "often"), ("metric", "often")),
    playbook("a/crash", ("exit", "always"), ("timeout", "rarely")),
    playbook("a/down", ("state", "often"), ("timeout", "usually"), group="looks"),
]


def present(signal: str, strength: float = 1.0) -> Present:
    return Present(
        signal=signal,
        strength=strength,
        evidence=(Evidence(signal=signal, text="seen", source="logging.entries"),),
    )


def absent(signal: str) -> Absent:
    return Absent(signal=signal, looked="looked", source="logging.entries")


def unknown(signal: str) -> Unknown:
    return Unknown(signal=signal, gap=Gap(check=signal, reason="denied", source="logging.entries"))


def nothing_known() -> dict[str, Finding]:
    return {signal: unknown(signal) for signal in SIGNALS}


def findings() -> st.SearchStrategy[dict[str, Finding]]:
    one = st.sampled_from(SIGNALS)
    kinds = st.tuples(st.sampled_from(["present", "absent", "unknown"]), st.floats(0.05, 1.0))

    def built(choices: dict[str, tuple[str, float]]) -> dict[str, Finding]:
        made = nothing_known()
        for signal, (kind, strength) in choices.items():
            made[signal] = present(signal, strength) if kind == "present" else absent(signal)
            if kind == "unknown":
                made[signal] = unknown(signal)
        return made

    return st.dictionaries(one, kinds).map(built)


@given(findings())
def test_probabilities_of_all_hypotheses_add_up_to_one(found: dict[str, Finding]) -> None:
    assert sum(Ranker(PLAYBOOKS, LEAKS).rank(found).hypotheses.values()) == pytest.approx(1.0)


@given(findings())
def test_the_order_of_playbooks_and_findings_makes_no_difference(found: dict[str, Finding]) -> None:
    straight = Ranker(PLAYBOOKS, LEAKS).rank(found)

    turned = Ranker(PLAYBOOKS[::-1], LEAKS).rank(dict(reversed(found.items())))

    assert turned.causes == straight.causes


@given(findings(), st.sampled_from(SIGNALS), st.sampled_from(["absent", "unknown", "weaker"]))
def test_taking_evidence_away_never_raises_the_cause_that_it_supported(
    found: dict[str, Finding], signal: str, how: str
) -> None:
    finding = found[signal]
    if not isinstance(finding, Present):
        return
    lesser: dict[str, Finding] = {
        "absent": absent(signal),
        "unknown": unknown(signal),
        "weaker": present(signal, finding.strength / 2),
    }
    less = lesser[how]
    ranker = Ranker(PLAYBOOKS, LEAKS)

    for cause in ("a/memory", "a/crash", "a/down"):
        before = sum(ranker.weights((cause,), found).values())
        after = sum(ranker.weights((cause,), found | {signal: less}).values())
        assert after <= before + 1e-9


def test_what_is_unknown_drops_out_exactly() -> None:
    ranker = Ranker(PLAYBOOKS, LEAKS)

    silent = ranker.rank(nothing_known())

    assert silent.best == ()
    assert silent.causes["a/memory"] == pytest.approx(silent.causes["a/crash"])


def test_a_cause_that_is_seen_explains_away_another_of_the_same_symptom() -> None:
    ranker = Ranker(PLAYBOOKS, LEAKS)
    symptom = nothing_known() | {"exit": present("exit")}

    alone = ranker.rank(symptom).causes["a/crash"]
    beside = ranker.rank(symptom | {"kill": present("kill"), "metric": present("metric")}).causes["a/crash"]

    assert beside < alone


def test_two_causes_are_found_together() -> None:
    found = nothing_known() | {"kill": present("kill"), "state": present("state"), "timeout": present("timeout")}

    assert Ranker(PLAYBOOKS, LEAKS).rank(found).best == ("a/down", "a/memory")


def test_while_one_look_of_a_group_is_present_the_absence_of_the_others_says_nothing() -> None:
    found: dict[str, Finding] = {"state": absent("state"), "timeout": present("timeout")}

    weights = Ranker(PLAYBOOKS, LEAKS).weights(("a/down",), found)

    assert weights["state"] == 0.0
    assert weights["timeout"] > 0


def test_looks_that_two_causes_share_do_not_count_twice() -> None:
    one = playbook("b/one", ("exit", "often"), ("timeout", "often"), ("metric", "often"), group="start")
    other = playbook("b/other", ("exit", "often"), ("timeout", "often"), group="connect")
    ranker = Ranker([one, other], LEAKS)
    found = nothing_known() | {signal: present(signal) for signal in ("exit", "timeout", "metric")}

    alone = sum(ranker.weights(("b/one",), found).values())
    together = sum(ranker.weights(("b/one", "b/other"), found).values())

    assert together - alone < 3.0


def test_symptoms_do_not_excuse_the_absence_of_what_is_specific() -> None:
    expected = [
        ExpectedFinding(signal="state", likelihood="often", specific=True, group="looks"),
        ExpectedFinding(signal="timeout", likelihood="usually", group="looks"),
    ]
    down = Playbook(id="b/down", title="t", summary="s", explanation="e", findings=expected)
    found: dict[str, Finding] = {"state": absent("state"), "timeout": present("timeout")}

    assert Ranker([down], LEAKS).weights(("b/down",), found)["state"] < 0
