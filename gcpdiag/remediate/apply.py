"""Applying a plan: guards, a lease, a line before and after everything that is sent, and a watch over the rollout.

Nothing is ever sent twice: where an answer was lost, the target tells whether the change was made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gcpdiag.errors import GcpdiagError, UnreachableError
from gcpdiag.gcp.failure import CallError
from gcpdiag.model.field_mask import masked
from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.model.plan import Plan, Step
from gcpdiag.model.sealed import sealed
from gcpdiag.remediate.guard import GuardsRefusedError, Situation, Verdict
from gcpdiag.remediate.guard_target import is_rolling_out
from gcpdiag.remediate.guards import GUARDS
from gcpdiag.remediate.history import change_id, changes_of, open_runs
from gcpdiag.remediate.inverse import inverse_of
from gcpdiag.remediate.journal import JournalError
from gcpdiag.remediate.lease import DURATION, Lease, LockedError
from gcpdiag.remediate.logbook import Logbook
from gcpdiag.remediate.receipt import Receipt, ReceiptOutcome
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from gcpdiag.remediate.request import Request, Verification, Workshop
from gcpdiag.remediate.rollout import RolloutEnd, watch_rollout
from gcpdiag.remediate.settle import (
    LEASE_WITHIN,
    WRITE_WITHIN,
    is_refusal,
    release_lease,
    require_unmoved,
    settings_of,
    settle,
    take_lease,
)

_PAUSE = 0.5  # seconds between two looks at a lease that settles


def apply_plan(plan: Plan, workshop: Workshop, request: Request) -> Receipt:
    """Do exactly what a plan says, or refuse.

    RefusedError (GuardsRefusedError, LockedError): nothing was changed. JournalError: the same. UnreachableError: the
    target could not be read. Whatever happens after something was sent ends in a receipt.
    """
    GUARDS.require_overridable(request.overrides)
    return _Application(plan, workshop, request).carry_out()


def judge(plan: Plan, workshop: Workshop, request: Request) -> tuple[Verdict, ...]:
    """Return what the guards say to a plan at this moment; nothing is changed, and nothing refused."""
    GUARDS.require_overridable(request.overrides)
    return _Application(plan, workshop, request).judge_first()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What became of one step, and the service as it was right before."""

    outcome: ReceiptOutcome
    message: str
    end: RolloutEnd | None = None
    operation: str = ""


