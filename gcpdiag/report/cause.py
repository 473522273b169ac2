"""One cause as reports tell it: where, how sure, the reckoning line by line, what to do, how to verify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gcpdiag.model.diagnosis import NamedCause, Remedy, Weight
from gcpdiag.model.finding import Evidence
from gcpdiag.model.window import Window, clock_time
from gcpdiag.report.wording import (
    command_line,
    console_link,
    counted,
    decibans,
    moment,
    percent,
    place,
    plain,
    thousands,
)

# What a remedy that can be typed begins with; anything else is a step for a person.
_PROGRAMS = frozenset({"gcloud", "gcpdiag", "gcptriage", "curl", "psql", "mysql", "redis-cli", "docker", "kubectl"})

_MOST_OF_ONE_SIGNAL = 3  # lines: a failure of thirty services is told by a few of them
_WORTH_SPARING = 24  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLine:
    """A line of the reckoning: its weight, what it is a sign of, and the text of the evidence.

    One that only accompanies the line above it has neither weight nor title.
    """

    weight: str
    title: str
    text: str
    note: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do: a command to copy (may be empty), the text that goes with it, and its risk."""

    command: str
    text: str
    risk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    """A cause in words; ``summary`` is empty where the report's first sentence says it already."""

    id: str
    title: str
    summary: str
    place: str
    resource: str
    confidence: str
    because_of: str
    evidence: tuple[EvidenceLine, ...]
    against: tuple[EvidenceLine, ...]
    reckoning: str
    sums: tuple[str, ...]
    mistaken_for: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    verification: tuple[str, ...]

    @property
    def about_steps(self) -> str:
        """Whether gcpdiag itself can take any of the steps, and that it takes none unasked."""
        if not self.steps:
            return ""
        if any(one.command.startswith("gcpdiag ") for one in self.steps):
            return "gcpdiag shows a plan and changes nothing without --apply."
        return "gcpdiag has no action that helps here: these steps are for you to take."


def cause_view(cause: NamedCause, window: Window, *, told: str) -> CauseView:
    """Return the view of a cause in a report that has already ``told`` its own summary."""
    return CauseView(
        id=plain(cause.id),
        title=plain(cause.title),
        summary="" if cause.summary.rstrip(".") in told else plain(cause.summary),
        place=place(cause.service),
        resource=plain(cause.resource) if cause.resource else "",
        confidence=percent(cause.confidence),
        because_of=plain(cause.because_of) if cause.because_of else "",
        evidence=_evidence_lines(cause.evidence, window),
        against=_evidence_lines(cause.contradicting, window),
        reckoning=_reckoning(cause),
        sums=tuple(plain(one) for one in cause.sums),
        mistaken_for=tuple((plain(one.id), plain(one.reason)) for one in cause.mistaken_for),
        steps=tuple(_step(one) for one in cause.remediation),
        verification=tuple(plain(one) for one in cause.verification),
    )


def _evidence_lines(weights: Sequence[Weight], window: Window) -> tuple[EvidenceLine, ...]:
    """Return the lines with those of one signal together: the first one has the weight of all."""
    by_signal: dict[str, list[Weight]] = {}
    for one in weights:
        by_signal.setdefault(one.signal, []).append(one)
    lines: list[EvidenceLine] = []
    told: set[str] = set()
    for several in by_signal.values():
        ordered = sorted(several, key=lambda one: not one.decibans)
        lines += [_evidence_line(one, window, told) for one in ordered[:_MOST_OF_ONE_SIGNAL]]
        if (rest := len(ordered) - _MOST_OF_ONE_SIGNAL) > 0:
            lines.append(
                EvidenceLine(weight="", title="", text=f"and {counted(rest, 'more line')} like it", note="", link="")
            )
    return tuple(lines)


def _evidence_line(weight: Weight, window: Window, told: set[str]) -> EvidenceLine:
    """Return one line; what it quotes is added to ``told``, and not quoted again if it is there already."""
    text = plain(weight.evidence.text)
    title = _title(weight)
    head, _, quoted = text.partition(": ")
    if len(quoted) >= _WORTH_SPARING and quoted in told:
        text = f"{head}: as above"
    told.add(quoted)
    return EvidenceLine(
        weight=decibans(weight.decibans) if weight.decibans else "",
        title=title,
        text=text,
        note=_note(weight.evidence, window),
        link=console_link(weight.evidence.link),
    )


def _title(weight: Weight) -> str:
    """Return a sign's title unless its text says it; that of a sign which is missing would mislead."""
    said = not weight.title or weight.title in weight.evidence.text
    return "" if said or weight.decibans <= 0 else plain(weight.title)


def _note(evidence: Evidence, window: Window) -> str:
    """Return the count and the first time, each only where the text does not begin with it."""
    parts: list[str] = []
    several = evidence.count is not None and evidence.count > 1
    if several and not evidence.text.startswith(f"{evidence.count} ×"):
        parts.append(f"{thousands(evidence.count)} ×")
    if evidence.first_at is not None and not evidence.text.startswith(clock_time(evidence.first_at)):
        parts.append(f"{'since' if several else 'at'} {moment(evidence.first_at, window)}")
    return " ".join(parts)


def _reckoning(cause: NamedCause) -> str:
    """Return the sum: ``prior −12.0 dB + evidence +27.3 dB = +15.3 dB``."""
    parts = [f"prior {decibans(cause.prior)}"]
    for name, lines in (("evidence", cause.evidence), ("against", cause.contradicting)):
        if lines:
            parts.append(f"{name} {decibans(sum(one.decibans for one in lines))}")
    return f"{' + '.join(parts)} = {decibans(cause.score)}"


def _step(remedy: Remedy) -> Step:
    command = command_line(remedy.command)
    if command.partition(" ")[0] in _PROGRAMS:
        return Step(command=command, text=plain(remedy.why), risk=plain(remedy.risk))
    return Step(command="", text=plain(f"{remedy.command}: {remedy.why}"), risk=plain(remedy.risk))


def heading_of(number: int, causes: Sequence[CauseView]) -> str:
    """Return what to call the cause at an index: ``root cause``, or ``root cause 1 of 2``."""
    return "root cause" if len(causes) == 1 else f"root cause {number + 1} of {len(causes)}"


def evidence_count(cause: CauseView) -> str:
    """Return how much evidence a short mention leaves out, or an empty text."""
    rest = len(cause.evidence) - 1
    return f"and {counted(rest, 'more line')} of evidence" if rest > 0 else ""
