"""``python -m gcpdiag.cli.fingerprint``: fingerprints of diagnoses, in a process with a hash seed of its own.

Reads ``{"seed": 3, "bundles": [...], "playbooks": [...]}`` on standard input and writes a SHA-256 for each bundle, of
its report in all forms. Seed 0 leaves a bundle's order as it is; any other shuffles all that is in it.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import msgspec

from gcpdiag.bundle.read import Bundle, bundle_of, load_bundle
from gcpdiag.cli.options import library_of
from gcpdiag.diagnose.ablation import in_memory
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.diagnose.shuffle import shuffled
from gcpdiag.playbook.load import Library
from gcpdiag.report.to_json import render_json
from gcpdiag.report.to_markdown import render_markdown
from gcpdiag.report.to_text import render_text


class Task(msgspec.Struct, frozen=True):
    """What one process is to do."""

    seed: int
    bundles: list[str]
    playbooks: list[str] = []


def fingerprint(bundle: Bundle, library: Library) -> str:
    """Return a digest of everything that is printed about a bundle."""
    diagnosis = diagnose(bundle, library)
    printed = (render_json(diagnosis), render_markdown(diagnosis), render_text(diagnosis, width=100, color=False))
    return hashlib.sha256("\0".join(printed).encode()).hexdigest()


def main() -> None:
    """Do the task on standard input."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    library = library_of([Path(one) for one in task.playbooks])
    found: dict[str, str] = {}
    for path in task.bundles:
        files = in_memory(load_bundle(Path(path)))
        found[path] = fingerprint(shuffled(files, task.seed) if task.seed else bundle_of(files), library)
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
