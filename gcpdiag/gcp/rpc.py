"""gRPC channels to Google that can only ask."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions

from gcpdiag.gcp.access import Access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.failure import CallError, Failure, MutationRefusedError, failure_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_READS = ("List", "Get")
_SIZES = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]  # as the clients set them
_LOCAL = [*_SIZES, ("grpc.enable_http_proxy", 0)]
_INTERNAL = 500
_UNPARSEABLE = "Exception deserializing response"  # grpc's own words, with status INTERNAL


class _ReadOnly(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    """Refuses, before anything is sent, every method that is not a List or a Get."""

    def intercept_unary_unary(
        self, continuation: Callable[..., object], client_call_details: grpc.ClientCallDetails, request: object
    ) -> object:
        """Let a call through that only asks; MutationRefusedError for any other."""
        path = client_call_details.method
        method = path.decode() if isinstance(path, bytes) else path
        if not method.rsplit("/", 1)[-1].startswith(_READS):
            raise MutationRefusedError(method)
        return continuation(client_call_details, request)


def read_only_channel(
    create: Callable[..., grpc.Channel], host: str, access: Access, emulator: Emulator | None
) -> grpc.Channel:
    """Return a channel to a service's host, or to the emulator, over which nothing can be changed.

    ``create`` is the ``create_channel`` of the client library's gRPC transport.
    """
    return grpc.intercept_channel(channel_to(create, host, access, emulator), _ReadOnly())


def channel_to(
    create: Callable[..., grpc.Channel], host: str, access: Access, emulator: Emulator | None
) -> grpc.Channel:
    """Return a channel that lets everything through; whoever opens one says what may pass."""
    if emulator:
        return grpc.insecure_channel(emulator.grpc, options=_LOCAL)
    quota = access.quota_project or None
    return create(f"{host}:443", credentials=access.credentials, quota_project_id=quota, options=_SIZES)


@contextmanager
def failures_told() -> Iterator[None]:
    """Turn what a client library raises into a CallError."""
    try:
        yield
    except exceptions.DeadlineExceeded as error:
        raise CallError(Failure(kind="timeout", text="no answer in time")) from error
    except exceptions.GoogleAPICallError as error:
        raise CallError(_failure_of_call(error)) from error
    except (exceptions.GoogleAPIError, auth_exceptions.GoogleAuthError, grpc.RpcError) as error:
        raise CallError(Failure(kind="unavailable", text=" ".join(str(error).split())[:200])) from error


def _failure_of_call(error: exceptions.GoogleAPICallError) -> Failure:
    message = str(error.message or type(error).__name__)
    if _UNPARSEABLE in message:
        return Failure(kind="malformed", text="the answer cannot be read")
    return failure_of(
        int(error.code or _INTERNAL),
        message,
        reasons={str(error.reason)} if error.reason else set(),
        permission=str((error.metadata or {}).get("permission", "")),
        retry_after=_retry_after(error),
    )


def _retry_after(error: exceptions.GoogleAPICallError) -> float | None:
    """Return how many seconds google.rpc.RetryInfo asks to wait, where it is told."""
    for detail in error.details:
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds) + float(delay.nanos) / 1e9
    return None
