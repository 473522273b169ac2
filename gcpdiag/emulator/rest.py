"""REST as Google's APIs speak it: a request, the route that answers it, and the error JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gcpdiag.emulator.state import State
from gcpdiag.model.json import Json, JsonObject

_GOOGLE = ".googleapis.com"
_READING = frozenset({"GET", "HEAD"})

# HTTP codes and what goes with them: google/rpc/code.proto, and the reason of the older error format.
_STATUS = {
    400: ("INVALID_ARGUMENT", "badRequest"),
    401: ("UNAUTHENTICATED", "authError"),
    403: ("PERMISSION_DENIED", "forbidden"),
    404: ("NOT_FOUND", "notFound"),
    409: ("ABORTED", "aborted"),
    429: ("RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    499: ("CANCELLED", "cancelled"),
    500: ("INTERNAL", "backendError"),
    501: ("UNIMPLEMENTED", "notImplemented"),
    503: ("UNAVAILABLE", "backendError"),
    504: ("DEADLINE_EXCEEDED", "backendError"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One REST call; the query is decoded, and the body is the JSON object (empty where there is none)."""

    method: str
    host: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    body: JsonObject = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a query parameter, or an empty text."""
        found = self.query.get(name)
        return found[-1] if found else ""

    def number(self, name: str) -> int:
        """Return a query parameter as a whole number, 0 where it is not given; ApiError when it is none."""
        text = self.text(name)
        try:
            return int(text) if text else 0
        except ValueError as error:
            raise invalid(f"Invalid value at '{name}' (TYPE_INT32), \"{text}\"") from error


class ApiError(Exception):
    """An answer that is an error: HTTP code, canonical status, message, and details as Google packs them."""

    def __init__(
        self, code: int, status: str = "", message: str = "", details: Sequence[JsonObject] = (), *, reason: str = ""
    ) -> None:
        super().__init__(message)
        known_status, known_reason = _STATUS.get(code, ("UNKNOWN", "unknown"))
        self.code = code
        self.status = status or known_status
        self.message = message
        self.details = list(details)
        self.reason = reason or known_reason

    def to_json(self) -> JsonObject:
        """Return Google's error JSON."""
        listed: Json = [{"message": self.message, "domain": "global", "reason": self.reason}]
        error: JsonObject = {
            "code": self.code,
            "message": self.message,
            "errors": listed,
            "status": self.status,
        }
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


def invalid(message: str) -> ApiError:
    """Return the error of a request that is wrong in itself."""
    return ApiError(400, "INVALID_ARGUMENT", message)


def not_found(message: str) -> ApiError:
    """Return the error of a resource that is not there."""
    return ApiError(404, "NOT_FOUND", message)


Answer = Callable[[State, Request, Mapping[str, str]], JsonObject]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path of one API (``run``, ``logging`` …; empty: the emulator's own, on every host).

    The pattern must match the whole path. A group named ``project`` is checked before ``answer`` is called: the
    bundle's project alone exists. ``source`` is the manifest's source whose recorded refusal and whose faults
    strike the route; ``permission`` is named in a refusal where it is not the source's own.
    """

    method: str
    api: str
    pattern: str
    answer: Answer
    source: str = ""
    mutates: bool = False
    permission: str = ""


class RouteTable:
    """The routes of all APIs; on a host of Google's only those of its API."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route, re.compile(route.pattern)) for route in routes]

    def find(self, request: Request) -> tuple[Route, Mapping[str, str]]:
        """Return the route of a request and what its pattern captured; ApiError 404 where there is none."""
        api = api_of(request.host)
        method = "GET" if request.method == "HEAD" else request.method
        for route, pattern in self._routes:
            if route.method != method or (api and route.api not in ("", api)):
                continue
            if found := pattern.fullmatch(request.path):
                return route, {name: text for name, text in found.groupdict().items() if text is not None}
        raise not_found(f"The emulator has no {request.method} {request.path} at {request.host}")


def api_of(host: str) -> str:
    """Return the API that a host of Google's serves (``us-central1-run.googleapis.com``: run), empty for another."""
    name = host.partition(":")[0].lower()
    if not name.endswith(_GOOGLE):
        return ""
    first = name.removesuffix(_GOOGLE)
    return "compute" if first == "www" else first.rpartition("-")[2]


def is_reading(method: str) -> bool:
    """Tell whether an HTTP method cannot change anything."""
    return method in _READING
