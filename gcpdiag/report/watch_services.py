"""The services of a watch, a line each: state, share of 5xx, requests, instances and latency, with their charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from rich.text import Text

from gcpdiag.diagnose.vigil import Sight
from gcpdiag.model.diagnosis import ServiceHealth, ServiceState
from gcpdiag.report.canvas import Canvas, cell, told
from gcpdiag.report.chart import Glyphs, chart, folded
from gcpdiag.report.wording import counted, percent
from gcpdiag.signals.pulse import Beat, ServicePulse

_LONGEST_NAME, _SHORTEST_NAME = 32, 8
_WIDE = 100  # columns from which states are words and waits have a chart of their own
_MANY_CELLS = 30
_GAP = "  "
_LATELY = 3  # minutes that a number sums up
_RECENT = 10  # minutes after which a value is too old to be shown as the present one
_THOUSAND = 1000
_SECONDS = 10_000  # milliseconds from which tenths of a second do not matter
_NOTHING = "–"
_STATES: dict[ServiceHealth, tuple[str, str]] = {
    "failing": ("FAIL", "bold red"),
    "recovered": ("back", "yellow"),
    "healthy": ("ok", "green"),
    "unknown": ("?", "yellow"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A number with its chart: its heading, the number's width, what it says and how a stretch of it is drawn."""

    heading: str
    width: int
    number: Callable[[Sequence[Beat]], str]
    values: Callable[[Sequence[Beat], int], list[float | None]]
    whole: float | None = None
    style: str = ""


def service_lines(sight: Sight, canvas: Canvas, most: int) -> list[Text]:
    """Return a heading and at most so many services, those first that are unwell; what is left out is counted."""
    states = sight.diagnosis.services
    shown = states[:most] if len(states) <= most else states[: most - 1]
    columns = [one for one in _COLUMNS if one.heading != "pending p99" or _has_pending(sight, canvas)]
    name = _name_width(shown, canvas)
    state = 9 if canvas.width >= _WIDE else 5
    cells = _cells(canvas, columns, name + len(_GAP) + state)
    size = 1 if cells >= _MANY_CELLS else 2
    lines = [_heading(canvas, columns, cells, f"{cell('service', name)}{_GAP}{cell('state', state)}")]
    for one in shown:
        pulse = sight.pulse.of(one.service)
        lines.append(_row(canvas, one, pulse, columns, (name, state, cells, size)))
    rest = len(states) - len(shown)
    if rest:
        unwell = sum(one.health != "healthy" for one in states[len(shown) :])
        also = f", {unwell} of them unwell" if unwell else ""
        lines.append(canvas.line((f"and {counted(rest, 'more service')}{also}", "dim")))
    return lines


def minutes_of_block(canvas: Canvas, sight: Sight) -> int:
    """Return how many minutes one block of a chart stands for."""
    columns = [one for one in _COLUMNS if one.heading != "pending p99" or _has_pending(sight, canvas)]
    state = 9 if canvas.width >= _WIDE else 5
    used = _name_width(sight.diagnosis.services, canvas) + len(_GAP) + state
    return 1 if _cells(canvas, columns, used) >= _MANY_CELLS else 2


def known_lately(beats: Sequence[Beat]) -> tuple[int, int]:
    """Return requests, and failures among them, in the last few minutes of which both are known."""
    both = [one for one in beats[-_RECENT:] if one.requests is not None and one.errors is not None][-_LATELY:]
    return sum(one.requests or 0 for one in both), sum(one.errors or 0 for one in both)


def _has_pending(sight: Sight, canvas: Canvas) -> bool:
    waits = (beat.pending for one in sight.pulse.services for beat in one.beats)
    return canvas.width >= _WIDE and any(one is not None for one in waits)


