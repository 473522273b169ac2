"""Keeping a bundle: as a directory or a zip, redacted and with checksums, in one piece or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from gcpdiag.bundle.format import EXPECTED, MANIFEST
from gcpdiag.bundle.read import Bundle
from gcpdiag.bundle.redact import redacted_document
from gcpdiag.errors import UsageError
from gcpdiag.model.json import Json, JsonObject

_READABLE_BY_OWNER = 0o600
_STAMP = (1980, 1, 1, 0, 0, 0)  # the same bundle makes the same zip, to the byte


def save_bundle(bundle: Bundle, path: Path) -> None:
    """Write a redacted copy of a bundle to a ``.zip`` or a new directory; UsageError where it cannot be written.

    The manifest gets the SHA-256 and size of every other file. What is there already is never replaced.
    """
    require_free(path)
    files = _checked(dict(_redacted_files(bundle)))
    try:
        if path.suffix == ".zip":
            _write_zip(files, path)
        else:
            _write_directory(files, path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written", cause=error.strerror or str(error)) from error


def require_free(path: Path) -> None:
    """Raise UsageError when there is something at the path already, best before an hour's collecting."""
    if path.exists():
        raise UsageError(f"{path} exists already", hint="Choose another name; a recorded incident is never replaced")


def files_of(bundle: Bundle) -> dict[str, bytes]:
    """Return a bundle's files as they are, by path."""
    found: dict[str, bytes] = {}
    for path in bundle.tree.paths():
        with bundle.tree.open(path) as stream:
            found[path] = stream.read()
    return found


def lines_of(documents: Iterable[Json]) -> bytes:
    """Return documents as JSON Lines."""
    return b"".join(msgspec.json.encode(one) + b"\n" for one in documents)


def list_of(documents: Iterable[Json]) -> bytes:
    """Return documents as one JSON list, an item to a line."""
    inside = b",\n".join(msgspec.json.encode(one) for one in documents)
    return b"[\n" + inside + b"\n]\n" if inside else b"[]\n"


def _redacted_files(bundle: Bundle) -> Iterable[tuple[str, bytes]]:
    for path, content in files_of(bundle).items():
        if path == EXPECTED:
            continue
        if path.endswith(".jsonl"):
            documents = (msgspec.json.decode(line) for line in content.splitlines() if line.strip())
            yield path, lines_of(redacted_document(one) for one in documents)
        elif path == MANIFEST:
            yield path, content
        else:
            yield path, list_of(redacted_document(one) for one in msgspec.json.decode(content))


def _checked(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files with their checksums in the manifest."""
    manifest: JsonObject = msgspec.json.decode(files[MANIFEST])
    manifest["files"] = {
        path: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for path, content in sorted(files.items())
        if path != MANIFEST
    }
    told = msgspec.json.format(msgspec.json.encode(redacted_document(manifest)), indent=2) + b"\n"
    return {MANIFEST: told, **{path: content for path, content in sorted(files.items()) if path != MANIFEST}}


def _write_zip(files: Mapping[str, bytes], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in files.items():
                entry = zipfile.ZipInfo(member, _STAMP)
                entry.external_attr = _READABLE_BY_OWNER << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_directory(files: Mapping[str, bytes], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
        home = Path(scratch) / "bundle"
        for member, content in files.items():
            file = home / member
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(_READABLE_BY_OWNER)
        home.rename(path)
