"""The only door through which gcpdiag changes anything: updates of Cloud Run services.

It may be imported by ``remediate`` alone. Reads come along, so that what is changed is what was just read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import grpc

from gcpdiag.gcp.access import Access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.failure import CallError, Failure
from gcpdiag.gcp.message import document_of
from gcpdiag.gcp.rpc import channel_that_allows, failures_told
from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.model.sealed import has_seals

if TYPE_CHECKING:
    from google.cloud.run_v2 import RevisionsClient, ServicesClient
    from google.protobuf.message import Message

_HOST = "run.googleapis.com"
_METHODS = frozenset({"GetService", "ListRevisions", "UpdateService", "GetOperation", "WaitOperation"})
_READ_WITHIN = 15.0  # seconds
_PAGE = 100
_PAUSE = 0.5  # seconds between two questions about an operation, when the server answers at once
_WAIT_AT_ONCE = 20.0  # seconds that one question waits at the server
_SPARE = 5.0  # seconds for the answer to come back
_NO_RETRY = None


def write_channel(
    create: Callable[..., grpc.Channel], host: str, access: Access, emulator: Emulator | None
) -> grpc.Channel:
    """Return a channel to a service's host, or to the emulator, over which services can be updated and nothing else."""
    return channel_that_allows(_METHODS.__contains__, create, host, access, emulator)


class Writer:
    """Reads and updates Cloud Run services; every call has a time limit, none is repeated.

    All raise CallError. After a failure of ``update_service`` of kind ``timeout`` or ``unavailable`` nobody knows
    whether the server has acted: read the service.
    """

    def __init__(
        self,
        access: Access,
        emulator: Emulator | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        from google.cloud.run_v2 import RevisionsClient, ServicesClient
        from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport
        from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport

        self._monotonic = monotonic
        self._sleep = sleep
        self._channel = write_channel(ServicesGrpcTransport.create_channel, _HOST, access, emulator)
        self._services: ServicesClient = ServicesClient(transport=ServicesGrpcTransport(channel=self._channel))
        self._revisions: RevisionsClient = RevisionsClient(transport=RevisionsGrpcTransport(channel=self._channel))
        self._unknown: dict[str, frozenset[str]] = {}

    def close(self) -> None:
        """Let the connection go."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_service(self, name: str, *, timeout: float = _READ_WITHIN) -> JsonObject:
        """Return a service by its full name as it stands now, with its etag and generation."""
        with failures_told():
            service = self._services.get_service(name=name, timeout=timeout, retry=_NO_RETRY)
        message = type(service).pb(service)
        self._unknown[name] = _fields_with_unknown_parts(message)
        return document_of(message)

    def list_revisions(self, service: str, *, timeout: float = _READ_WITHIN) -> list[JsonObject]:
        """Return the revisions of a service, given by its full name."""
        request = {"parent": service, "page_size": _PAGE}
        with failures_told():
            pager = self._revisions.list_revisions(request=request, timeout=timeout, retry=_NO_RETRY)
            return [document_of(type(one).pb(one)) for one in pager]

    def update_service(
        self, service: JsonObject, update_mask: Sequence[str], *, validate_only: bool, timeout: float
    ) -> JsonObject:
        """Send a service, of which the fields under the mask are changed, and return the operation.

        The service must have an etag: a conflict (kind ``conflict``) says that somebody else was faster.
        With ``validate_only`` the server checks the request and changes nothing.
        """
        self._check(service, update_mask)
        with _as_protocol(), failures_told():
            from google.cloud.run_v2 import Service, UpdateServiceRequest
            from google.protobuf.field_mask_pb2 import FieldMask
            from google.protobuf.json_format import ParseDict

            request = UpdateServiceRequest(
                service=Service.wrap(ParseDict(service, Service.pb()())),
                update_mask=FieldMask(paths=list(update_mask)),
                validate_only=validate_only,
            )
            operation = self._services.update_service(request=request, timeout=timeout, retry=_NO_RETRY)
            return document_of(operation.operation)

    def get_operation(self, name: str, *, timeout: float = _READ_WITHIN) -> JsonObject:
        """Return an operation as it stands now; ``done``, and then ``error`` or ``response``."""
        with failures_told():
            return document_of(self._services.get_operation({"name": name}, timeout=timeout, retry=_NO_RETRY))

    def wait_operation(self, name: str, *, timeout: float) -> JsonObject:
        """Return an operation when it is done, or as it stands when the time is over."""
        deadline = self._monotonic() + timeout
        while True:
            left = max(0.0, deadline - self._monotonic())
            operation = self._wait_once(name, min(left, _WAIT_AT_ONCE))
            left = deadline - self._monotonic()
            if operation.get("done") or left <= 0:
                return operation
            self._sleep(min(_PAUSE, left))

    def _wait_once(self, name: str, seconds: float) -> JsonObject:
        from google.longrunning.operations_pb2 import Operation, WaitOperationRequest
        from google.protobuf.duration_pb2 import Duration

        request = WaitOperationRequest(name=name, timeout=Duration(seconds=int(seconds)))
        with failures_told():
            answer = self._services.wait_operation(request, timeout=seconds + _SPARE, retry=_NO_RETRY)
        # google-cloud-run 0.16 gives the bytes as they came (its gRPC transport has no deserializer for this call).
        return document_of(Operation.FromString(answer) if isinstance(answer, bytes) else answer)

    def _check(self, service: JsonObject, update_mask: Sequence[str]) -> None:
        """Raise ValueError for a request that must never be made, and CallError for one that would lose settings."""
        if not update_mask or not text_at(service, "etag") or not text_at(service, "name"):
            raise ValueError("an update needs a name, a mask and the etag of what was read")
        if has_seals(service):
            raise ValueError("an update with sealed values would destroy the service's environment")
        lost = self._unknown.get(text_at(service, "name"), frozenset()) & {one.split(".", 1)[0] for one in update_mask}
        if lost:
            told = f"{', '.join(sorted(lost))} has settings newer than this gcpdiag, which an update would lose"
            raise CallError(Failure(kind="not-offered", text=told))


@contextmanager
def _as_protocol() -> Iterator[None]:
    """Turn a service that is not one of the protocol's into a CallError; nothing was sent."""
    from google.protobuf.json_format import ParseError

    try:
        yield
    except ParseError as error:
        raise CallError(Failure(kind="malformed", text=" ".join(str(error).split())[:200])) from error


def _fields_with_unknown_parts(message: Message) -> frozenset[str]:
    """Return the fields of a message that hold something, however deep, which its type here does not know."""
    return frozenset(descriptor.name for descriptor, value in message.ListFields() if _has_unknown(value))


def _has_unknown(value: object) -> bool:
    from google.protobuf.message import Message
    from google.protobuf.unknown_fields import UnknownFieldSet

    if isinstance(value, Message):
        return len(UnknownFieldSet(value)) > 0 or any(_has_unknown(inner) for _, inner in value.ListFields())
    if isinstance(value, Mapping):
        return any(_has_unknown(one) for one in value.values())
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and any(map(_has_unknown, value))
