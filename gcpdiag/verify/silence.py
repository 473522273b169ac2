"""What a client library's silence means: whether nobody let the probe in, or somebody did and said nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from gcpdiag.model.probe import ProbeStage
from gcpdiag.verify.address import Address
from gcpdiag.verify.attempt import Attempt, ProbeFailure

RESERVE = 0.15
"""Share of the deadline that is kept to find that out."""


async def failure_of_silence(address: Address, attempt: Attempt, *, tls: bool) -> ProbeFailure:
    """Return why a server did not answer in time, by trying whether its port at least accepts a connection."""
    stage: ProbeStage = "tcp"
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(max(0.05, attempt.left * 0.8)):
            _, writer = await asyncio.open_connection(address.host, address.port)
        writer.transport.abort()
        stage = "tls" if tls else "protocol"
    within = f"within {attempt.deadline.total_seconds():g} s"
    if stage == "tcp":
        return ProbeFailure("tcp", f"the connection was not accepted {within}")
    return ProbeFailure(stage, f"the connection is accepted, and then there was no answer {within}")


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it was raised from: libraries wrap what a socket or TLS said."""
    seen: set[int] = set()
    here: BaseException | None = error
    while here is not None and id(here) not in seen:
        seen.add(id(here))
        yield here
        here = here.__cause__ or here.__context__
