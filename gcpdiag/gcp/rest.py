"""Google's REST APIs, read only: a session that can ask and cannot change.

Compute and Cloud SQL are read this way. Importing google-cloud-compute takes longer than all its calls together, its
clients would only turn the JSON that a bundle holds into messages and back, and Cloud SQL Admin has no client at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import requests
from google.auth import exceptions
from google.auth.transport.requests import AuthorizedSession
from requests.adapters import HTTPAdapter

from gcpdiag.gcp.access import Access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.failure import CallError, Failure, MutationRefusedError, code_in, failure_of_answer
from gcpdiag.model.json import JsonObject

if TYPE_CHECKING:
    from requests import Response

_CONNECT_WITHIN = 10.0  # seconds
_AT_ONCE = 32  # connections
_BAD = 400
_QUESTIONS = (":testIamPermissions", ":searchAllResources")
"""POST methods that only ask."""


class _ReadOnlySession(AuthorizedSession):
    """An authorised session that refuses, before anything is sent, whatever could change a resource."""

    def request(self, method: str, url: str, *args: object, **options: object) -> Response:  # type: ignore[override]
        """Send a request that only asks; MutationRefusedError for any other."""
        asks = method == "GET" or (method == "POST" and url.split("?", 1)[0].endswith(_QUESTIONS))
        if not asks:
            raise MutationRefusedError(f"{method} {url}")
        answer: Response = super().request(method, url, *args, **options)  # type: ignore[no-untyped-call]
        return answer


class RestApi:
    """Google's REST APIs over one session; every call may run in a thread of its own."""

    def __init__(self, access: Access, emulator: Emulator | None = None) -> None:
        self._emulator = emulator
        self._session = _ReadOnlySession(access.credentials)  # type: ignore[no-untyped-call]
        self._session.mount("https://", HTTPAdapter(pool_maxsize=_AT_ONCE))
        self._session.mount("http://", HTTPAdapter(pool_maxsize=_AT_ONCE))
        self._session.trust_env = emulator is None  # no proxy stands before this machine

    def get(self, api: str, path: str, parameters: Mapping[str, str], *, timeout: float) -> JsonObject:
        """Return the answer of ``GET https://API.googleapis.com/PATH``; CallError when there is none in time."""
        return self._ask("GET", api, path, timeout, params=dict(parameters))

    def ask(self, api: str, path: str, question: JsonObject, *, timeout: float) -> JsonObject:
        """Return the answer of a POST that only asks, such as ``:testIamPermissions``."""
        return self._ask("POST", api, path, timeout, json=question)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()  # type: ignore[no-untyped-call]

    def _ask(self, method: str, api: str, path: str, timeout: float, **content: object) -> JsonObject:
        host = f"{api}.googleapis.com"
        base = f"http://{self._emulator.http}" if self._emulator else f"https://{host}"
        headers = {"Host": host} if self._emulator else {}
        limits = (min(_CONNECT_WITHIN, timeout), timeout)
        try:
            answer = self._session.request(method, f"{base}{path}", headers=headers, timeout=limits, **content)
        except requests.Timeout as error:
            raise CallError(Failure(kind="timeout", text=f"no answer within {timeout:.0f} s")) from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise CallError(Failure(kind="unavailable", text="the answer broke off in the middle")) from error
        except (requests.RequestException, exceptions.GoogleAuthError) as error:
            raise CallError(Failure(kind="unavailable", text=_one_line(error))) from error
        return _document(answer)


def _document(answer: Response) -> JsonObject:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if answer.status_code >= _BAD:
        told = body if isinstance(body, dict) else {}
        code = code_in(told, answer.status_code)
        raise CallError(failure_of_answer(code, told, retry_after=answer.headers.get("Retry-After", "")))
    if not isinstance(body, dict):
        raise CallError(Failure(kind="malformed", text="the answer is not a JSON object"))
    return body


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
