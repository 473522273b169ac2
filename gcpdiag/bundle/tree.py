"""Where a bundle's files lie: a directory, a zip that is never unpacked, or memory."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from gcpdiag.bundle.format import MANIFEST
from gcpdiag.errors import BundleError, UsageError

UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged or forbidden file raises, whichever kind of tree it lies in."""

_READ_AHEAD = 1 << 20
_NO_MANIFEST_HINT = (
    "A bundle has a manifest.json, at least "
    '{"format": "gcpdiag-bundle", "version": 1, "project": "PROJECT"}'
)


class Tree(Protocol):
    """A read-only tree of files, named by their path inside the bundle."""

    def has(self, path: str) -> bool:
        """Tell whether the file is there."""

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading bytes; OSError when it cannot be read."""

    def paths(self) -> list[str]:
        """Return the paths of all files, sorted."""


class DirectoryTree:
    """A bundle directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, path: str) -> bool:
        """Tell whether the file is there."""
        return (self._root / path).is_file()

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading bytes."""
        return (self._root / path).open("rb", buffering=_READ_AHEAD)

    def paths(self) -> list[str]:
        """Return the paths of all files, sorted."""
        files = (one for one in self._root.rglob("*") if one.is_file())
        return sorted(one.relative_to(self._root).as_posix() for one in files)


class ZipTree:
    """A bundle in a zip; it may stand at the top or inside the only folder that has a manifest."""

    def __init__(self, file: Path) -> None:
        self._zip = zipfile.ZipFile(file)
        names = self._zip.namelist()
        homes = sorted({str(PurePosixPath(name).parent) for name in names if name.endswith(MANIFEST)}, key=len)
        home = homes[0] if homes else "."
        self._prefix = "" if home == "." else f"{home}/"
        self._names = {name for name in names if not name.endswith("/")}

    def has(self, path: str) -> bool:
        """Tell whether the file is there."""
        return self._prefix + path in self._names

    def open(self, path: str) -> BinaryIO:
        """Open a member for reading bytes, without unpacking it to disk."""
        try:
            member = self._zip.open(self._prefix + path)
        except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:  # encrypted, odd method
            raise OSError(str(error)) from error
        return io.BufferedReader(member, _READ_AHEAD)  # type: ignore[type-var]

    def paths(self) -> list[str]:
        """Return the paths of all files, sorted."""
        start = len(self._prefix)
        return sorted(name[start:] for name in self._names if name.startswith(self._prefix))


class MemoryTree:
    """Files held in memory, for tests of playbooks and for a live run."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)

    def has(self, path: str) -> bool:
        """Tell whether the file is there."""
        return path in self._files

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading bytes."""
        return io.BytesIO(self._files[path])

    def paths(self) -> list[str]:
        """Return the paths of all files, sorted."""
        return sorted(self._files)


def open_tree(path: Path) -> Tree:
    """Return the tree at a path; UsageError when there is none, BundleError when it is no bundle."""
    if not path.exists():
        raise UsageError(f"{path} does not exist", hint="Give the directory or .zip of an incident bundle")
    if path.is_dir():
        tree: Tree = DirectoryTree(path)
        empty = not any(path.iterdir())
    else:
        tree = _open_zip(path)
        empty = not tree.paths()
    if not tree.has(MANIFEST):
        problem = f"{path} is empty" if empty else f"{path} is not an incident bundle: no manifest.json in it"
        raise BundleError(problem, hint=_NO_MANIFEST_HINT)
    return tree


def _open_zip(path: Path) -> ZipTree:
    try:
        return ZipTree(path)
    except (*UNREADABLE, ValueError, NotImplementedError) as error:
        raise BundleError(
            f"{path} cannot be read as a zip",
            cause=str(error),
            hint="Give a bundle directory, or a .zip of one; a broken download must be fetched again",
        ) from error
