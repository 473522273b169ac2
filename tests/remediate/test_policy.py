"""The policy file: found, checked key by key, and never looser than what holds without it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gcpdiag.remediate.policy import DEFAULT, PolicyError, load_policy, policy_of


def refusal(**table: object) -> str:
    with pytest.raises(PolicyError) as raised:
        policy_of({"policy": table}, origin="gcpdiag.toml")
    return str(raised.value)


def test_without_a_file_the_built_in_policy_holds(tmp_path: Path) -> None:
    assert load_policy(None, tmp_path) == DEFAULT


def test_the_nearest_file_upwards_is_taken(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "gcpdiag.toml").write_text("[policy]\nmax_actions = 2\n")
    (tmp_path / "a" / "gcpdiag.toml").write_text("[policy]\nmax_actions = 1\n")

    policy = load_policy(None, inner)
    assert (policy.max_actions, policy.origin) == (1, str(tmp_path / "a" / "gcpdiag.toml"))


def test_a_file_may_tighten_everything() -> None:
    policy = policy_of(
        {
            "policy": {
                "allowed_projects": ["demo-*"],
                "production_projects": ["demo-main"],
                "cool_down": "1h30m",
                "max_actions": 0,
                "max_factor": 1.5,
                "min_confidence": 0.95,
            },
            "verify": {"targets": []},
        },
        origin="here",
    )

    assert (policy.allows("demo-staging"), policy.allows("other")) == (True, False)
    assert policy.cool_down == timedelta(minutes=90)
    assert (policy.max_actions, policy.max_factor, policy.min_confidence) == (0, 1.5, 0.95)


@pytest.mark.parametrize("project", ["demo-main", "prod", "shop-prod", "prod-eu", "my-production-2"])
def test_a_file_adds_to_what_is_production_and_takes_nothing_away(project: str) -> None:
    policy = policy_of({"policy": {"production_projects": ["demo-main"]}}, origin="here")

    assert policy.is_production(project)


@pytest.mark.parametrize("project", ["demo-staging", "product-catalogue", "reproduce"])
def test_a_name_that_only_looks_like_it_is_no_production(project: str) -> None:
    assert not DEFAULT.is_production(project)


@pytest.mark.parametrize(
    "table",
    [
        {"cool_down": "1m"},
        {"max_actions": 4},
        {"max_factor": 3},
        {"max_factor": float("inf")},
        {"min_confidence": 0.2},
    ],
)
def test_a_value_that_loosens_is_an_error_that_says_so(table: dict[str, object]) -> None:
    assert "would loosen the guard" in refusal(**table)


@pytest.mark.parametrize(
    "table, told",
    [
        ({"cooldown": "10m"}, "Did you mean 'cool_down'?"),
        ({"max_action": 1}, "Did you mean 'max_actions'?"),
        ({"cool_down": 600}, "is not a duration"),
        ({"cool_down": "soon"}, "is not a duration"),
        ({"max_actions": 1.5}, "is not a number of actions"),
        ({"max_actions": True}, "is not a number"),
        ({"max_factor": 0.5}, "less than 1"),
        ({"max_factor": float("nan")}, "is not a number"),
        ({"min_confidence": 2}, "is not a probability"),
        ({"allowed_projects": "demo"}, "is not a list of project names"),
        ({"allowed_projects": [1]}, "is not a list of project names"),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, object], told: str) -> None:
    assert told in refusal(**table)


def test_a_misspelt_table_is_no_policy_that_silently_does_nothing() -> None:
    with pytest.raises(PolicyError, match="Did you mean 'policy'"):
        policy_of({"polcy": {"max_actions": 1}}, origin="here")


def test_a_policy_that_is_no_table_is_refused() -> None:
    with pytest.raises(PolicyError, match="is not a table"):
        policy_of({"policy": "strict"}, origin="here")


@pytest.mark.parametrize("content", [b"max_actions = ", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "policy.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(PolicyError) as raised:
        load_policy(path, tmp_path)
    assert raised.value.exit_code == 2
