"""A plan as plain text, for people: what changes, what it does, how to take it back. No line is longer than 80."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from gcpdiag.model.json import Json
from gcpdiag.model.plan import FieldDiff, Plan, Step
from gcpdiag.model.window import rfc3339
from gcpdiag.remediate.action import ACTIONS
from gcpdiag.remediate.inverse import inverse_of

_WIDTH = 80
_LABEL = 12  # columns of the left side
_COSTS = {"higher": "higher", "lower": "lower", "same": "about the same"}


def render_plan(plan: Plan) -> str:
    """Return a plan as text of 80 columns, ending in a line break."""
    lines = [*_line("Plan", f"{plan.id}, good until {rfc3339(plan.expires_at)}")]
    for number, step in enumerate(plan.steps, start=1):
        lines += ["", *(_line("Step", f"{number} of {len(plan.steps)}") if len(plan.steps) > 1 else ())]
        lines += _step(step)
    lines += ["", *_line("Reaches", _reach(plan))]
    lines += _line("Asked by", f"{plan.author} on {plan.host}")
    lines += _line("Because", plan.reason) if plan.reason else []
    lines += _line("Answers", _answers(plan)) if plan.causes else []
    lines += _line("Server", _server(plan))
    lines += _line("Digest", plan.digest)
    return "\n".join(lines) + "\n"


def render_diff(diff: tuple[FieldDiff, ...]) -> list[str]:
    """Return differences as lines: each field, with its value before (``-``) and after (``+``)."""
    lines: list[str] = []
    for one in diff:
        lines += _wrapped(f"  {_plain(one.path)}", "    ")
        for mark, value in (("-", one.before), ("+", one.after)):
            lines += _wrapped(f"    {mark} {_shown(value)}", "      ")
    return lines


def _step(step: Step) -> Iterator[str]:
    yield from _line("Change", ACTIONS[step.kind].title)
    yield from _line("Target", step.target)
    yield ""
    yield from render_diff(step.diff)
    yield ""
    yield from _line("Effect", step.effect)
    yield from _line("Risk", _risk(step))
    yield from _line("Cost", _COSTS[step.cost])
    inverse = inverse_of(step, step.after)
    yield from _line("Way back", ACTIONS[step.kind].inverse)
    for warning in (*step.warnings, *inverse.warnings):
        yield from _line("Mind", warning)


def _risk(step: Step) -> str:
    reversible = "can be undone" if step.is_reversible else "cannot be undone"
    disruptive = "instances or code change under running requests" if step.is_disruptive else "requests do not notice"
    return f"{step.risk}; {reversible}; {disruptive}"


def _reach(plan: Plan) -> str:
    count = len(plan.radius.services)
    if not count:
        return "no service; what is made is deleted again"
    instances = "" if plan.radius.instances is None else f", {plan.radius.instances} instances at most"
    of = "its traffic" if count == 1 else "the traffic of one of them"
    return f"{count} service{'s' if count > 1 else ''}, {plan.radius.traffic_percent:g} % of {of}{instances}"


def _answers(plan: Plan) -> str:
    sure = "" if plan.confidence is None else f", {plan.confidence:.0%} sure"
    return ", ".join(plan.causes) + sure


def _server(plan: Plan) -> str:
    if plan.validation == "accepted":
        return "Cloud Run accepts this change (checked, nothing was changed)"
    return f"Cloud Run says: {plan.validation}" if plan.validation else "not asked"


def _line(label: str, text: str) -> list[str]:
    return _wrapped(f"{label:<{_LABEL}}{_plain(text)}", " " * _LABEL)


def _wrapped(text: str, indent: str) -> list[str]:
    lead = len(text) - len(text.lstrip())
    wrapped = textwrap.wrap(
        text.lstrip(),
        width=_WIDTH,
        initial_indent=text[:lead],
        subsequent_indent=indent,
        drop_whitespace=True,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    return wrapped or [text.rstrip()]


def _shown(value: Json) -> str:
    if value is None:
        return "(not set)"
    return _plain(value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False))


def _plain(text: str) -> str:
    """Return text that does nothing to a terminal: control characters, bidi marks and the like become ``�``."""
    return "".join(one if one.isprintable() else "�" for one in " ".join(text.split()))