def _name_width(states: Sequence[ServiceState], canvas: Canvas) -> int:
    longest = max((len(told(one.service.name)) for one in states), default=0)
    most = _LONGEST_NAME if canvas.width >= _WIDE else max(_SHORTEST_NAME, canvas.columns // 5)
    return min(most, max(_SHORTEST_NAME, longest))


def _cells(canvas: Canvas, columns: Sequence[_Column], used: int) -> int:
    numbers = sum(len(_GAP) + one.width + 1 for one in columns)
    return max(0, min(60, (canvas.columns - used - numbers) // len(columns)))


def _heading(canvas: Canvas, columns: Sequence[_Column], cells: int, start: str) -> Text:
    names = "".join(_GAP + cell(one.heading, one.width + 1 + cells) for one in columns)
    return canvas.line((start + names, "dim"))


def _row(
    canvas: Canvas,
    state: ServiceState,
    pulse: ServicePulse | None,
    columns: Sequence[_Column],
    sizes: tuple[int, int, int, int],
) -> Text:
    name, width, cells, size = sizes
    short, style = _STATES[state.health]
    word = state.health if canvas.width >= _WIDE else short
    parts = [(cell(told(state.service.name), name) + _GAP, "bold"), (cell(word, width), style)]
    beats = pulse.beats if pulse else ()
    for column in columns:
        values = column.values(beats, size)
        top = column.whole or max((one for one in values[-cells:] if one is not None), default=0.0)
        drawn = chart(values, cells, top=top, glyphs=canvas.glyphs)
        parts.append((_GAP + cell(column.number(beats), column.width, right=True) + " ", ""))
        parts += _styled(drawn, column.style, canvas.glyphs)
    return canvas.line(*parts)


def _styled(drawn: str, style: str, glyphs: Glyphs) -> list[tuple[str, str]]:
    """Return a chart in runs: what is zero or unknown stays in the background."""
    runs = groupby(drawn, key=lambda one: one in {glyphs.zero, glyphs.unknown})
    return [("".join(run), "dim" if background else style) for background, run in runs]


def _share(beats: Sequence[Beat]) -> str:
    requests, failed = known_lately(beats)
    return percent(failed / requests) if requests else _NOTHING


def _shares(beats: Sequence[Beat], size: int) -> list[float | None]:
    both = [(one.errors, one.requests) for one in beats]
    failed: list[float | None] = [None if errors is None or not all_ else errors for errors, all_ in both]
    calm: list[float | None] = [0.0 if errors == 0 and all_ is not None else None for errors, all_ in both]
    asked: list[float | None] = [None if errors is None or all_ is None else all_ for errors, all_ in both]
    sums = zip(folded(failed, size, sum), folded(asked, size, sum), folded(calm, size, sum), strict=True)
    return [zero if not all_ or errors is None else errors / all_ for errors, all_, zero in sums]


def _rate(beats: Sequence[Beat]) -> str:
    counts = [one.requests for one in beats[-_RECENT:] if one.requests is not None and one.settled][-_LATELY:]
    return _short(fmean(counts)) if counts else _NOTHING


def _rates(beats: Sequence[Beat], size: int) -> list[float | None]:
    counts = [None if one.requests is None or not one.settled else float(one.requests) for one in beats]
    return folded(counts, size, fmean)


def _instances(beats: Sequence[Beat]) -> str:
    known = [one.instances for one in beats[-_RECENT:] if one.instances is not None]
    return _short(known[-1]) if known else _NOTHING


def _instance_counts(beats: Sequence[Beat], size: int) -> list[float | None]:
    return folded([None if one.instances is None else float(one.instances) for one in beats], size, max)


def _latency(beats: Sequence[Beat]) -> str:
    return _span([one.latency for one in beats[-_RECENT:]])


def _latencies(beats: Sequence[Beat], size: int) -> list[float | None]:
    return folded([one.latency for one in beats], size, max)


def _pending(beats: Sequence[Beat]) -> str:
    return _span([one.pending for one in beats[-_RECENT:]])


def _pendings(beats: Sequence[Beat], size: int) -> list[float | None]:
    return folded([one.pending for one in beats], size, max)


def _span(values: Sequence[float | None]) -> str:
    """Return the last known value, given in milliseconds."""
    known = [one for one in values if one is not None]
    if not known:
        return _NOTHING
    last = known[-1]
    if last < _THOUSAND - 0.5:
        return f"{last:.0f}ms"
    return f"{last / _THOUSAND:.1f}s" if last < _SECONDS else f"{last / _THOUSAND:.0f}s"


def _short(count: float) -> str:
    if count < _RECENT and count != round(count):
        return f"{count:.1f}"
    if count < _THOUSAND:
        return f"{count:.0f}"
    return f"{count / _THOUSAND:.1f}k" if count < 10 * _THOUSAND else f"{count / _THOUSAND:.0f}k"


_COLUMNS = (
    _Column(heading="5xx", width=4, number=_share, values=_shares, whole=1.0, style="red"),
    _Column(heading="requests/min", width=4, number=_rate, values=_rates, style="cyan"),
    _Column(heading="instances", width=3, number=_instances, values=_instance_counts, style="blue"),
    _Column(heading="latency p95", width=5, number=_latency, values=_latencies, style="magenta"),
    _Column(heading="pending p99", width=5, number=_pending, values=_pendings, style="magenta"),
)
