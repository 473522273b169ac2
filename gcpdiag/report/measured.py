"""What labelled bundles say of the playbooks' numbers, for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from gcpdiag.diagnose.confidence import TEMPERATURE
from gcpdiag.diagnose.likelihood import ENOUGH_BUNDLES, ENOUGH_SERVICES, MeasuredLeak, MeasuredLikelihood
from gcpdiag.diagnose.measurement import Measured
from gcpdiag.diagnose.proportion import Proportion
from gcpdiag.diagnose.temperature import TemperatureFit
from gcpdiag.playbook.format import PROBABILITY
from gcpdiag.report.page import Page
from gcpdiag.report.wording import counted, plain

_HEADING, _QUIET = "bold", "dim"


def render_measured(measured: Measured, *, width: int, color: bool) -> str:
    """Return the measurement as text; without colour it has no escape sequences."""
    page = Page(width)
    page.heading(("PLAYBOOKS AGAINST LABELLED BUNDLES", _HEADING), (counted(measured.bundles, "bundle"), _QUIET))
    _likelihoods(page, measured.likelihoods)
    _leaks(page, measured.leaks)
    if measured.temperature:
        _temperature(page, measured.temperature)
    _proposals(page, measured.proposals)
    return page.rendered(color=color)


def _likelihoods(page: Page, likelihoods: Sequence[MeasuredLikelihood]) -> None:
    page.heading(("LIKELIHOODS", _HEADING), ("present of the bundles with the cause, where it could be seen", _QUIET))
    few = f"too few: less than {ENOUGH_BUNDLES} such bundles, so the word stays"
    page.prose(Text(few, _QUIET))
    for cause in dict.fromkeys(one.cause for one in likelihoods):
        rows = [_likelihood_row(one) for one in likelihoods if one.cause == cause]
        page.blank()
        page.prose(Text(plain(cause), _HEADING))
        _rows(page, rows, right={2, 3}, indent=4)


def _likelihood_row(one: MeasuredLikelihood) -> tuple[str, ...]:
    judged = "too few" if one.too_few else (f"→ {one.proposal}" if one.proposal else "fits")
    return plain(one.signal), one.word, _counts(one.present), _interval(one.present), judged


def _leaks(page: Page, leaks: Sequence[MeasuredLeak]) -> None:
    page.heading(("LEAKS", _HEADING), ("present at healthy services, and in incidents of other causes", _QUIET))
    page.prose(Text(f"too few: less than {ENOUGH_SERVICES} healthy services at which it could be seen", _QUIET))
    page.blank()
    head = ("signal", "leak", "healthy", "95%", "elsewhere", "")
    rows = [
        (
            plain(one.signal),
            f"{one.leak:g}",
            _counts(one.healthy),
            _interval(one.healthy),
            _counts(one.elsewhere),
            one.verdict,
        )
        for one in leaks
    ]
    _rows(page, [head, *rows], right={1, 2, 3, 4})


def _temperature(page: Page, fit: TemperatureFit) -> None:
    page.heading(("CONFIDENCE", _HEADING), (f"temperature {TEMPERATURE:g} is in force", _QUIET))
    folds = sorted(fit.by_fold.values())
    told = f"{counted(fit.claims, 'named cause')}, sources taken away in turn: least log loss at {fit.temperature:g},"
    page.prose(Text(f"{told} without one directory at {folds[0]:g} to {folds[-1]:g}."))
    page.blank()
    head = ("on the directory left out", "Brier", "expected error")
    several = (("as the ranking has it", fit.plain), ("as in force", fit.current), ("as fitted elsewhere", fit.fitted))
    rows = [(name, f"{one.brier:.4f}", f"{one.expected_error:.4f}") for name, one in several]
    _rows(page, [head, *rows], right={1, 2})


def _proposals(page: Page, proposals: Sequence[MeasuredLikelihood]) -> None:
    page.heading(("PROPOSALS", _HEADING), (counted(len(proposals), "word"), _QUIET))
    rows = [
        (
            f"{plain(one.cause)} / {plain(one.signal)}",
            f"{one.word} {PROBABILITY[one.word]:g} → {one.proposal}",
            _counts(one.present),
        )
        for one in proposals
    ]
    _rows(page, rows, right={2})
    if proposals:
        page.prose(Text("`--write` changes these words and nothing else; then `gcpdiag playbook test`.", _QUIET))


def _counts(share: Proportion) -> str:
    return f"{share.hits}/{share.of}"


def _interval(share: Proportion) -> str:
    low, high = share.interval
    return f"{100 * low:.0f}–{100 * high:.0f}%" if share.of else ""


def _rows(page: Page, rows: Iterable[Sequence[str]], *, right: set[int], indent: int = 2) -> None:
    page.columns([tuple(Text(cell) for cell in row) for row in rows], right=right, indent=indent)
