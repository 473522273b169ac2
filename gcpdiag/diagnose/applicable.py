"""Which findings of the playbooks to look for in a bundle: nobody has to probe, and few signs stand in for logs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import msgspec

from gcpdiag.bundle.format import LOG_ENTRIES
from gcpdiag.playbook.format import Playbook
from gcpdiag.playbook.load import Library
from gcpdiag.signals.definition import ProbeSignal
from gcpdiag.signals.detect_probe import may_be_told
from gcpdiag.signals.observation import Observation


def applicable(library: Library, seen: Observation) -> Library:
    """Return the library without the findings that take a probe nobody made, or stand in for logs that were read.

    As unknown findings they would say that something is missing, and would make every cause that lists them less
    sure. A playbook that has nothing but such findings stays as it is: it is out of sight, and has to say so.
    """
    logs = seen.coverage[LOG_ENTRIES].answered
    idle = {
        signal
        for signal, one in library.catalogue.definitions.items()
        if (one.stand_in and logs) or (isinstance(one, ProbeSignal) and not may_be_told(one, seen))
    }
    playbooks = {cause: _without(playbook, idle) for cause, playbook in library.playbooks.items()}
    return replace(library, playbooks=playbooks)


def _without(playbook: Playbook, signals: Collection[str]) -> Playbook:
    kept = [one for one in playbook.findings if one.signal not in signals]
    if len(kept) == len(playbook.findings) or not any(one.specific for one in kept):
        return playbook
    return msgspec.structs.replace(playbook, findings=kept)
