"""A bundle without one of its sources, as if permission for it had been denied."""

from __future__ import annotations

import msgspec

from gcpdiag.bundle.format import EXPECTED, MANIFEST, SOURCES
from gcpdiag.bundle.read import Bundle, bundle_of
from gcpdiag.bundle.write import files_of
from gcpdiag.model.json import JsonObject, objects_at, text_at


def sources_in(bundle: Bundle) -> list[str]:
    """Return the sources that a bundle has a file of and that need a permission, in the order of the format."""
    return [one.id for one in SOURCES.values() if one.permission and bundle.tree.has(one.path)]


def in_memory(bundle: Bundle) -> dict[str, bytes]:
    """Return a bundle's files without its label."""
    return {path: content for path, content in files_of(bundle).items() if path != EXPECTED}


def without_source(files: dict[str, bytes], source_id: str) -> Bundle:
    """Return the bundle without a source's file, and with a manifest that says that permission was denied.

    A manifest without sources gets only this one; of files that are there it needs to say nothing.
    """
    source = SOURCES[source_id]
    manifest: JsonObject = msgspec.json.decode(files[MANIFEST])
    others = [one for one in objects_at(manifest, "sources") if text_at(one, "source") != source_id]
    denied: JsonObject = {"source": source_id, "status": "denied", "permission": source.permission}
    told: JsonObject = {**manifest, "sources": [*others, denied]}
    kept = {path: content for path, content in files.items() if path != source.path}
    return bundle_of({**kept, MANIFEST: msgspec.json.encode(told)})
