"""Labelled bundles: what is known to be true of each, and where they lie."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from gcpdiag.bundle.format import EXPECTED, MANIFEST
from gcpdiag.bundle.read import Bundle, load_bundle
from gcpdiag.bundle.tree import UNREADABLE
from gcpdiag.errors import BundleError, GcpdiagError, UsageError


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """``expected.json``: the truth about a bundle.

    ``causes`` are all the true root causes; those in ``accept`` may be named as well without being wrong; naming one of
    ``unlike`` (``not`` in the file) first is an error. An ``inconclusive`` label is an incident of a cause outside the
    catalogue, or one whose evidence carries none.
    """

    status: Literal["incident", "healthy", "inconclusive"]
    causes: list[str] = []
    accept: list[str] = []
    unlike: list[str] = msgspec.field(default_factory=list, name="not")

    def __post_init__(self) -> None:
        if self.status == "incident" and not self.causes:
            raise ValueError("an incident's label names its causes")
        if self.status == "healthy" and self.causes:
            raise ValueError("a healthy project's label names no causes")

    def allows(self, cause: str) -> bool:
        """Tell whether naming the cause as a root cause is right: it is a true one, or accepted."""
        return cause in self.causes or cause in self.accept


def label_of(bundle: Bundle, path: Path) -> Label:
    """Return the label of a bundle that was loaded from a path; BundleError when it is not as it should be."""
    try:
        with bundle.tree.open(EXPECTED) as stream:
            return msgspec.json.decode(stream.read(), type=Label)
    except (*UNREADABLE, KeyError, ValueError, RecursionError) as error:
        raise BundleError(f"{path}: {EXPECTED} is no label", cause=str(error)) from error


def labelled_bundles(roots: Iterable[Path]) -> list[Path]:
    """Return the labelled bundles at or below these paths, directories and zips, each once and in order.

    UsageError for a path that is not there, and where there is no labelled bundle at all.
    """
    found: dict[Path, Path] = {}
    for root in roots:
        if not root.exists():
            raise UsageError(f"{root} does not exist", hint="Give a directory with labelled bundles in it")
        for path in _below(root):
            found.setdefault(path.resolve(), path)
    if not found:
        raise UsageError(
            "there is no labelled bundle here",
            hint=f"A labelled bundle has {EXPECTED} beside its {MANIFEST}",
        )
    return sorted(found.values())


def _below(root: Path) -> list[Path]:
    if root.is_file():
        return [root] if _is_labelled_zip(root) else []
    directories = [one.parent for one in root.rglob(EXPECTED) if (one.parent / MANIFEST).is_file()]
    return [*directories, *(one for one in root.rglob("*.zip") if _is_labelled_zip(one))]


def _is_labelled_zip(path: Path) -> bool:
    try:
        return load_bundle(path).tree.has(EXPECTED)
    except GcpdiagError:
        return False
