"""Unpin: all traffic to the latest ready revision again, as it was before a rollback or a split."""

from __future__ import annotations

from collections.abc import Sequence

from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.model.plan import Step
from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.action import Outlook, step_of
from gcpdiag.remediate.action_rollback import is_ready
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from gcpdiag.remediate.traffic import all_to_latest, share_of_latest, shares_of

_ALL = 100  # percent


def plan_unpin(service: JsonObject, revisions: Sequence[JsonObject]) -> Step:
    """Return the step that sends all traffic to the latest ready revision, now and after every deployment.

    RefusedError when there is no ready revision to send it to.
    """
    name = last_segment(text_at(service, "name"))
    if share_of_latest(service) >= _ALL:
        raise NothingToDoError(f"{name} sends all traffic to its latest revision already")
    latest = last_segment(text_at(service, "latestReadyRevision"))
    known = next((one for one in revisions if last_segment(text_at(one, "name")) == latest), None)
    if not latest or (known is not None and not is_ready(known)):
        raise RefusedError(
            f"{name} has no ready revision to send its traffic to", hint="Deploy one that starts, then unpin"
        )
    serving = ", ".join(shares_of(service))
    outlook = Outlook(
        risk="medium",
        is_disruptive=latest not in shares_of(service),
        effect=f"All traffic goes to the latest ready revision, {latest}, within seconds; and to every later one as"
        f" soon as it is ready. Now {serving} has it.",
        cost="same",
        warnings=(*_unless_newest(service, latest), *_if_other_code(latest, serving)),
    )
    after: JsonObject = {**service, "traffic": all_to_latest(service)}
    return step_of("unpin", service, after, ("traffic",), outlook)


def _unless_newest(service: JsonObject, latest: str) -> tuple[str, ...]:
    created = last_segment(text_at(service, "latestCreatedRevision"))
    if not created or created == latest:
        return ()
    return (f"{created}, the newest revision, is not ready and gets nothing; {latest} is the newest that is.",)


def _if_other_code(latest: str, serving: str) -> tuple[str, ...]:
    if latest == serving:
        return ()
    return (f"{latest} may be the revision from which somebody rolled back: see that its fault is repaired.",)
