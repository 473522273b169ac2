"""Where Google's APIs are: at Google, or in an emulator on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from gcpdiag.errors import UnreachableError

EMULATOR_VARIABLE = "GCPDIAG_EMULATOR_HOST"
_ANSWER_WITHIN = 5.0  # seconds; it runs on this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """An emulator that answers as Google does: ``HOST:PORT`` for REST and for gRPC, and the project it has."""

    http: str
    grpc: str
    project: str


def find_emulator(environ: Mapping[str, str] = os.environ) -> Emulator | None:
    """Return the emulator that ``GCPDIAG_EMULATOR_HOST`` names; UnreachableError when it does not answer."""
    host = environ.get(EMULATOR_VARIABLE, "").removeprefix("http://").rstrip("/")
    if not host:
        return None
    try:
        with requests.Session() as session:
            session.trust_env = False  # it is on this machine: no proxy stands between
            answer = session.get(f"http://{host}/_emulator", timeout=_ANSWER_WITHIN)
            answer.raise_for_status()
            told = answer.json()
            return Emulator(http=str(told["http"]), grpc=str(told["grpc"]), project=str(told["project"]))
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise UnreachableError(
            f"no emulator answers at {host}, which {EMULATOR_VARIABLE} names",
            cause=" ".join(str(error).split())[:200],
            hint=f"Start one with `gcpdiag emulator serve BUNDLE`, or unset {EMULATOR_VARIABLE}",
        ) from error
