"""From a signal's definition to a finding about one service; a closed set of detectors, one function each."""

from __future__ import annotations

from gcpdiag.model.finding import Finding
from gcpdiag.model.resource import ServiceRef
from gcpdiag.signals.definition import (
    ChangeSignal,
    ConfigurationSignal,
    LogSignal,
    MetricSignal,
    ProbeSignal,
    RequestSignal,
    RevisionSignal,
    TopologySignal,
)
from gcpdiag.signals.detect_change import find_change
from gcpdiag.signals.detect_configuration import find_configuration
from gcpdiag.signals.detect_log import find_log
from gcpdiag.signals.detect_metric import find_metric
from gcpdiag.signals.detect_probe import find_probe
from gcpdiag.signals.detect_request import find_requests
from gcpdiag.signals.detect_revision import find_revision
from gcpdiag.signals.detect_topology import find_topology
from gcpdiag.signals.observation import Observation


def evaluate_signal(  # noqa: PLR0911 - one return for each kind of detector
    signal_id: str, service: ServiceRef, seen: Observation
) -> Finding:
    """Return what looking for one signal at one service gives."""
    match seen.catalogue.definitions[signal_id]:
        case LogSignal() as definition:
            return find_log(signal_id, definition, service, seen)
        case RequestSignal() as definition:
            return find_requests(signal_id, definition, service, seen)
        case MetricSignal() as definition:
            return find_metric(signal_id, definition, service, seen)
        case ConfigurationSignal() as definition:
            return find_configuration(signal_id, definition, service, seen)
        case ChangeSignal() as definition:
            return find_change(signal_id, definition, service, seen)
        case RevisionSignal() as definition:
            return find_revision(signal_id, definition, service, seen)
        case TopologySignal() as definition:
            return find_topology(signal_id, definition, service, seen)
        case ProbeSignal() as definition:
            return find_probe(signal_id, definition, service, seen)
