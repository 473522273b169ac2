"""Probing HTTP(S): several good answers in a row, or the first one that was not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from gcpdiag.errors import GcpdiagError
from gcpdiag.model.probe import milliseconds
from gcpdiag.verify.address import Url
from gcpdiag.verify.attempt import Attempt, ProbeFailure, failure_of, require
from gcpdiag.verify.connection import whole_days
from gcpdiag.verify.credential import Vault
from gcpdiag.verify.target import HttpTarget

if TYPE_CHECKING:
    from gcpdiag.verify.http_exchange import HttpAnswer

IdentityToken = Callable[[str], Awaitable[str]]
"""From an audience to an ID token; GcpdiagError where none can be had."""

_DENIED = frozenset({401, 403})


async def probe_http(
    target: HttpTarget, attempt: Attempt, vault: Vault, identity: IdentityToken | None, now: datetime
) -> None:
    """Probe an HTTP target; ProbeFailure says how many good answers came before the bad one."""
    require("h11", "h11")
    token = vault.value_of(target.token)
    attempt.secrets += [token] if token else []
    for good in range(target.successes):
        try:
            answer, token = await _final_answer(target, attempt, token, identity)
            attempt.status = answer.status
            attempt.latencies.append(answer.latency)
            _check(target, answer)
        except Exception as error:
            raise _told(failure_of(error, attempt.stage), good, target) from error
        if good + 1 == target.successes:
            _check_certificate(target, answer, attempt, now)
    attempt.measure("consecutive", f"{target.successes} of {target.successes}")
    attempt.measure("slowest", f"{milliseconds(max(attempt.latencies))} ms")


def _told(failure: ProbeFailure, good: int, target: HttpTarget) -> ProbeFailure:
    text = f"{good} of {target.successes} answers were good, then: {failure.text}" if good else failure.text
    return ProbeFailure(failure.stage, text, status=failure.status)


async def _final_answer(
    target: HttpTarget, attempt: Attempt, token: str, identity: IdentityToken | None
) -> tuple[HttpAnswer, str]:
    """Return the answer at the end of all redirects, and the token that it took, if any."""
    url, answer = await _redirected(target, attempt, token)
    if answer.status in _DENIED and not token and target.identity and answer.status not in target.statuses:
        if identity is None:
            raise ProbeFailure("authentication", f"{answer.status}: who runs this is not let in", status=answer.status)
        try:
            token = await identity(target.url.origin)
        except GcpdiagError as error:
            text = f"{answer.status}, and there is no ID token to show: {error}"
            raise ProbeFailure("authentication", text, status=answer.status) from error
        attempt.secrets.append(token)
        url, answer = await _redirected(target, attempt, token)
    if answer.status in _DENIED and answer.status not in target.statuses:
        told = "with an ID token" if token and target.identity else ""
        text = " ".join(filter(None, [f"{answer.status} from {url.shown}", told]))
        raise ProbeFailure("authentication", text, status=answer.status)
    return answer, token


async def _redirected(target: HttpTarget, attempt: Attempt, token: str) -> tuple[Url, HttpAnswer]:
    from gcpdiag.verify.http_exchange import exchange  # noqa: PLC0415 - h11 is an extra

    url = target.url
    for _ in range(target.redirects + 1):
        # A token is for the host that it was made for, whoever redirects.
        own = url.origin == target.url.origin
        headers = {"Authorization": f"Bearer {token}"} if token and own else {}
        answer = await exchange(url, attempt, target=target, headers=headers)
        if not answer.location or not target.redirects or answer.status in target.statuses:
            return url, answer
        try:
            url = url.joined(answer.location)
        except GcpdiagError as error:
            raise ProbeFailure("protocol", f"{answer.status} leads to no URL of HTTP", status=answer.status) from error
    raise ProbeFailure("protocol", f"more than {target.redirects} redirects, the last one to {url.shown}")


def _check(target: HttpTarget, answer: HttpAnswer) -> None:
    if answer.status not in target.statuses:
        raise ProbeFailure("protocol", f"{answer.status} instead of {_listed(target.statuses)}", status=answer.status)
    if target.contains and target.contains.encode() not in answer.body:
        told = f"{answer.status}, and the text {target.contains!r} is not in the answer"
        raise ProbeFailure("protocol", told, status=answer.status)
    if target.within is not None and answer.latency > target.within:
        told = f"{answer.status} after {milliseconds(answer.latency)} ms, not within {milliseconds(target.within)} ms"
        raise ProbeFailure("latency", told, status=answer.status)


def _listed(statuses: tuple[int, ...]) -> str:
    if len(statuses) > 3:  # noqa: PLR2004 - a range, told by its ends
        return f"{min(statuses)} to {max(statuses)}"
    return " or ".join(str(one) for one in statuses)


def _check_certificate(target: HttpTarget, answer: HttpAnswer, attempt: Attempt, now: datetime) -> None:
    if answer.certificate_until is None:
        return
    days = whole_days(answer.certificate_until - now)
    attempt.measure("certificate_days_left", days)
    if days < target.certificate_days:
        attempt.notes.append(f"the certificate expires in {days} day{'s' if days != 1 else ''}")
