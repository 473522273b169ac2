"""Relations between resources that are broken by themselves: a missing connector, egress that leads nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address, ip_network

from gcpdiag.bundle.format import TIME_SERIES
from gcpdiag.model.finding import Absent, Evidence, Finding, Gap, Present, Unknown
from gcpdiag.model.json import JsonObject, number_at, objects_at, text_at, texts_at
from gcpdiag.model.resource import ServiceRef, last_segment
from gcpdiag.signals.addresses import EACH, instances_in, usable_addresses
from gcpdiag.signals.definition import TopologySignal
from gcpdiag.signals.observation import Observation

_SEVERAL = 3  # services
_AS_MANY = 0.8  # share: metrics of load balancers are from a sample
_NEARLY_FULL = 0.85  # share of the addresses: they are taken in blocks, and given back late
_TOGETHER = timedelta(minutes=10)
_EVERYWHERE = "0.0.0.0/0"
_WITH_TCP = frozenset({"all", "tcp", "6"})
_DEFAULT_PRIORITY = 1000  # Compute API v1, Firewall.priority


def find_topology(  # noqa: PLR0911 - one return for each relation
    signal_id: str, definition: TopologySignal, service: ServiceRef, seen: Observation
) -> Finding:
    """Return whether the relation that the signal names holds for the service."""
    match definition.relation:
        case "connector-missing":
            return _connector_missing(signal_id, definition, service, seen)
        case "public-egress-without-nat":
            return _public_egress_without_nat(signal_id, definition, service, seen)
        case "egress-denied-by-firewall" | "egress-denied-to-dependency":
            return _egress_denied(signal_id, definition, service, seen)
        case "upstream-service-failing":
            return _upstream_failing(signal_id, definition, service, seen)
        case "backend-without-service":
            return _backend_without_service(signal_id, definition, service, seen)
        case "services-fail-together":
            return _fail_together(signal_id, service, seen)
        case "subnetwork-full":
            return _subnetwork_full(signal_id, definition, service, seen)
        case "balancer-fails-alone":
            return _balancer_fails_alone(signal_id, definition, service, seen)


def _connector_missing(signal_id: str, definition: TopologySignal, service: ServiceRef, seen: Observation) -> Finding:
    if not seen.estate.configuration(service):
        return _unknown(signal_id, definition, "run.services", service, seen)
    connector = seen.estate.connector(service)
    if not connector:
        return Absent(signal=signal_id, looked=f"{service.name} uses no VPC connector", source="run.services")
    known = seen.estate.connectors
    if known is None:
        return _unknown(signal_id, definition, "vpcaccess.connectors", service, seen)
    if last_segment(connector) in known:
        state = text_at(known[last_segment(connector)], "state")
        looked = f"connector {last_segment(connector)} exists and is {state or 'there'}"
        return Absent(signal=signal_id, looked=looked, source="vpcaccess.connectors")
    gap = seen.gap("vpcaccess.connectors", definition.title) or _elsewhere(connector, definition, seen)
    if gap:
        return Unknown(signal=signal_id, gap=gap)
    text = f"{service.name} uses connector {last_segment(connector)}, which does not exist"
    return _present(signal_id, text, "vpcaccess.connectors", service, last_segment(connector))


def _elsewhere(connector: str, definition: TopologySignal, seen: Observation) -> Gap | None:
    """Return a gap when the connector belongs to another project, as in a Shared VPC."""
    project = connector.removeprefix("projects/").split("/", 1)[0]
    if not connector.startswith("projects/") or project == seen.project:
        return None
    reason = f"the connector belongs to project {project}, which is not in this bundle"
    return Gap(check=definition.title, reason=reason, source="vpcaccess.connectors")


def _public_egress_without_nat(
    signal_id: str, definition: TopologySignal, service: ServiceRef, seen: Observation
) -> Finding:
    estate = seen.estate
    if not estate.configuration(service):
        return _unknown(signal_id, definition, "run.services", service, seen)
    if estate.egress(service) != "ALL_TRAFFIC":
        egress = estate.egress(service).lower().replace("_", "-") or "direct, not through a network"
        return Absent(signal=signal_id, looked=f"egress of {service.name} is {egress}", source="run.services")
    if estate.routers is None:
        return _unknown(signal_id, definition, "compute.routers", service, seen)
    network = estate.network(service)
    gateways = estate.gateways(service)
    if gateways:
        looked = f"network {network or '?'} has Cloud NAT {gateways[0]} in {service.region}"
        return Absent(signal=signal_id, looked=looked, source="compute.routers")
    gap = seen.gap("compute.routers", definition.title)
    if gap:
        return Unknown(signal=signal_id, gap=gap)
    text = (
        f"{service.name} sends all traffic into network {network or 'of its connector'},"
        f" which has no Cloud NAT in {service.region}: public addresses cannot be reached"
    )
    return _present(signal_id, text, "compute.routers", service, network)


def _egress_denied(signal_id: str, definition: TopologySignal, service: ServiceRef, seen: Observation) -> Finding:
    """Look for a firewall rule that denies egress: any, or to the very address of something that the service uses."""
    estate = seen.estate
    if not estate.configuration(service):
        return _unknown(signal_id, definition, "run.services", service, seen)
    if not estate.egress(service):
        return Absent(signal=signal_id, looked=f"{service.name} sends nothing into a network", source="run.services")
    if estate.firewalls is None:
        return _unknown(signal_id, definition, "compute.firewalls", service, seen)
    rules = [one for one in estate.firewalls if _governs_egress(one, estate.network(service))]
    if definition.relation == "egress-denied-to-dependency":
        where = f"to what {service.name} uses"
        denied = _denied_dependency(rules, estate.dependency_addresses(service))
    else:
        where = f"from network {estate.network(service) or 'of the connector'}"
        names = sorted(text_at(one, "name") for one in rules if _denies(one, rules))
        denied = (names[0], where) if names else None
    if denied:
        rule, what = denied
        return _present(signal_id, f"firewall rule {rule} denies egress {what}", "compute.firewalls", service, rule)
    gap = seen.gap("compute.firewalls", definition.title)
    if gap:
        return Unknown(signal=signal_id, gap=gap)
    return Absent(signal=signal_id, looked=f"no firewall rule denies egress {where}", source="compute.firewalls")


def _denied_dependency(rules: Sequence[JsonObject], dependencies: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the name of the first rule that denies egress to a dependency, and to which; None where none does."""
    for rule in sorted((one for one in rules if _denies(one, rules)), key=_priority):
        for name, address in dependencies:
            if _covers(rule, address) and not _allowed_before(rule, address, rules):
                return text_at(rule, "name"), f"to {name} ({address})"
    return None


