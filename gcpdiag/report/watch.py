"""A frame of a watch: what users see, why, how far the recovery is, what happened, and when the next round comes.

A frame is a pure function of the stage and the canvas: it always fits, and no line of it is ever wrapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.cells import cell_len
from rich.text import Text

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.collect.limiter import LOG_READS_A_MINUTE
from gcpdiag.diagnose.convalescence import Tick, ticks_of
from gcpdiag.diagnose.vigil import CALM_ROUNDS, Sight, Vigil, WatchEvent
from gcpdiag.model.diagnosis import NamedCause
from gcpdiag.model.window import clock_time, in_utc
from gcpdiag.report.canvas import Canvas, cell, told
from gcpdiag.report.chart import chart, meter
from gcpdiag.report.watch_services import minutes_of_block, service_lines
from gcpdiag.report.wording import command_line, counted, percent, place

_STATUS = {"incident": "bold red", "inconclusive": "bold yellow", "healthy": "bold green"}
_KINDS = {
    "onset": "bold red",
    "recovery": "green",
    "deploy": "bold",
    "change": "bold",
    "status": "bold",
    "no sight": "yellow",
}
_TICKS = {"met": "green", "not yet": "yellow", "unknown": "yellow"}
_METER = 10
_LEAST_EVENTS, _MOST_CAUSES = 3, 3
_TALL, _WIDE = 32, 100  # rows and columns from which more is told
_TITLE = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a frame shows: what is known, the moment, and what is going on.

    ``next_in`` is when the next round comes, None while one is under way (``asking`` tells how far it is) or when there
    is none any more (``ending`` says why). ``slowed`` says why rounds come less often than asked for.
    """

    vigil: Vigil
    now: datetime
    next_in: timedelta | None = None
    asking: str = ""
    slowed: str = ""
    ending: str = ""


def frame_of(stage: Stage, canvas: Canvas) -> Text:
    """Return a frame in as many lines as fit, each in as many columns as there are."""
    vigil = stage.vigil
    lines = _head(stage, canvas)
    foot = _foot(stage, canvas)
    if vigil.sight is not None:
        lines += _body(vigil, vigil.sight, canvas, canvas.rows - len(lines) - len(foot))
    lines = [*lines[: canvas.rows - len(foot)], *foot]
    return Text("\n", no_wrap=True, overflow="crop", end="").join(lines)


def _head(stage: Stage, canvas: Canvas) -> list[Text]:
    vigil = stage.vigil
    clock = f"{clock_time(stage.now)} UTC"
    if vigil.sight is None:
        first = [canvas.line(("WATCH", "bold"), right=(clock, "dim"))]
        return [*first, *([_failed(vigil, canvas)] if vigil.miss else [])]
    diagnosis = vigil.sight.diagnosis
    age = _span(stage.now - vigil.sight.at)
    lines = [
        canvas.line(
            (diagnosis.status.upper(), _STATUS[diagnosis.status]),
            (f"  {told(diagnosis.project)}", "bold"),
            (f"  round {vigil.rounds} · as of {clock_time(vigil.sight.at)}, {age} ago", "dim"),
            right=(clock, "dim"),
        ),
        canvas.line((told(diagnosis.summary), "")),
    ]
    return [*lines, _failed(vigil, canvas)] if vigil.miss else lines


def _failed(vigil: Vigil, canvas: Canvas) -> Text:
    miss = vigil.miss
    why = told(miss.why) if miss else ""
    at = clock_time(miss.at) if miss else ""
    kept = "; what follows is what was known" if vigil.sight else ""
    return canvas.line((f"ROUND FAILED at {at}{kept}: {why}", "bold yellow"))


def _body(vigil: Vigil, sight: Sight, canvas: Canvas, room: int) -> list[Text]:
    """Return the sections; services and events share what the others leave, and blank lines are what is left over."""
    causes = _causes(vigil, sight, canvas)
    recovery = _recovery(vigil, canvas)
    left = room - len(causes) - len(recovery)
    wanted = len(sight.diagnosis.services)
    services = service_lines(sight, canvas, max(1, min(wanted, left - 1 - (1 + _LEAST_EVENTS))))
    left -= len(services)
    blanks = min(3, max(0, left - (1 + _LEAST_EVENTS)))
    events = _events(vigil, canvas, left - blanks)
    sections = [section for section in (services, causes, recovery, events) if section]
    lines: list[Text] = []
    for number, section in enumerate(sections):
        if blanks >= len(sections) - number > 0 and number:
            lines.append(Text())
        lines += section
    return lines


def _causes(vigil: Vigil, sight: Sight, canvas: Canvas) -> list[Text]:
    """Return the top cause with its confidence over the rounds, and on a tall canvas more of it and of the others."""
    causes = sight.diagnosis.root_causes
    marks = vigil.marks
    if not causes:
        return [canvas.line(("CAUSE ", "bold"), (_no_cause(vigil, sight), "dim"))]
    top = causes[0]
    cells = max(0, min(len(marks), canvas.columns - 60))
    course = [one.confidence if one.cause == top.id else None for one in marks]
    drawn = chart(course, cells, top=1.0, glyphs=canvas.glyphs)
    where = f"  {place(top.service)}" if top.service else ""
    lines = [
        canvas.line(
            ("CAUSE ", "bold"),
            (top.id, "bold red"),
            (f" {percent(top.confidence)} ", "bold"),
            (drawn, "yellow"),
            (where, "dim"),
        ),
        canvas.line((f"      {told(top.title)}", "")),
    ]
    return [*lines, *_more(top, causes, canvas)] if canvas.height >= _TALL else lines


