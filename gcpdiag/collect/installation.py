"""This program on this machine: its versions, and which program a shell starts by its names."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from gcpdiag import __version__

NAMES = ("gcpdiag", "gcptriage")
"""The console scripts that are installed; Google's own gcpdiag has the first name too."""

Program = Literal["this", "other-installation", "other-program", "none"]

_LIBRARIES = (
    "google-auth",
    "google-cloud-logging",
    "google-cloud-monitoring",
    "google-cloud-redis",
    "google-cloud-run",
    "google-cloud-servicehealth",
    "google-cloud-vpc-access",
    "grpcio",
    "protobuf",
    "requests",
)
_ENTRY = b"gcpdiag.cli.main"  # stands in the console script that an installer writes
_LONGEST_SCRIPT = 10_000  # bytes; a console script has some two hundred


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a shell starts by a name: the first file of that name on PATH, and whose it is."""

    name: str
    path: str
    program: Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Versions of gcpdiag, Python and Google's libraries (empty: not installed), and the commands on PATH."""

    version: str
    python: str
    libraries: Mapping[str, str]
    commands: tuple[Command, ...]


def load_installation(environ: Mapping[str, str] = os.environ, *, running: str = "") -> Installation:
    """Return what is installed; ``running`` is the file that was started, by default this process's."""
    own = {Path(running or sys.argv[0]).resolve().parent, Path(sysconfig.get_path("scripts")).resolve()}
    return Installation(
        version=__version__,
        python=platform.python_version(),
        libraries={name: _version_of(name) for name in _LIBRARIES},
        commands=tuple(_command(name, environ.get("PATH", ""), own) for name in NAMES),
    )


def _version_of(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _command(name: str, path: str, own: set[Path]) -> Command:
    # An empty `path` is replaced by a default of the system's, where nobody finds anything of ours.
    found = shutil.which(name, path=path or os.devnull)
    if found is None:
        return Command(name=name, path="", program="none")
    return Command(name=name, path=found, program=_program(Path(found), own))


def _program(path: Path, own: set[Path]) -> Program:
    try:
        with path.open("rb") as script:
            is_gcpdiag = _ENTRY in script.read(_LONGEST_SCRIPT)
    except OSError:
        return "other-program"
    if not is_gcpdiag:
        return "other-program"
    return "this" if path.resolve().parent in own else "other-installation"