def _allowed_before(rule: JsonObject, address: str, rules: Sequence[JsonObject]) -> bool:
    allowing = (one for one in rules if _allows_tcp(one) and _priority(one) < _priority(rule))
    return any(_covers(one, address) for one in allowing)


def _allows_tcp(rule: JsonObject, *, all_ports: bool = False) -> bool:
    """Tell whether a rule allows TCP, which databases, Redis and HTTP are spoken over, to some ports or to all."""
    protocols = [one for one in objects_at(rule, "allowed") if text_at(one, "IPProtocol").lower() in _WITH_TCP]
    return any(not (all_ports and texts_at(one, "ports")) for one in protocols)


def _covers(rule: JsonObject, address: str) -> bool:
    """Tell whether an address is one of a rule's destinations; without any, a rule is about all of them."""
    for told in texts_at(rule, "destinationRanges") or [_EVERYWHERE]:
        try:
            if ip_address(address) in ip_network(told, strict=False):
                return True
        except ValueError:
            continue
    return False


def _governs_egress(rule: JsonObject, network: str) -> bool:
    same_network = not network or last_segment(text_at(rule, "network")) == network
    return text_at(rule, "direction") == "EGRESS" and same_network and rule.get("disabled") is not True


def _denies(rule: JsonObject, rules: Sequence[JsonObject]) -> bool:
    """Tell whether a rule denies, and no rule of a smaller priority number allows the same destinations first."""
    if not objects_at(rule, "denied"):
        return False
    ranges = set(texts_at(rule, "destinationRanges")) or {_EVERYWHERE}
    return not any(
        _allows_tcp(other, all_ports=True)
        and _priority(other) < _priority(rule)
        and ({_EVERYWHERE} | ranges) & (set(texts_at(other, "destinationRanges")) or {_EVERYWHERE})
        for other in rules
    )


def _priority(rule: JsonObject) -> float:
    number = number_at(rule, "priority")
    return _DEFAULT_PRIORITY if number is None else number


def _upstream_failing(signal_id: str, definition: TopologySignal, service: ServiceRef, seen: Observation) -> Finding:
    if not seen.estate.configuration(service):
        return _unknown(signal_id, definition, "run.services", service, seen)
    upstreams = seen.estate.upstreams(service)
    states = [(one, seen.states[one]) for one in upstreams if one in seen.states]
    failing = [(one, state) for one, state in states if state.health == "failing"]
    if failing:
        other, state = failing[0]
        text = f"{service.name} calls {other.name}, which fails {state.errors} of {state.requests} requests"
        return _present(signal_id, text, seen.traffic_source, service, other.name)
    hidden = [one for one in upstreams if one not in seen.states or seen.states[one].health == "unknown"]
    if hidden:
        reason = f"whether {hidden[0].name} answers is not known"
        return Unknown(signal=signal_id, gap=Gap(check=definition.title, reason=reason, source=seen.traffic_source))
    names = ", ".join(one.name for one in upstreams)
    looked = f"{names} do not fail" if names else f"{service.name} calls no other service of this project"
    return Absent(signal=signal_id, looked=looked, source=seen.traffic_source)


