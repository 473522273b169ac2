"""An evaluation for a terminal of 80 columns: measures beside baselines, calibration, losses, confusions, faults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from gcpdiag.diagnose.baseline import BASELINES
from gcpdiag.diagnose.evaluation import Confusion, Determinism, Evaluation, Loss, Trial
from gcpdiag.diagnose.proportion import Proportion
from gcpdiag.diagnose.reliability import Bin, Reliability
from gcpdiag.diagnose.score import Score
from gcpdiag.report.page import Page
from gcpdiag.report.wording import counted, plain

MEASURES = {
    "first": "AC@1: first cause is true",
    "first_three": "AC@3: true one in first three",
    "both": "both of two in first two",
    "false_alarms": "healthy, called an incident",
    "abstained": "outside the catalogue: no name",
    "named": "incidents with a cause named",
    "right_when_named": "right when it names one",
    "mistaken": "first name is a known mistake",
    "status": "status is the label's",
}
"""What the measures of a score are called in a report."""

_NONE = "–"
_MOST_BROKEN = 5
_HEADING, _QUIET = "bold", "dim"


def render_evaluation(evaluation: Evaluation, *, width: int, color: bool) -> str:
    """Return the evaluation as text of that many columns; without colour it has no escape sequences."""
    page = Page(width)
    told = [counted(len(evaluation.trials), "bundle")]
    told += [
        f"{evaluation.labelled(status)} {name}"
        for status, name in (("incident", "incidents"), ("healthy", "healthy"), ("inconclusive", "outside"))
    ]
    page.heading(("EVALUATION", _HEADING), (" · ".join(told), _QUIET))
    page.blank()
    _rows(page, _measures(evaluation), right={1, 2, 3, 4, 5, 6})
    page.prose(Text("in percent; prior, votes, shift are simple baselines (docs/evaluation.md)", _QUIET))
    _reliability(page, evaluation.reliability)
    _losses(page, evaluation.losses, evaluation.reliability_without)
    _determinism(page, evaluation.determinism)
    _confusions(page, evaluation.confusions)
    _broken(page, evaluation)
    _faults(page, evaluation.faulty)
    return page.rendered(color=color)


def _measures(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    yield ("measure", "share", "of", "95%", *BASELINES)
    for name, title in MEASURES.items():
        yield (title, *_share_cells(_measure(evaluation.score, name)), *_baselines(evaluation, name))
    blank = ("",) * len(BASELINES)
    yield ("cited records that exist", *_share_cells(evaluation.citations), *blank)
    if evaluation.determinism is not None:
        yield ("same bytes when shuffled", *_share_cells(evaluation.determinism.same), *blank)


def _baselines(evaluation: Evaluation, name: str) -> list[str]:
    return [percentage(_measure(evaluation.baselines[one], name).share) for one in BASELINES]


def _measure(score: Score, name: str) -> Proportion:
    found = getattr(score, name)
    if not isinstance(found, Proportion):
        raise TypeError(f"{name} is no measure")
    return found


def _share_cells(proportion: Proportion) -> tuple[str, str, str]:
    """Return a share, what it is a share of, and its interval."""
    if not proportion.of:
        return _NONE, "0", ""
    low, high = proportion.interval
    return percentage(proportion.share), f"{proportion.hits}/{proportion.of}", f"{100 * low:.0f}–{100 * high:.0f}"


def percentage(share: float | None) -> str:
    """Return a share in percent, with a decimal where it is neither none nor all."""
    if share is None:
        return _NONE
    return f"{100 * share:.0f}" if share in {0.0, 1.0} else f"{100 * share:.1f}"


def _reliability(page: Page, reliability: Reliability) -> None:
    if reliability.brier is None:
        return
    page.heading(("CALIBRATION", _HEADING), (_errors(reliability), _QUIET))
    page.blank()
    head = ("confidence", "named", "mean", "true", "95%")
    _rows(page, [head, *(_bin_row(one) for one in reliability.bins)], right={1, 2, 3, 4})


def _errors(reliability: Reliability) -> str:
    """Return the errors of some claims, of which there is at least one."""
    brier, error = reliability.brier or 0.0, reliability.expected_error or 0.0
    return f"Brier {brier:.3f} · expected error {error:.3f} · {counted(reliability.claims, 'named cause')}"


def _bin_row(one: Bin) -> tuple[str, ...]:
    share, _, interval = _share_cells(one.true)
    return f"{one.low:.1f} to {one.high:.1f}", str(one.true.of), percentage(one.mean), share, interval


def _losses(page: Page, losses: Sequence[Loss], reliability: Reliability) -> None:
    if not losses:
        return
    lost = sum(one.whole.hits - one.without.hits for one in losses)
    mean = lost / max(1, sum(one.whole.of for one in losses))
    page.heading(("A SOURCE MISSING", _HEADING), (f"AC@1 without it · {100 * mean:.1f} points lost on average", _QUIET))
    page.blank()
    head = ("source", "without", "of", "95%", "lost", "wrong", "gap")
    _rows(page, [head, *(_loss_row(one) for one in losses)], right={1, 2, 3, 4, 5, 6})
    page.prose(Text("wrong: another cause is named · gap: how often its permission is told", _QUIET))
    if reliability.brier is not None:
        page.prose(Text(f"confidence without a source: {_errors(reliability)}", _QUIET))


def _loss_row(loss: Loss) -> tuple[str, ...]:
    share, of, interval = _share_cells(loss.without)
    return (
        loss.source,
        share,
        of,
        interval,
        f"{100 * loss.points:.1f}" if loss.without.of else _NONE,
        str(loss.wrong.hits),
        percentage(loss.gap_named.share),
    )


def _determinism(page: Page, determinism: Determinism | None) -> None:
    if determinism is None:
        return
    told = f"{counted(determinism.runs, 'run')} in another order, with another hash seed each"
    page.heading(("DETERMINISM", _HEADING), (told, _QUIET))
    named = ", ".join(determinism.differing) or "every bundle gave the same bytes every time"
    page.prose(Text(named))


def _confusions(page: Page, confusions: Sequence[Confusion]) -> None:
    page.heading(("CAUSES", _HEADING), ("what was named first instead", _QUIET))
    page.blank()
    head = ("true cause", "bundles", "right", "named", "instead")
    _rows(page, [head, *(_confusion_row(one) for one in confusions)], right={1, 2, 3})


def _confusion_row(one: Confusion) -> tuple[str, ...]:
    instead = ", ".join(f"{plain(name)} × {count}" for name, count in one.instead)
    return plain(one.cause), str(one.first.of), percentage(one.first.share), percentage(one.named.share), instead


def _broken(page: Page, evaluation: Evaluation) -> None:
    broken = [(one.name, fault) for one in evaluation.trials for fault in one.citations.broken]
    if broken:
        page.heading(("CITED, BUT NOT THERE", _HEADING))
        _rows(page, [(plain(name), plain(fault)) for name, fault in broken[:_MOST_BROKEN]])


def _faults(page: Page, faulty: Sequence[Trial]) -> None:
    page.heading(("WENT WRONG", _HEADING), (counted(len(faulty), "bundle"), _QUIET))
    for one in faulty:
        page.blank()
        page.prose(Text(plain(one.name), _HEADING))
        page.prose(Text(one.fault), indent=4)
        page.prose(Text(f"expected {_expected(one)}"), indent=4)
        page.prose(Text(f"found    {_found(one)}"), indent=4)


def _expected(trial: Trial) -> str:
    accepted = f" (or {', '.join(trial.label.accept)})" if trial.label.accept else ""
    return plain(f"{', '.join(trial.label.causes) or trial.label.status}{accepted}")


def _found(trial: Trial) -> str:
    named = ", ".join(f"{cause} {100 * confidence:.0f}%" for cause, confidence in trial.answer.named)
    likely = f", likeliest {', '.join(trial.answer.candidates)}" if trial.answer.candidates else ""
    return plain(named or f"{trial.answer.status}{likely}")


def _rows(page: Page, rows: Iterable[Sequence[str]], *, right: set[int] | None = None) -> None:
    """Add a table whose first row names the columns, unless nothing is to be aligned."""
    listed = [tuple(Text(cell) for cell in row) for row in rows]
    if right and listed:
        listed[0] = tuple(Text(cell.plain, _QUIET) for cell in listed[0])
    page.columns(listed, right=right or ())
