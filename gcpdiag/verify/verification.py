"""The whole use case: targets and records in, a checklist out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from gcpdiag.bundle.read import Bundle
from gcpdiag.model.probe import ProbeResult
from gcpdiag.model.verification import Criterion, CriterionGroup, Verification
from gcpdiag.signals.catalogue import Catalogue
from gcpdiag.signals.observation import observe
from gcpdiag.verify.checklist import criteria_of
from gcpdiag.verify.recovery import recovery_criteria
from gcpdiag.verify.runner import Probed, Prober
from gcpdiag.verify.target import Target

_ORDER: tuple[CriterionGroup, ...] = ("health", "websocket", "dependency", "traffic", "platform")


def verify(
    targets: Sequence[Target],
    prober: Prober,
    *,
    records: Iterable[Criterion] = (),
    project: str = "",
    since: datetime | None = None,
) -> Verification:
    """Probe all targets and return the checklist, with what records say behind it."""
    at = prober.now()
    probed = prober.probe_all(targets) if targets else []
    return assemble(targets, probed, at=at, records=records, project=project, since=since)


def assemble(
    targets: Sequence[Target],
    probed: Sequence[Probed],
    *,
    at: datetime,
    records: Iterable[Criterion] = (),
    project: str = "",
    since: datetime | None = None,
) -> Verification:
    """Return the checklist of targets that were probed, wherever that was, with what records say behind it."""
    criteria = [*criteria_of(targets, probed), *records]
    return Verification(
        at=at,
        criteria=tuple(sorted(criteria, key=lambda one: _ORDER.index(one.group))),
        probes=tuple(one for one in probed if isinstance(one, ProbeResult)),
        project=project,
        since=since,
    )


def records_of(
    bundle: Bundle, catalogue: Catalogue, *, services: Collection[str] = (), since: datetime | None = None
) -> list[Criterion]:
    """Return what a bundle's records say about recovery."""
    return list(recovery_criteria(observe(bundle, catalogue), services=services, since=since))