def _backend_without_service(
    signal_id: str, definition: TopologySignal, service: ServiceRef, seen: Observation
) -> Finding:
    """Look for a load balancer's endpoint group that points at a Cloud Run service which does not exist."""
    groups = seen.estate.endpoint_groups
    gap = seen.gap("run.services", definition.title) or seen.gap("compute.network_endpoint_groups", definition.title)
    if gap or groups is None:
        return _unknown(signal_id, definition, "compute.network_endpoint_groups", service, seen)
    known = {one.name for one in seen.estate.services}
    pointed = [(text_at(one, "name"), text_at(one, "cloudRun.service")) for one in groups]
    lost = sorted((group, name) for group, name in pointed if name and name not in known)
    if lost:
        group, name = lost[0]
        text = f"endpoint group {group} points at service {name}, which does not exist"
        return _present(signal_id, text, "compute.network_endpoint_groups", service, group)
    looked = f"each of {len(pointed)} endpoint groups points at a service that exists"
    return Absent(signal=signal_id, looked=looked, source="compute.network_endpoint_groups")


def _fail_together(signal_id: str, service: ServiceRef, seen: Observation) -> Finding:
    """Look for several services that began to fail at about the same time as this one."""
    mine = seen.states.get(service)
    onset = mine.onset if mine else None
    others = [
        state.service.name
        for state in seen.states.values()
        if onset and state.health == "failing" and state.onset and abs(state.onset - onset) <= _TOGETHER
    ]
    if len(seen.states) < _SEVERAL:
        reason = f"there are only {len(seen.states)} services to compare"
        return Unknown(signal=signal_id, gap=Gap(check="services fail together", reason=reason, source="run.services"))
    if len(others) >= _SEVERAL:
        text = f"{len(others)} services began to fail together: {', '.join(others[:5])}"
        return _present(signal_id, text, seen.traffic_source, service, "")
    looked = f"{len(others)} of {len(seen.states)} services began to fail at that time"
    return Absent(signal=signal_id, looked=looked, source=seen.traffic_source)


def _subnetwork_full(signal_id: str, definition: TopologySignal, service: ServiceRef, seen: Observation) -> Finding:
    """Look for as many instances as the subnetwork of a service's direct egress has addresses for."""
    if not seen.estate.configuration(service):
        return _unknown(signal_id, definition, "run.services", service, seen)
    if not seen.estate.direct_subnetworks(service):
        return Absent(signal=signal_id, looked=f"{service.name} takes no addresses itself", source="run.services")
    sized = [(one, usable_addresses(one)) for one in seen.estate.subnetworks_of(service)]
    counted = [(one, addresses, instances_in(one, seen)) for one, addresses in sized if addresses]
    if not any(instances for _, _, instances in counted):
        return _unknown(signal_id, definition, "compute.subnetworks", service, seen)
    subnet, addresses, instances = max(counted, key=lambda one: one[2] / one[1])
    name = text_at(subnet, "name")
    told = f"{instances} instances took {EACH} addresses each, of the {addresses} of subnetwork {name}"
    if EACH * instances >= _NEARLY_FULL * addresses:
        return _present(signal_id, told, "compute.subnetworks", service, name)
    return Absent(signal=signal_id, looked=told, source="compute.subnetworks")


def _balancer_fails_alone(
    signal_id: str, definition: TopologySignal, service: ServiceRef, seen: Observation
) -> Finding:
    """Look for requests that a load balancer fails while the service behind it goes on to answer as many."""
    balanced, answered = seen.traffic.get(service), seen.history.get(service)
    state = seen.states.get(service)
    own = service in seen.counted  # its own metric tells of its failures
    if own or balanced is None or answered is None or state is None or state.onset is None:
        reason = f"no load balancer's count tells of {service.name}"
        gap = seen.gap(TIME_SERIES, definition.title) or Gap(check=definition.title, reason=reason, source=TIME_SERIES)
        return Unknown(signal=signal_id, gap=gap)
    onset = int(state.onset.timestamp() // 60)
    failed = sum(count for minute, count in balanced.error_minutes.items() if minute >= onset)
    asked = failed + sum(count for minute, count in balanced.ok_minutes.items() if minute >= onset)
    served = sum(count for minute, count in answered.ok_minutes.items() if minute >= onset)
    told = f"{service.name} answered {served} of {asked} requests, {failed} of which its load balancer failed"
    if failed and served >= _AS_MANY * asked:
        return _present(signal_id, told, TIME_SERIES, service, "")
    return Absent(signal=signal_id, looked=told, source=TIME_SERIES)


def _present(signal_id: str, text: str, source: str, service: ServiceRef, resource: str) -> Present:
    evidence = Evidence(signal=signal_id, text=text, source=source, service=service, resource=resource)
    return Present(signal=signal_id, strength=1.0, evidence=(evidence,))


def _unknown(
    signal_id: str, definition: TopologySignal, source: str, service: ServiceRef, seen: Observation
) -> Unknown:
    gap = seen.gap(source, definition.title) or Gap(
        check=definition.title, reason=f"the configuration of {service.name} is not known", source=source
    )
    return Unknown(signal=signal_id, gap=gap)