class _Application:
    """One run: its parts share the plan, the request, and what went wrong on the way."""

    def __init__(self, plan: Plan, workshop: Workshop, request: Request) -> None:
        self._plan = plan
        self._shop = workshop
        self._request = request
        self._log = Logbook(plan, workshop, request)
        self._observed_last: JsonObject = {}  # the last step's fields, as they were when its rollout had ended
        self._sent = 0  # steps that were journalled
        self._target = plan.steps[0].target

    def judge_first(self) -> tuple[Verdict, ...]:
        """Return the verdicts over the first step."""
        step = self._plan.steps[0]
        return self._verdicts(step, self._read_or_gone(), etag=step.etag, generation=step.generation)

    def carry_out(self) -> Receipt:
        """Judge, lock, send each step, verify, and let go."""
        first = self._plan.steps[0]
        service = self._read_or_gone()
        verdicts = self._verdicts(first, service, etag=first.etag, generation=first.generation)
        if service is None or any(one.stops for one in verdicts):
            self._log.refused(verdicts)
            raise GuardsRefusedError(verdicts)
        lease = self._lease()
        self._shop.locks.take(self._target, lease, self._shop.clock.now())
        try:
            self._log.started(verdicts)
            return self._locked(service, lease, verdicts)
        finally:
            self._shop.locks.release(self._target, self._request.run)

    # --- with the lock

    def _locked(self, service: JsonObject, lease: Lease, verdicts: tuple[Verdict, ...]) -> Receipt:
        self._say("taking the lock on the service")
        try:
            take_lease(self._shop.writer, service, lease)
        except LockedError as error:
            self._log.finished("refused", str(error))
            raise
        except CallError as error:
            return self._lock_failed(error, verdicts)
        try:
            sent = self._steps(service)
        except (RefusedError, JournalError) as error:
            self._release()
            self._log.finished("refused", str(error))
            raise
        sent = self._verified(sent)
        self._release()
        self._log.finished(sent.outcome, sent.message)
        return self._receipt(sent, verdicts)

    def _lock_failed(self, error: CallError, verdicts: tuple[Verdict, ...]) -> Receipt:
        """Return the receipt of a run that got no lease: the service itself is as it was."""
        message = f"the lock on the service could not be taken: {error.failure.text}"
        if not is_refusal(error):
            self._release()
        self._log.finished("not-applied", message)
        return self._receipt(_Sent(outcome="not-applied", message=message), verdicts)

    def _steps(self, before: JsonObject) -> _Sent:
        sent = _Sent(outcome="not-applied", message="nothing to do")
        for step in self._plan.steps:
            try:
                now = self._settled_service(before)
            except CallError as error:
                message = f"the service could not be read again: {error.failure.text}"
                return replace(sent, message=message) if self._sent else _Sent(outcome="not-applied", message=message)
            etag, generation = self._expected(before, now)
            verdicts = self._verdicts(step, now, etag=etag, generation=generation)
            if any(one.stops for one in verdicts):
                if not self._sent:
                    raise GuardsRefusedError(verdicts)
                self._log.problems.append(str(GuardsRefusedError(verdicts)))
                return replace(sent, outcome="failed", message="a later step of the plan was refused")
            sent = self._send(step, now, verdicts)
            if sent.outcome != "applied":
                return sent
            before = self._service_after(now)
        return sent

    def _expected(self, before: JsonObject, now: JsonObject) -> tuple[str, str]:
        """Return the etag and generation that the target must have: its own, if only our lease was added to it.

        A lease changes the etag. It counts as a change of the user's, or does not: the generation grows by one at
        most (unverified which), and any other setting that differs is somebody else's doing.
        """
        grown = _generation(now) - _generation(before)
        if grown in (0, 1) and settings_of(before) == settings_of(now):
            return text_at(now, "etag"), text_at(now, "generation")
        return text_at(before, "etag"), text_at(before, "generation")

    def _send(self, step: Step, now: JsonObject, verdicts: tuple[Verdict, ...], undoes: str = "") -> _Sent:
        """Send one step, with a line before and one after; the answer is waited for, or settled by reading."""
        number = self._sent
        try:
            body = step.request(now)
        except KeyError as error:
            raise RefusedError(
                "the plan sets environment variables that the service has no more", cause=str(error.args[0])
            ) from error
        self._log.intent(step, number, now, verdicts, undoes)
        self._sent += 1
        self._say(f"sending: {step.kind} of {step.service}")
        try:
            operation = text_at(self._update(body, step), "name")
        except CallError as error:
            return self._after_failure(step, number, now, error)
        self._log.note("outcome", {"step": number, "result": "accepted", "operation": operation})
        return self._watched(step, number, now, operation)

    def _update(self, body: JsonObject, step: Step) -> JsonObject:
        return self._shop.writer.update_service(body, step.update_mask, validate_only=False, timeout=WRITE_WITHIN)

    def _after_failure(self, step: Step, number: int, now: JsonObject, error: CallError) -> _Sent:
        """Return what became of a step whose call failed: the server said no, or the target tells."""
        told = error.failure.text
        if is_refusal(error):
            self._log.note("outcome", {"step": number, "result": "not-applied", "message": told})
            return _Sent(outcome="not-applied", message=f"the server did not take it: {told}")
        self._log.note("outcome", {"step": number, "result": "unknown", "message": told})
        self._say("the answer was lost; reading the service")
        asked = (step.before, step.after, step.update_mask)
        try:
            etag = text_at(now, "etag")
            stand = settle(self._shop.writer, self._target, request=asked, etag=etag, run=self._request.run)
        except CallError as again:
            return _Sent(outcome="unknown", message=f"{told}; and the service cannot be read: {again.failure.text}")
        if stand == "applied":
            return self._watched(step, number, now, "")
        self._log.note("settled", {"step": number, "result": stand, "message": told})
        if stand == "not-applied":
            return _Sent(outcome="not-applied", message=f"the service is as it was: {told}")
        return _Sent(outcome="unknown", message=f"{told}; and the service was changed by somebody else meanwhile")

    def _watched(self, step: Step, number: int, now: JsonObject, operation: str) -> _Sent:
        """Wait for a step that was accepted, and note how it ended."""
        end = watch_rollout(
            self._shop.writer,
            self._target,
            operation,
            newest_before=text_at(now, "latestCreatedRevision"),
            clock=self._shop.clock,
            on_progress=self._say,
            patience=self._request.patience,
        )
        outcomes: dict[str, ReceiptOutcome] = {"ready": "applied", "failed": "failed", "pending": "pending"}
        outcome = outcomes[end.state]
        self._observed_last = self._observed(step)
        told: JsonObject = {"step": number, "result": outcome, "message": end.message, "operation": operation}
        self._log.note("settled", {**told, "revision": end.revision, "observed": self._observed_last})
        return _Sent(outcome=outcome, message=end.message, end=end, operation=operation)

    # --- and back

    def _verified(self, sent: _Sent) -> _Sent:
        """Return the result after verification, or after traffic was taken away from what cannot serve."""
        end = sent.end
        if sent.outcome == "failed" and end is not None and end.serves_broken:
            return self._rolled_back(sent, "traffic would go to a revision that is not ready")
        if sent.outcome != "applied" or self._request.verify is None:
            return sent
        self._say("verifying")
        verdict = self._verdict_of(self._request.verify)
        if verdict is None:
            self._log.problems.append("it is too early to say whether the service has recovered; verify again later")
        if verdict is not False:
            return sent
        if not self._request.auto_rollback:
            self._log.problems.append("the service has not recovered; the change is kept, as you asked")
            return replace(sent, outcome="failed", message=f"{sent.message}, but the service has not recovered")
        return self._rolled_back(sent, "the service has not recovered")

    def _verdict_of(self, verify: Verification) -> bool | None:
        try:
            return verify()
        except GcpdiagError as error:
            self._log.problems.append(f"the verification could not look: {error}")
            return None

    def _rolled_back(self, sent: _Sent, why: str) -> _Sent:
        """Take the last step back, and return how that ended."""
        done = self._plan.steps[self._sent - 1]
        undone = change_id(self._request.run, self._sent - 1)
        self._say(f"{why}: taking it back")
        try:
            now = self._shop.writer.get_service(self._target)
            require_unmoved(self._observed_last or done.after, now, done.update_mask)
            back = self._send(inverse_of(done, now), now, (), undoes=undone)
        except (CallError, RefusedError, NothingToDoError, JournalError) as error:
            self._log.problems.append(f"it could not be taken back: {error}. Run `gcpdiag undo {undone}`")
            return replace(sent, outcome="failed", message=why)
        if back.outcome == "applied":
            return replace(back, outcome="rolled-back", message=f"{why}; what was changed was taken back")
        self._log.problems.append(f"taking it back ended with: {back.outcome}, {back.message}")
        return replace(sent, outcome="failed", message=why)

    # --- what is read

    def _read_or_gone(self) -> JsonObject | None:
        try:
            return self._shop.writer.get_service(self._target)
        except CallError as error:
            if error.failure.kind == "not-found":
                return None
            raise UnreachableError(
                f"{self._target} cannot be read, and nothing was changed", cause=error.failure.text
            ) from error

    def _settled_service(self, before: JsonObject) -> JsonObject:
        """Return the service once our lease on it has settled; what rolled out before that is not waited for."""
        clock = self._shop.clock
        deadline = clock.monotonic() + LEASE_WITHIN
        while True:
            now = self._shop.writer.get_service(self._target)
            if not is_rolling_out(now) or is_rolling_out(before) or clock.monotonic() >= deadline:
                return now
            clock.sleep(_PAUSE)

    def _service_after(self, now: JsonObject) -> JsonObject:
        try:
            return self._shop.writer.get_service(self._target)
        except CallError:
            return now

    def _observed(self, step: Step) -> JsonObject:
        try:
            return masked(sealed(self._shop.writer.get_service(self._target)), step.update_mask)
        except CallError:
            return {}

    def _verdicts(self, step: Step, service: JsonObject | None, *, etag: str, generation: str) -> tuple[Verdict, ...]:
        request = self._request
        now = self._shop.clock.now()
        records = self._shop.journal.read().records
        situation = Situation(
            plan=self._plan,
            step=step,
            service=service,
            etag=etag,
            generation=generation,
            digest=request.digest,
            now=now,
            actor=request.actor,
            diagnosis=request.diagnosis,
            max_connections=request.max_connections,
            policy=request.policy,
            history=changes_of(records),
            open_runs=open_runs(records),
            local_lease=self._shop.locks.holder(self._target, now),
            run=request.run,
            production=request.production,
            confirmed=request.confirmed,
        )
        return GUARDS.evaluate(situation, request.overrides)

    # --- what is written

    def _lease(self) -> Lease:
        request = self._request
        return Lease(
            holder=f"{request.actor} on {request.host}",
            run=request.run,
            plan=self._plan.digest,
            expires_at=self._shop.clock.now() + DURATION,
        )

    def _release(self) -> None:
        problem = release_lease(self._shop.writer, self._target, self._request.run)
        if problem:
            self._log.problems.append(problem)

    def _say(self, text: str) -> None:
        self._shop.on_progress(text)

    def _receipt(self, sent: _Sent, verdicts: tuple[Verdict, ...]) -> Receipt:
        plan, end = self._plan, sent.end
        return Receipt(
            run=self._request.run,
            plan=plan.id,
            digest=plan.digest,
            kind=plan.steps[0].kind,
            target=self._target,
            outcome=sent.outcome,
            message=sent.message,
            diff=tuple(diff for step in plan.steps for diff in step.diff),
            operation=sent.operation,
            revision=end.revision if end else "",
            serving=end.serving if end else "",
            verdicts=verdicts,
            problems=tuple(self._log.problems),
        )


def _generation(service: JsonObject) -> int:
    told = text_at(service, "generation")
    return int(told) if told.isdecimal() else 0
