"""The same bundle with its entries, series, resources and files in another order: the diagnosis must be the same."""

from __future__ import annotations

import random

import msgspec

from gcpdiag.bundle.format import MANIFEST
from gcpdiag.bundle.read import Bundle, bundle_of


def shuffled(files: dict[str, bytes], seed: int) -> Bundle:
    """Return the bundle with everything in it in an order that the seed decides; a list that is none stays as it is."""
    order = random.Random(seed)  # noqa: S311 - no secret, only an order
    paths = sorted(files)
    order.shuffle(paths)
    return bundle_of({path: files[path] if path == MANIFEST else _mixed(files[path], path, order) for path in paths})


def _mixed(content: bytes, path: str, order: random.Random) -> bytes:
    if path.endswith(".jsonl"):
        lines = content.splitlines(keepends=False)
        if not all(line.startswith(b"{") and line.rstrip().endswith(b"}") for line in lines if line.strip()):
            return content  # a pretty-printed array: its lines are no entries
        order.shuffle(lines)
        return b"\n".join(lines)
    try:
        resources = msgspec.json.decode(content)
    except (ValueError, RecursionError):
        return content
    if not isinstance(resources, list):
        return content
    order.shuffle(resources)
    return msgspec.json.encode(resources)
