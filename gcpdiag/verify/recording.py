"""Probe results as a part of a bundle, where triage finds them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gcpdiag.bundle.format import MANIFEST, PROBES, SOURCES
from gcpdiag.bundle.read import Bundle, bundle_of
from gcpdiag.bundle.write import files_of, list_of
from gcpdiag.model.json import JsonObject, objects_at
from gcpdiag.model.probe import ProbeResult
from gcpdiag.signals.probe import document_of
from gcpdiag.verify.runner import Probed
from gcpdiag.verify.target import Target, address_of


def telling_results(targets: Sequence[Target], probed: Sequence[Probed]) -> list[ProbeResult]:
    """Return the results that say something about the project.

    Not those of private addresses that only topology named, tried from outside: there they lead nowhere, or to a
    machine of somebody else.
    """
    return [
        one
        for target, one in zip(targets, probed, strict=True)
        if isinstance(one, ProbeResult)
        if one.passed or one.origin == "inside" or not (target.found and address_of(target).is_private)
    ]


def with_probes(bundle: Bundle, results: Sequence[ProbeResult]) -> Bundle:
    """Return a bundle with these results in it, in place of any that it had."""
    files = files_of(bundle)
    files[SOURCES[PROBES].path] = list_of(document_of(one) for one in results)
    manifest: JsonObject = msgspec.json.decode(files[MANIFEST])
    others = [one for one in objects_at(manifest, "sources") if one.get("source") != PROBES]
    manifest["sources"] = [*others, {"source": PROBES, "status": "ok", "items": len(results)}]
    files[MANIFEST] = msgspec.json.encode(manifest)
    return bundle_of(files)
