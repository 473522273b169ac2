"""The parts of a report that are tables, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gcpdiag.model.diagnosis import (
    Candidate,
    RuledOut,
    ServiceState,
    Suspect,
    TimelineEvent,
    UnexplainedError,
)
from gcpdiag.model.window import Window, in_utc
from gcpdiag.report.wording import counted, dated, moment, percent, plain, thousands

_MOST_HEALTHY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Named columns, rows of as many cells, a closing note; ``right`` are the columns that hold numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    note: str = ""

    def __bool__(self) -> bool:
        return bool(self.rows)


def suspect_table(suspects: Sequence[Suspect]) -> Table:
    """Return what can be said of each category of causes."""
    rows = tuple((plain(one.category), one.verdict, plain(one.reason)) for one in suspects)
    return Table(columns=("suspect", "verdict", "reason"), rows=rows)


def candidate_table(candidates: Sequence[Candidate]) -> Table:
    """Return the causes that were weighed but not named."""
    rows = tuple((percent(one.confidence), plain(one.id), plain(one.title)) for one in candidates)
    return Table(columns=("confidence", "cause", "title"), rows=rows, right=frozenset({0}))


def ruled_out_table(ruled_out: Sequence[RuledOut]) -> Table:
    """Return what it is not."""
    rows = tuple((plain(one.id), plain(one.reason)) for one in ruled_out)
    return Table(columns=("cause", "why not"), rows=rows)


def service_table(services: Sequence[ServiceState], window: Window) -> Table:
    """Return the services; of many healthy ones the first few, and in a note how many more there are."""
    unwell = [one for one in services if one.health != "healthy"]
    healthy = [one for one in services if one.health == "healthy"]
    rest = len(healthy) - _MOST_HEALTHY
    return Table(
        columns=("service", "region", "state", "requests", "5xx", "first 5xx"),
        rows=tuple(_service_row(one, window) for one in (*unwell, *healthy[:_MOST_HEALTHY])),
        right=frozenset({3, 4}),
        note=f"and {counted(rest, 'more healthy service')}" if rest > 0 else "",
    )


def _service_row(state: ServiceState, window: Window) -> tuple[str, ...]:
    return (
        plain(state.service.name),
        plain(state.service.region),
        state.health,
        thousands(state.requests),
        _errors(state),
        "before the window" if state.older_than_window else moment(state.onset, window),
    )


def _errors(state: ServiceState) -> str:
    if not state.errors or not state.requests:
        return thousands(state.errors)
    return f"{thousands(state.errors)} ({percent(state.errors / state.requests)})"


def timeline_table(events: Sequence[TimelineEvent], window: Window) -> Table:
    """Return what happened when, with dates where it spans several days."""
    days = {in_utc(one.at).date() for one in events} | {in_utc(window.end).date()}
    rows = tuple(
        (dated(one.at) if len(days) > 1 else moment(one.at, window), plain(one.kind), plain(one.text)) for one in events
    )
    return Table(columns=("UTC", "what", "event"), rows=rows, right=frozenset({0}))


def unexplained_table(errors: Sequence[UnexplainedError], window: Window) -> Table:
    """Return the error texts that no signature knows, by how often they came."""
    return Table(
        columns=("count", "first seen", "service", "error"),
        rows=tuple(
            (
                f"{thousands(one.count)} ×",
                moment(one.first_at, window),
                plain(one.service.name) if one.service else "",
                plain(one.template),
            )
            for one in errors
        ),
        right=frozenset({0, 1}),
    )
