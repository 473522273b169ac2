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


class _Only(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    """Refuses, before anything is sent, every method that it does not allow."""

    def __init__(self, allows: Callable[[str], bool]) -> None:
        self._allows = allows

    def intercept_unary_unary(
        self, continuation: Callable[..., object], client_call_details: grpc.ClientCallDetails, request: object
    ) -> object:
        """Let an allowed call through; MutationRefusedError for any other."""
        path = client_call_details.method
        method = path.decode() if isinstance(path, bytes) else path
        if not self._allows(method.rsplit("/", 1)[-1]):
            raise MutationRefusedError(method)
        return continuation(client_call_details, request)


def channel_that_allows(
    allows: Callable[[str], bool],
    create: Callable[..., grpc.Channel],
    host: str,
    access: Access,
    emulator: Emulator | None,
) -> grpc.Channel:
    """Return a channel to a service's host, or to the emulator, that lets only the methods through that are allowed.

    ``allows`` is asked with a method's own name, such as ``ListServices``; ``create`` is the ``create_channel`` of the
    client library's gRPC transport. There is no other way to a channel.
    """
    if emulator:
        channel = grpc.insecure_channel(emulator.grpc, options=_LOCAL)
    else:
        quota = access.quota_project or None
        channel = create(f"{host}:443", credentials=access.credentials, quota_project_id=quota, options=_SIZES)
    return grpc.intercept_channel(channel, _Only(allows))


def read_only_channel(
    create: Callable[..., grpc.Channel], host: str, access: Access, emulator: Emulator | None
) -> grpc.Channel:
    """Return a channel over which nothing can be changed: it lets every List and Get through."""
    return channel_that_allows(lambda method: method.startswith(_READS), create, host, access, emulator)


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
