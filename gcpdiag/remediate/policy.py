"""The policy: what may be changed, how much and how often. A file can only tighten what holds without one."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from gcpdiag.collect.scope import parse_duration
from gcpdiag.errors import UsageError

FILE_NAME = "gcpdiag.toml"
TABLE = "policy"
_OTHER_TABLES = ("verify", "watch")  # what other commands read out of the same file


class PolicyError(UsageError):
    """The policy file cannot be used, so nothing is changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What guards ask for; patterns are of the shell's kind (``*``, ``?``)."""

    allowed_projects: tuple[str, ...] = ("*",)
    production_projects: tuple[str, ...] = ("prod", "prod-*", "*-prod", "*-prod-*", "*production*", "prd-*", "*-prd")
    cool_down: timedelta = timedelta(minutes=5)
    max_actions: int = 3
    max_factor: float = 2.0
    min_confidence: float = 0.7
    origin: str = "the built-in policy"

    def allows(self, project: str) -> bool:
        """Tell whether anything in the project may be changed."""
        return _fits(project, self.allowed_projects)

    def is_production(self, project: str) -> bool:
        """Tell whether the project takes ``--production``."""
        return _fits(project, self.production_projects)


DEFAULT = Policy()


def load_policy(path: Path | None, start: Path) -> Policy:
    """Return the policy of a file, or of the first ``gcpdiag.toml`` from ``start`` upwards, or the built-in one.

    PolicyError for a file that is missing, malformed, has an unknown key, or would loosen a default.
    """
    found = path or find_policy(start)
    if found is None:
        return DEFAULT
    try:
        content = found.read_bytes().decode("utf-8")
        document = tomllib.loads(content)
    except OSError as error:
        raise PolicyError(f"the policy {found} cannot be read", cause=error.strerror or str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"the policy {found} is not TOML", cause=str(error)) from error
    return policy_of(document, origin=str(found))


def find_policy(start: Path) -> Path | None:
    """Return the nearest ``gcpdiag.toml`` in a directory or above it, or None."""
    here = start.resolve()
    return next((one / FILE_NAME for one in (here, *here.parents) if (one / FILE_NAME).is_file()), None)


def policy_of(document: Mapping[str, object], *, origin: str) -> Policy:
    """Return the policy that a TOML document asks for; PolicyError says which key is wrong, and how."""
    _require_known(document, (TABLE, *_OTHER_TABLES), origin)
    table = document.get(TABLE, {})
    if not isinstance(table, dict):
        raise PolicyError(f"{origin}: {TABLE} is not a table", hint=f"Write it as [{TABLE}]")
    _require_known(table, tuple(_KEYS), f"{origin}, [{TABLE}]")
    policy = replace(DEFAULT, origin=origin)
    for key, value in table.items():
        policy = _KEYS[key](policy, value, f"{origin}: {key}")
    return policy


def _require_known(table: Mapping[str, object], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0)
            raise PolicyError(f"{where}: there is no key {key!r}", hint=f"Did you mean {near[0]!r}?")


def _fits(project: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(project, one) for one in patterns)


def _allowed(policy: Policy, value: object, where: str) -> Policy:
    return replace(policy, allowed_projects=_patterns(value, where))


def _production(policy: Policy, value: object, where: str) -> Policy:
    """Add to the patterns that hold anyway: a file cannot declare that production is none."""
    more = tuple(one for one in _patterns(value, where) if one not in policy.production_projects)
    return replace(policy, production_projects=(*policy.production_projects, *more))


def _cool_down(policy: Policy, value: object, where: str) -> Policy:
    length = _duration(value, where)
    _require_tighter(where, loosens=length < policy.cool_down, bound=f"{policy.cool_down.seconds // 60}m or longer")
    return replace(policy, cool_down=length)


def _max_actions(policy: Policy, value: object, where: str) -> Policy:
    number = _number(value, where)
    if not number.is_integer() or number < 0:
        raise PolicyError(f"{where}: {value!r} is not a number of actions")
    _require_tighter(where, loosens=number > policy.max_actions, bound=f"{policy.max_actions} or fewer")
    return replace(policy, max_actions=int(number))


def _max_factor(policy: Policy, value: object, where: str) -> Policy:
    number = _number(value, where)
    if number < 1:
        raise PolicyError(f"{where}: {value!r} is less than 1, which would allow no growth and no standing still")
    _require_tighter(where, loosens=number > policy.max_factor, bound=f"{policy.max_factor:g} or less")
    return replace(policy, max_factor=number)


def _min_confidence(policy: Policy, value: object, where: str) -> Policy:
    number = _number(value, where)
    if not 0 <= number <= 1:
        raise PolicyError(f"{where}: {value!r} is not a probability")
    _require_tighter(where, loosens=number < policy.min_confidence, bound=f"{policy.min_confidence:g} or more")
    return replace(policy, min_confidence=number)


_KEYS: Mapping[str, Callable[[Policy, object, str], Policy]] = {
    "allowed_projects": _allowed,
    "production_projects": _production,
    "cool_down": _cool_down,
    "max_actions": _max_actions,
    "max_factor": _max_factor,
    "min_confidence": _min_confidence,
}


def _require_tighter(where: str, *, loosens: bool, bound: str) -> None:
    if loosens:
        raise PolicyError(
            f"{where} would loosen the guard: it must be {bound}",
            hint="A policy can only tighten; for one change, use --override GUARD --reason '...'",
        )


def _patterns(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise PolicyError(f"{where}: {value!r} is not a list of project names or patterns")
    return tuple(str(one) for one in value)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
        raise PolicyError(f"{where}: {value!r} is not a number")
    return float(value)


def _duration(value: object, where: str) -> timedelta:
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except UsageError as error:
        raise PolicyError(f"{where}: {value!r} is not a duration", hint="Write it as 10m or 1h30m") from error
