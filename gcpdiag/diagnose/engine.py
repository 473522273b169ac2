"""The whole use case: a bundle and a library of playbooks in, a diagnosis out. A pure function."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.bundle.read import Bundle
from gcpdiag.diagnose.abstain import next_check, open_gaps
from gcpdiag.diagnose.applicable import applicable
from gcpdiag.diagnose.confidence import TEMPERATURE
from gcpdiag.diagnose.describe import Teller
from gcpdiag.diagnose.group import called_in, connected_groups, group_findings, names_outsiders
from gcpdiag.diagnose.judge import Judge, Judgement
from gcpdiag.diagnose.rank import Ranker
from gcpdiag.diagnose.suspect import suspects_of
from gcpdiag.diagnose.timeline import timeline_of
from gcpdiag.diagnose.warn import warnings_of
from gcpdiag.errors import UsageError
from gcpdiag.model.diagnosis import (
    Candidate,
    Diagnosis,
    NamedCause,
    RuledOut,
    ServiceState,
    Status,
    UnexplainedError,
)
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import from_epoch
from gcpdiag.playbook.load import Library
from gcpdiag.signals.observation import Observation, observe

_MOST_UNEXPLAINED = 5
_MOST_CANDIDATES = 3
_WORTH_SHOWING = 0.02
_TOGETHER = timedelta(minutes=1)


def diagnose(
    bundle: Bundle, library: Library, *, services: Collection[str] = (), temperature: float = TEMPERATURE
) -> Diagnosis:
    """Return the diagnosis of a bundle, or of the named services in it; UsageError for a name that is not there.

    A temperature of 1 leaves confidence as the ranking has it, to calibrate it anew.
    """
    everything = observe(bundle, library.catalogue)
    library = applicable(library, everything)
    seen = _only(everything, services) if services else everything
    leaks = {signal: one.leak for signal, one in library.catalogue.definitions.items()}
    ranker = Ranker(list(library.playbooks.values()), leaks)
    judge = Judge(library.playbooks, ranker)
    teller = Teller(library.playbooks, ranker, judge, everything, temperature=temperature)
    judgements = _judgements(seen, everything, judge)
    roots = _by_confidence([teller.tell(cause, one) for one in judgements for cause in one.named])
    effects = [
        teller.tell(effect, one, because_of=cause)
        for one in judgements
        for effect, cause in sorted(one.effects.items())
        if effect not in {root.id for root in roots}
    ]
    contributing = _by_confidence(effects)
    told = {one.id for one in (*roots, *contributing)}
    status = _status(seen, roots)
    return Diagnosis(
        project=seen.project,
        window=seen.window,
        status=status,
        summary=_summary(status, seen, roots),
        services=_services(seen),
        root_causes=roots if status == "incident" else (),
        contributing=contributing if status == "incident" else (),
        warnings=warnings_of(seen, library, judge, teller, told=told),
        ruled_out=_ruled_out(judge, judgements, told, library),
        suspects=suspects_of(library, judge, judgements, roots, contributing),
        candidates=_candidates(judgements, library) if status == "inconclusive" else (),
        gaps=open_gaps(seen, judgements, library),
        timeline=timeline_of(seen, (*roots, *contributing)),
        unexplained=_unexplained(seen) if status != "healthy" else (),
        next_check=next_check(status, seen, judgements, library),
        log_entries=seen.scan.entries,
        problems=tuple(str(one) for one in bundle.problems.problems()),
    )


def _only(seen: Observation, names: Collection[str]) -> Observation:
    known = {one.name for one in seen.states}
    missing = sorted(set(names) - known)
    if missing:
        told = ", ".join(sorted(known)) or "none"
        raise UsageError(f"there is no service {missing[0]!r} in this bundle", hint=f"Services: {told}")
    return replace(seen, states={ref: one for ref, one in seen.states.items() if ref.name in names})


def _judgements(seen: Observation, everything: Observation, judge: Judge) -> list[Judgement]:
    """Judge the failing services in view; where nobody could see requests, the services whose state is unknown."""
    failing = [ref for ref, state in seen.states.items() if state.health == "failing"]
    blind = [ref for ref, state in seen.states.items() if state.health == "unknown"]
    groups = connected_groups(failing or blind, everything)
    logs_read = everything.coverage[LOG_ENTRIES].answered
    judgements = [
        judge.judge(
            one,
            group_findings(one, everything),
            called=called_in(one, everything),
            failing=bool(failing),
            logs_read=logs_read,
        )
        for one in groups
    ]
    return [_with_passed_on(one, judgements, seen, judge) for one in judgements]


def _with_passed_on(
    judgement: Judgement, judgements: Sequence[Judgement], seen: Observation, judge: Judge
) -> Judgement:
    """Demote what a group only passes on, if another one began to fail with it for a cause of its own.

    A caller's errors need not say which service it called; that both began at once does, unless they name a host
    elsewhere.
    """
    passed_on = [one for one in judgement.named if judge.is_passed_on(one)]
    onset = _onset(judgement, seen)
    if not passed_on or onset is None or names_outsiders(judgement.group, seen):
        return judgement
    for other in judgements:
        since, own = _onset(other, seen), [one for one in other.named if not judge.is_passed_on(one)]
        if other is not judgement and own and since and -_TOGETHER <= onset - since <= _TOGETHER:
            kept = tuple(one for one in judgement.named if one not in passed_on)
            effects = {**judgement.effects, **dict.fromkeys(passed_on, own[0])}
            return replace(judgement, named=kept, effects=effects)
    return judgement


def _onset(judgement: Judgement, seen: Observation) -> datetime | None:
    return min((state.onset for one in judgement.group if (state := seen.states[one]).onset), default=None)


def _by_confidence(causes: Sequence[NamedCause]) -> tuple[NamedCause, ...]:
    """Return the causes, most likely first, each once: of two groups with one cause, the surer one speaks."""
    ordered = sorted(causes, key=lambda one: (-one.confidence, -_records(one), one.id))
    unique: dict[str, NamedCause] = {}
    for one in ordered:
        unique.setdefault(one.id, one)
    return tuple(unique.values())


def _records(cause: NamedCause) -> int:
    """Return how many records a cause stands on: of equally sure ones, the one that hit more comes first."""
    return sum(line.evidence.count or 0 for line in cause.evidence)


def _status(seen: Observation, roots: Sequence[NamedCause]) -> Status:
    if roots:
        return "incident"
    if any(state.health == "failing" for state in seen.states.values()):
        return "inconclusive"
    blind = any(state.health == "unknown" for state in seen.states.values()) or not _requests_seen(seen)
    return "inconclusive" if blind else "healthy"


def _requests_seen(seen: Observation) -> bool:
    """Tell whether requests were looked at: the request log has some, or a whole source says there were none.

    Metrics alone do not do: requests that Cloud Run refuses for want of an instance never reach them.
    """
    if seen.traffic_source == LOG_ENTRIES and any(one.requests for one in seen.traffic.values()):
        return True
    return seen.coverage[LOG_ENTRIES].complete


def _summary(status: Status, seen: Observation, roots: Sequence[NamedCause]) -> str:
    failing = [state for state in seen.states.values() if state.health == "failing"]
    if status == "incident":
        also = f" Besides: {_named([one.title for one in roots[1:]])}." if len(roots) > 1 else ""
        return f"{_symptom(failing)}{roots[0].summary}{also}"
    if status == "inconclusive" and failing:
        return f"{_symptom(failing)}The evidence carries no cause."
    if status == "inconclusive" and any(one.requests for one in seen.traffic.values()):
        return "Request metrics show no failure, but what Cloud Run refuses is in the logs alone, which are missing."
    if status == "inconclusive":
        return "Whether requests fail cannot be seen: there are no request logs and no request metrics."
    recovered = [state.service for state in seen.states.values() if state.health == "recovered"]
    if recovered:
        return f"Healthy now: {_named(recovered)} failed earlier in the window and recovered."
    counted = sum(state.requests or 0 for state in seen.states.values())
    services = f"{len(seen.states)} service{'s' if len(seen.states) != 1 else ''}"
    return f"Healthy: {counted} requests to {services}, and no failure that users would notice."


def _symptom(failing: Sequence[ServiceState]) -> str:
    """Return what users see, as a sentence with a blank after it; nothing where nobody saw requests."""
    if not failing:
        return ""
    worst = sorted(failing, key=lambda one: (-(one.errors or 0), one.service))
    errors = sum(one.errors or 0 for one in failing)
    requests = sum(one.requests or 0 for one in failing)
    verb = "fails" if len(failing) == 1 else "fail"
    return f"{_named([one.service for one in worst])} {verb} {errors} of {requests} requests. "


def _named(names: Sequence[ServiceRef | str]) -> str:
    shown = [str(one) for one in names[:3]]
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _services(seen: Observation) -> tuple[ServiceState, ...]:
    order = {"failing": 0, "recovered": 1, "unknown": 2, "healthy": 3}
    return tuple(sorted(seen.states.values(), key=lambda one: (order[one.health], one.service)))


def _ruled_out(
    judge: Judge, judgements: Sequence[Judgement], told: Collection[str], library: Library
) -> tuple[RuledOut, ...]:
    found: list[RuledOut] = []
    for cause in library.playbooks:
        reasons = [judge.ruled_out(cause, one) for one in judgements]
        if cause not in told and reasons and all(reasons):
            found.append(RuledOut(id=cause, reason=reasons[0]))
    return tuple(found)


def _candidates(judgements: Sequence[Judgement], library: Library) -> tuple[Candidate, ...]:
    best: dict[str, float] = {}
    for judgement in judgements:
        for cause, probability in judgement.ranking.causes.items():
            best[cause] = max(probability, best.get(cause, 0.0))
    ranked = sorted(best.items(), key=lambda one: (-one[1], one[0]))[:_MOST_CANDIDATES]
    return tuple(
        Candidate(id=cause, title=library.playbooks[cause].title, confidence=round(probability, 2))
        for cause, probability in ranked
        if probability >= _WORTH_SHOWING
    )


def _unexplained(seen: Observation) -> tuple[UnexplainedError, ...]:
    return tuple(
        UnexplainedError(template=template, count=count, first_at=from_epoch(first), service=service)
        for template, count, first, service in seen.scan.unexplained.most(_MOST_UNEXPLAINED)
    )
