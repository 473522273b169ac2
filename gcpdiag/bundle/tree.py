"""Where a bundle's files lie: a directory, a zip that is never unpacked, or memory."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from gcpdiag.bundle.format import MANIFEST
from gcpdiag.bundle.redact import one_line
from gcpdiag.errors import BundleError, UsageError

UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
"""What reading a damaged or forbidden file raises, whichever kind of tree it lies in."""

_READ_AHEAD = 1 << 20
_HARMLESS_SIZE = 64 << 20  # bytes
_MAX_RATIO = 200  # logs shrink ten- to fiftyfold, zeros a thousandfold
_NO_MANIFEST_HINT = (
    'A bundle has a manifest.json, at least {"format": "gcpdiag-bundle", "version": 1, "project": "PROJECT"}'
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
    """A bundle in a zip; it may stand at the top or in a folder. BundleError if there are several."""

    def __init__(self, file: Path) -> None:
        self._zip = zipfile.ZipFile(file)
        # Compress-Archive of older Windows writes backslashes.
        members = {one.filename.replace("\\", "/"): one for one in self._zip.infolist() if not one.is_dir()}
        home = _home_of(members)
        self._members = {name[len(home) :]: one for name, one in members.items() if name.startswith(home)}

    def has(self, path: str) -> bool:
        """Tell whether the file is there."""
        return path in self._members

    def open(self, path: str) -> BinaryIO:
        """Open a member for reading bytes, without unpacking it to disk."""
        member = self._members[path]
        if member.file_size > _HARMLESS_SIZE and member.file_size > _MAX_RATIO * member.compress_size:
            raise OSError(f"{member.file_size >> 20} MiB squeezed into {member.compress_size >> 10} KiB: a zip bomb")
        try:
            stream = self._zip.open(member)
        except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:  # encrypted, odd method
            raise OSError(str(error)) from error
        return io.BufferedReader(stream, _READ_AHEAD)  # type: ignore[type-var]

    def paths(self) -> list[str]:
        """Return the paths of all files, sorted."""
        return sorted(self._members)


def _home_of(members: Iterable[str]) -> str:
    """Return the folder of the manifest that lies highest, with its slash; empty for the top."""
    homes = sorted(name.removesuffix(MANIFEST) for name in members if PurePosixPath(name).name == MANIFEST)
    if not homes:
        return ""
    least = min(home.count("/") for home in homes)
    highest = [home for home in homes if home.count("/") == least]
    if len(highest) > 1:
        raise BundleError(
            f"there are {len(highest)} bundles in this zip",
            cause=", ".join(one_line(home.rstrip("/"), limit=60) for home in highest[:3]),
            hint="Give a zip of one of them",
        )
    return highest[0]


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
    try:
        tree, empty = _tree_at(path)
        found = tree.has(MANIFEST)
    except OSError as error:
        raise BundleError(f"{path} cannot be read", cause=str(error)) from error
    if not found:
        problem = f"{path} is empty" if empty else f"{path} is not an incident bundle: no manifest.json in it"
        raise BundleError(problem, hint=_NO_MANIFEST_HINT)
    return tree


def _tree_at(path: Path) -> tuple[Tree, bool]:
    """Return the tree at a path, and whether it is empty."""
    if not path.exists():
        raise UsageError(f"{path} does not exist", hint="Give the directory or .zip of an incident bundle")
    if path.is_dir():
        return DirectoryTree(path), not any(path.iterdir())
    tree = _open_zip(path)
    return tree, not tree.paths()


def _open_zip(path: Path) -> ZipTree:
    try:
        return ZipTree(path)
    except (*UNREADABLE, ValueError, NotImplementedError) as error:
        raise BundleError(
            f"{path} cannot be read as a zip",
            cause=str(error),
            hint="Give a bundle directory, or a .zip of one; a broken download must be fetched again",
        ) from error
