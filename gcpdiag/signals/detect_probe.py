"""Probe results as findings: what answered is cleared, what failed is told by how far the probe came."""

from __future__ import annotations

from gcpdiag.bundle.format import PROBES
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.model.probe import STAGES, ProbeResult, milliseconds
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import clock_time, is_credible
from gcpdiag.signals.definition import ProbeSignal
from gcpdiag.signals.destination import destination_of
from gcpdiag.signals.matcher import compiled
from gcpdiag.signals.observation import Observation
from gcpdiag.signals.probe import host_of


def find_probe(signal_id: str, definition: ProbeSignal, service: ServiceRef, seen: Observation) -> Finding:
    """Return whether a probe of what the service may need fails in this way; absent where one came past that."""
    mine = [one for one in seen.probes if _is_meant(definition, one) and _concerns(service, one, seen)]
    found = [one for one in mine if _shows(definition, one)]
    if found:
        evidence = tuple(_evidence(signal_id, one, service) for one in found)
        return Present(signal=signal_id, strength=1.0, evidence=evidence)
    past = [one for one in mine if _disproves(definition, one)]
    if past:
        return Absent(signal=signal_id, looked=_told(past[0]), source=PROBES)
    reason = "no probe came that far" if mine else "nothing of this kind was probed"
    gap = seen.gap(PROBES, definition.title) or Gap(check=definition.title, reason=reason, source=PROBES)
    return Unknown(signal=signal_id, gap=gap)


def may_be_told(definition: ProbeSignal, seen: Observation) -> bool:
    """Tell whether anything was probed that could show the signal, or disprove it."""
    return any(
        _is_meant(definition, one) and (_shows(definition, one) or _disproves(definition, one)) for one in seen.probes
    )


def _is_meant(definition: ProbeSignal, probe: ProbeResult) -> bool:
    wanted = definition.destination
    return probe.kind in definition.kinds and (not wanted or destination_of(host_of(probe)) == wanted)


def _concerns(service: ServiceRef, probe: ProbeResult, seen: Observation) -> bool:
    """Tell whether a service needs what was probed: it names the host, or nobody is known to."""
    host = host_of(probe)
    users = [one for one in seen.states if host in seen.estate.hosts(one)]
    return service in users or not users


def _shows(definition: ProbeSignal, probe: ProbeResult) -> bool:
    slow = definition.slower_than_ms
    if slow is not None and probe.latency is not None and probe.latency_ms > slow:
        return True
    if probe.failed_at not in definition.failed:
        return False
    # Who probes from outside and is not let in has seen the way from there, not the service's.
    if probe.origin == "outside" and not probe.reached("tcp"):
        return False
    return not definition.any or any(compiled(pattern).search(probe.error) for pattern in definition.any)


def _disproves(definition: ProbeSignal, probe: ProbeResult) -> bool:
    """Tell whether a probe came past every stage that the signal is about, or failed there for another reason."""
    if _shows(definition, probe):
        return False
    if probe.passed:
        return True
    if not definition.failed or probe.failed_at is None:
        return False
    if probe.failed_at in definition.failed:
        return bool(definition.any) and probe.origin != "outside"
    return all(STAGES.index(probe.failed_at) > STAGES.index(one) for one in definition.failed)


def _told(probe: ProbeResult) -> str:
    took = f" in {milliseconds(probe.latency)} ms" if probe.latency is not None else ""
    where = " from inside the network" if probe.origin == "inside" else ""
    when = f" at {clock_time(probe.at)}" if is_credible(probe.at) else ""
    if probe.passed:
        return f"{probe.target} answers a probe{where}{took}{when}"
    return f"a probe of {probe.target}{where}{when} fails otherwise: {probe.error}"


def _evidence(signal_id: str, probe: ProbeResult, service: ServiceRef) -> Evidence:
    where = " from inside the network" if probe.origin == "inside" else ""
    when = probe.at if is_credible(probe.at) else None
    if probe.passed:
        text = f"{probe.target} answers a probe{where} after {probe.latency_ms:.0f} ms"
    else:
        text = f"a probe of {probe.target}{where} fails: {probe.error}"
    return Evidence(signal=signal_id, text=text, source=PROBES, first_at=when, last_at=when, count=1, service=service)