def _no_cause(vigil: Vigil, sight: Sight) -> str:
    """Return why there is no cause, with what is weighed or what it was before."""
    text = "no cause is named" if sight.diagnosis.status != "healthy" else "none"
    for likely in sight.diagnosis.candidates[:1]:
        return f"{text}; {likely.id} is weighed at {percent(likely.confidence)}"
    before = next((one for one in reversed(vigil.marks) if one.confidence is not None), None)
    return f"{text}; it was {before.cause} ({percent(before.confidence or 0.0)})" if before else text


def _more(top: NamedCause, causes: tuple[NamedCause, ...], canvas: Canvas) -> list[Text]:
    lines = (
        [canvas.line(("      next: ", "dim"), (command_line(top.remediation[0].command), "cyan"))]
        if top.remediation
        else []
    )
    lines += [
        canvas.line(("also  ", "dim"), (other.id, ""), (f" {percent(other.confidence)} {told(other.title)}", "dim"))
        for other in causes[1:_MOST_CAUSES]
    ]
    return lines


def _recovery(vigil: Vigil, canvas: Canvas) -> list[Text]:
    ticks = ticks_of(vigil)
    met = sum(one.state == "met" for one in ticks)
    calm = f"{min(vigil.calm, CALM_ROUNDS)} of {CALM_ROUNDS} healthy rounds in a row"
    head = canvas.line(("RECOVERY ", "bold"), (f"{met} of {len(ticks)} · {calm}", "green" if vigil.is_over else "dim"))
    return [head, *(_tick(one, canvas) for one in ticks)]


def _tick(tick: Tick, canvas: Canvas) -> Text:
    glyphs = canvas.glyphs
    mark = {"met": glyphs.met, "not yet": glyphs.pending, "unknown": glyphs.unclear}[tick.state]
    bar = meter(tick.progress, _METER, glyphs=glyphs) if tick.progress is not None else " " * _METER
    style = _TICKS[tick.state]
    return canvas.line(
        (f" [{mark}] ", style), (cell(tick.title, _TITLE), ""), (bar, style), (f"  {told(tick.text)}", "dim")
    )


def _events(vigil: Vigil, canvas: Canvas, room: int) -> list[Text]:
    """Return the last events, oldest first; what came since the watch began is marked."""
    if room < 2 or not vigil.events:  # noqa: PLR2004 - a heading and one event
        return []
    shown = vigil.events[-(room - 1) :]
    fresh = sum(one.fresh for one in vigil.events)
    since = f"{fresh} since {clock_time(vigil.began)}" if fresh else "none since the watch began"
    head = canvas.line(("EVENTS ", "bold"), (since, "dim"))
    return [head, *(_event(one, canvas, vigil.began) for one in shown)]


def _event(event: WatchEvent, canvas: Canvas, began: datetime) -> Text:
    today = in_utc(event.at).date() == in_utc(began).date()
    at = clock_time(event.at) if today else f"{in_utc(event.at):%m-%d %H:%M}"
    mark = "+" if event.fresh else " "
    kind = cell(told(event.kind), 9)
    return canvas.line(
        (f"{mark}{cell(at, 11, right=True)} ", "dim"), (kind, _KINDS.get(event.kind, "")), (f" {told(event.text)}", "")
    )


def _foot(stage: Stage, canvas: Canvas) -> list[Text]:
    lines = []
    sight = stage.vigil.sight
    if sight is not None and sight.diagnosis.gaps:
        gaps = sorted(sight.diagnosis.gaps, key=lambda one: not one.permission)
        named = [told(one.check) + (f" ({told(one.reason)})" if canvas.width >= _WIDE else "") for one in gaps]
        lines.append(canvas.line((f"not seen ({len(gaps)}): ", "yellow"), (" · ".join(named), "dim")))
    doing, legend = _doing(stage), _legend(stage, canvas)
    fits = cell_len(doing) + cell_len(legend) + 2 <= canvas.columns
    lines.append(canvas.line((doing, "" if stage.ending else "dim"), right=(legend if fits else "", "dim")))
    return lines


def _doing(stage: Stage) -> str:
    took = _took(stage.vigil.sight)
    if stage.ending:
        return stage.ending
    if stage.next_in is None:
        return f"asking{f': {stage.asking}' if stage.asking else ' …'}"
    return f"next round in {_span(stage.next_in)}{f' ({stage.slowed})' if stage.slowed else ''}{took}"


def _took(sight: Sight | None) -> str:
    if sight is None:
        return ""
    calls = sight.diagnosis.calls
    reads = calls.get(LOG_ENTRIES, 0)
    return f" · last: {counted(sum(calls.values()), 'call')}, {reads} of {LOG_READS_A_MINUTE} log reads/min"


def _legend(stage: Stage, canvas: Canvas) -> str:
    if stage.vigil.sight is None or stage.ending:
        return ""
    size = minutes_of_block(canvas, stage.vigil.sight)
    return f"{canvas.glyphs.levels[-1]} {size} min, {canvas.glyphs.unknown} unknown"


def _span(length: timedelta) -> str:
    seconds = max(0, round(length.total_seconds()))
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"  # noqa: PLR2004 - two hours
