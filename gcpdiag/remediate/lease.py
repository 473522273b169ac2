"""Locks on a target, so that two people cannot act at once: one at Google, for everybody, and one on this machine.

The lease is an annotation of the service, set against its etag: of two who try, one gets a conflict. An annotation of
the service (not of its template) makes no revision. It expires by itself when its holder is killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gcpdiag.model.json import Json, JsonObject, number_at, object_at, text_at
from gcpdiag.remediate.refusal import RefusedError

ANNOTATION = "gcpdiag.dev/lease"
LEASE_MASK = ("annotations",)
DURATION = timedelta(minutes=20)
"""How long a lease holds: longer than a rollout is waited for."""

_LONGEST_HOLDER = 120
_UNKNOWN_HOLDER = "somebody whose lease cannot be read"


class LockedError(RefusedError):
    """Somebody else acts on the service; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may change a service, for which plan, and until when; ``expires_at`` None means that nobody knows."""

    holder: str
    run: str
    plan: str
    expires_at: datetime | None

    def holds_at(self, now: datetime) -> bool:
        """Tell whether it has not expired."""
        return self.expires_at is None or now < self.expires_at

    def describe(self) -> str:
        """Return who holds it, and until when."""
        until = f"until {self.expires_at:%H:%M:%S} UTC" if self.expires_at else "for a time that it does not tell"
        return f"{self.holder} holds the lock {until}"

    def to_json(self) -> JsonObject:
        """Return it as the annotation and the lock file hold it."""
        expires = self.expires_at.isoformat() if self.expires_at else ""
        return {"holder": self.holder, "run": self.run, "plan": self.plan, "expires_at": expires}


def lease_of(service: JsonObject) -> Lease | None:
    """Return the lease on a service, expired or not, or None."""
    text = object_at(service, "annotations").get(ANNOTATION)
    if not isinstance(text, str) or not text:
        return None
    return _lease_in(text)


def leased(service: JsonObject, lease: Lease | None) -> JsonObject:
    """Return the body of the update that puts a lease on a service as it was read, or takes it away."""
    annotations: JsonObject = {key: one for key, one in object_at(service, "annotations").items() if key != ANNOTATION}
    if lease is not None:
        annotations[ANNOTATION] = json.dumps(lease.to_json(), sort_keys=True)
    return {"name": service["name"], "etag": service["etag"], "annotations": annotations}


def without_lease(service: JsonObject) -> JsonObject:
    """Return a service as it would be if nobody had a lease on it."""
    annotations = {key: one for key, one in object_at(service, "annotations").items() if key != ANNOTATION}
    kept: JsonObject = {key: value for key, value in service.items() if key != "annotations"}
    return {**kept, "annotations": annotations} if annotations else kept


class LocalLocks:
    """Lock files beside the journal, one for each target."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def take(self, target: str, lease: Lease, now: datetime) -> None:
        """Take the lock on a target; LockedError names who has it. One that is stale is taken over."""
        with self._alone():
            held = self._read(target)
            if held is not None and held[0].run != lease.run and _is_alive(held, now):
                raise LockedError(
                    f"{target.rsplit('/', 1)[-1]} is being changed from this machine",
                    cause=held[0].describe(),
                    hint="Wait for it to end; `gcpdiag history` shows what it does",
                )
            self._path(target).unlink(missing_ok=True)
            content: JsonObject = {**lease.to_json(), "pid": os.getpid()}
            descriptor = os.open(self._path(target), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, json.dumps(content).encode())
            finally:
                os.close(descriptor)

    def release(self, target: str, run: str) -> None:
        """Give the lock back, if this run has it."""
        with self._alone():
            held = self._read(target)
            if held is not None and held[0].run == run:
                self._path(target).unlink(missing_ok=True)

    def holder(self, target: str, now: datetime) -> Lease | None:
        """Return who has the lock on a target, or None."""
        held = self._read(target)
        return held[0] if held is not None and _is_alive(held, now) else None

    def is_held_elsewhere(self, target: str, run: str, now: datetime) -> bool:
        """Tell whether a run still has the lock in another process that is alive."""
        held = self._read(target)
        return held is not None and held[0].run == run and held[1] != os.getpid() and _is_alive(held, now)

    def _path(self, target: str) -> Path:
        return self._directory / f"{hashlib.sha256(target.encode()).hexdigest()[:24]}.lock"

    def _read(self, target: str) -> tuple[Lease, int] | None:
        """Return the lease in a lock file, and the process that has it (0: nobody knows)."""
        try:
            text = self._path(target).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        lease = _lease_in(text)
        if lease.expires_at is None:
            return None  # torn by a crash between creating and writing: whoever wrote it is gone, for we are alone
        return lease, int(number_at(_object(text), "pid") or 0)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._directory / "mutex", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _is_alive(held: tuple[Lease, int], now: datetime) -> bool:
    lease, process = held
    return lease.holds_at(now) and _is_running(process)


def _is_running(process: int) -> bool:
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True


def _object(text: str) -> JsonObject:
    try:
        found: Json = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _lease_in(text: str) -> Lease:
    told = _object(text)
    try:
        expires = datetime.fromisoformat(text_at(told, "expires_at"))
    except ValueError:
        return Lease(holder=_UNKNOWN_HOLDER, run="", plan="", expires_at=None)
    if expires.tzinfo is None:
        return Lease(holder=_UNKNOWN_HOLDER, run="", plan="", expires_at=None)
    return Lease(
        holder=_printable(text_at(told, "holder")) or _UNKNOWN_HOLDER,
        run=text_at(told, "run"),
        plan=text_at(told, "plan"),
        expires_at=expires,
    )


def _printable(text: str) -> str:
    """Return what somebody else wrote into an annotation, fit for a terminal."""
    return "".join(one for one in text if one.isprintable())[:_LONGEST_HOLDER]
