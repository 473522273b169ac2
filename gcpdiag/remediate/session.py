"""A way to Google for one who acts: questions, the door through which services change, and who asks."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from gcpdiag.collect.caller import caller_of
from gcpdiag.errors import UsageError
from gcpdiag.gcp.access import Access, AccessOptions, anonymous_access, open_access
from gcpdiag.gcp.endpoint import Emulator, find_emulator
from gcpdiag.gcp.gcloud import load_gcloud_setup
from gcpdiag.gcp.read import Reader
from gcpdiag.gcp.write import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open way to a project; ``region`` is gcloud's own, or empty. A context manager that closes it."""

    reader: Reader
    writer: Writer
    project: str
    region: str
    author: str
    host: str
    access: Access
    emulator: Emulator | None = None

    def close(self) -> None:
        """Let the connections go."""
        self.reader.close()
        self.writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_session(project: str, options: AccessOptions, environ: Mapping[str, str] = os.environ) -> Session:
    """Sign in and return the session; UnreachableError when that fails, UsageError when no project is known.

    ``project`` may be empty: then it is gcloud's, the credentials', or the emulator's.
    """
    emulator = find_emulator(environ)
    if emulator:
        return _session(anonymous_access(), emulator, project or emulator.project, author=_user())
    setup = load_gcloud_setup(environ)
    access = open_access(options, environ)
    found = project or setup.project or access.project
    if not found:
        raise UsageError("which project?", hint="Give --project PROJECT, or run `gcloud config set project PROJECT`")
    caller = caller_of(access, options, environ, gcloud_account=setup.account)
    return _session(access, None, found, region=setup.region, author=caller.account.value or _user())


def _session(access: Access, emulator: Emulator | None, project: str, *, author: str, region: str = "") -> Session:
    return Session(
        reader=Reader(access, emulator),
        writer=Writer(access, emulator),
        project=project,
        region=region,
        author=author,
        host=socket.gethostname(),
        access=access,
        emulator=emulator,
    )


def _user() -> str:
    """Return who is logged in on this machine, where nobody has signed in to Google under a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"user {os.getuid()}"
