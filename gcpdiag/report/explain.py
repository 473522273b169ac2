"""A playbook as a person reads it: ``gcpdiag explain``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from gcpdiag.playbook.format import PROBABILITY, Playbook
from gcpdiag.signals.definition import SignalDefinition

_WIDTH = 100


def explain_playbook(
    playbook: Playbook, signals: Mapping[str, SignalDefinition], titles: Mapping[str, str]
) -> Iterator[str]:
    """Yield the lines that explain a cause; ``titles`` are those of the other causes by id."""
    yield playbook.title
    yield playbook.id
    yield ""
    yield from textwrap.wrap(" ".join(playbook.explanation.split()), _WIDTH)
    yield ""
    yield "How it is known (how often each sign is there when this is the cause; * may name it)"
    for one in sorted(playbook.findings, key=lambda one: -PROBABILITY[one.likelihood]):
        mark = "*" if one.specific else " "
        yield from _indented(f"{mark} {one.likelihood:<10}", signals[one.signal].title)
    yield from _list("What it is confused with", [_titled(one, titles) for one in playbook.look_alikes])
    yield from _list("What follows from it", [_titled(one, titles) for one in playbook.explains])
    if playbook.remediation:
        yield ""
        yield "What to do, safest first"
        for step in playbook.remediation:
            yield from _indented("  •", f"{step.why} (risk: {step.risk})")
            yield f"      {step.command}"
    yield from _list("Recovered when", playbook.verification)


def _list(heading: str, texts: list[str]) -> Iterator[str]:
    if texts:
        yield ""
        yield heading
        for text in texts:
            yield from _indented("  •", text)


def _titled(cause: str, titles: Mapping[str, str]) -> str:
    return f"{cause}: {titles[cause]}" if cause in titles else cause


def _indented(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f"{label} ",
        subsequent_indent=" " * (len(label) + 1),
        break_on_hyphens=False,
    )
