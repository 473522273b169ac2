"""The configuration in force, and how resources hang together: found without anybody configuring it.

Service to connector or direct egress to network, to Cloud SQL, to Redis, to other services. Values of environment
variables are read for hosts and connection names alone, and nothing else of them is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gcpdiag.bundle.read import Bundle
from gcpdiag.model.json import JsonObject, number_at, object_at, objects_at, text_at, texts_at
from gcpdiag.model.resource import ServiceRef, last_segment, location_of
from gcpdiag.signals.change import Change, main_container

_CONNECTION_NAME = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]+:[a-z]+-[a-z]+\d+:([a-z][a-z0-9-]*)")
# At the start, after a scheme, a password, "host=" or a comma: jdbc:postgresql://h:5432/db, host=h user=u, h1:1,h2:2.
_HOST = re.compile(r"(?:^|//|@|host=|[,;\s])([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_DEFAULT_MAX_INSTANCES = 100  # Cloud Run Admin API v2: unset means 100
_DEFAULT_CONCURRENCY = 80
_DEFAULT_TIMEOUT = 300.0
# Cloud SQL for PostgreSQL: default max_connections by instance memory in GB.
_CONNECTIONS_BY_MEMORY = (
    (120, 1000),
    (60, 800),
    (30, 600),
    (15, 500),
    (7.5, 400),
    (6, 200),
    (3.75, 100),
    (1.7, 50),
)


@dataclass(frozen=True, kw_only=True)
class Estate:
    """Resources by name; None where a source was not collected."""

    services: dict[ServiceRef, JsonObject]
    revisions: dict[str, JsonObject]
    from_audit: frozenset[ServiceRef]
    from_revisions: frozenset[ServiceRef]
    connectors: dict[str, JsonObject] | None
    databases: dict[str, JsonObject] | None
    redis: dict[str, JsonObject] | None
    routers: tuple[JsonObject, ...] | None
    firewalls: tuple[JsonObject, ...] | None
    subnetworks: tuple[JsonObject, ...]
    endpoint_groups: tuple[JsonObject, ...] | None
    backend_services: tuple[JsonObject, ...] | None
    events: tuple[JsonObject, ...] | None

    def configuration(self, service: ServiceRef) -> JsonObject:
        """Return the revision template in force: the revision with most traffic, else the service's template."""
        document = self.services.get(service)
        if document is None:
            return {}
        revision = self.revisions.get(self.serving_revision(service))
        return revision or object_at(document, "template")

    def serving_revision(self, service: ServiceRef) -> str:
        """Return the short name of the revision that gets most traffic, or an empty text.

        A deployment's request carries the status of before it, so what was taken from one does not tell.
        """
        if service in self.from_audit:
            return ""
        document = self.services.get(service, {})
        targets = objects_at(document, "trafficStatuses") or objects_at(document, "traffic")
        latest = last_segment(text_at(document, "latestReadyRevision"))
        shares = [(number_at(one, "percent") or 0, last_segment(text_at(one, "revision")) or latest) for one in targets]
        return max(shares)[1] if shares and max(shares)[0] > 0 else latest

    def connector(self, service: ServiceRef) -> str:
        """Return the full name of the connector that a service uses, or an empty text."""
        name = text_at(self.configuration(service), "vpcAccess.connector")
        if name and "/" not in name:
            own = text_at(self.services.get(service), "name").rsplit("/services/", 1)[0]
            return f"{own}/connectors/{name}"
        return name

    def network(self, service: ServiceRef) -> str:
        """Return the short name of the network that a service's egress enters, or an empty text."""
        configuration = self.configuration(service)
        for interface in objects_at(configuration, "vpcAccess.networkInterfaces"):
            named = text_at(interface, "network") or text_at(interface, "subnetwork")
            return last_segment(named)
        connector = _by_short_name(self.connectors, self.connector(service))
        return last_segment(text_at(connector, "network"))

    def egress(self, service: ServiceRef) -> str:
        """Return ``ALL_TRAFFIC`` or ``PRIVATE_RANGES_ONLY`` of a service with VPC access, else an empty text."""
        access = object_at(self.configuration(service), "vpcAccess")
        if not (access.get("connector") or access.get("networkInterfaces")):
            return ""
        return text_at(access, "egress") or "PRIVATE_RANGES_ONLY"

    def gateways(self, service: ServiceRef) -> list[str]:
        """Return the names of the Cloud NAT gateways of the network and region that a service's egress enters."""
        network = self.network(service)
        return [
            text_at(gateway, "name")
            for router in self.routers or ()
            if last_segment(text_at(router, "region")) in {service.region, ""}
            and (not network or last_segment(text_at(router, "network")) == network)
            for gateway in objects_at(router, "nats")
        ]

    def subnetworks_of(self, service: ServiceRef) -> list[JsonObject]:
        """Return the collected subnetworks from which a service's direct egress takes addresses."""
        names = self.direct_subnetworks(service)
        return [one for one in self.subnetworks if text_at(one, "name") in names]

    def direct_subnetworks(self, service: ServiceRef) -> set[str]:
        """Return the short names of the subnetworks that a service's direct egress names."""
        interfaces = objects_at(self.configuration(service), "vpcAccess.networkInterfaces")
        return {last_segment(text_at(one, "subnetwork")) for one in interfaces}

    def database_names(self, service: ServiceRef) -> list[str]:
        """Return the short names of the Cloud SQL instances that a service is connected to."""
        configuration = self.configuration(service)
        named = [
            text
            for volume in objects_at(configuration, "volumes")
            for text in texts_at(volume, "cloudSqlInstance.instances")
        ]
        annotation = object_at(configuration, "annotations").get("run.googleapis.com/cloudsql-instances")
        named += str(annotation or "").split(",")
        values = self._environment(service)
        found = {found.group(1) for text in (*named, *values) for found in _CONNECTION_NAME.finditer(text)}
        hosts = set(_hosts(values))
        for name, database in (self.databases or {}).items():
            addresses = {text_at(one, "ipAddress") for one in objects_at(database, "ipAddresses")}
            if hosts & addresses:
                found.add(name)
        return sorted(found)

    def redis_names(self, service: ServiceRef) -> list[str]:
        """Return the short names of the Redis instances whose address stands in a service's environment."""
        hosts = set(_hosts(self._environment(service)))
        return sorted(name for name, one in (self.redis or {}).items() if text_at(one, "host") in hosts)

    def dependency_addresses(self, service: ServiceRef) -> list[tuple[str, str]]:
        """Return names and addresses of the databases and Redis instances that a service uses, and of other hosts."""
        found: list[tuple[str, str]] = []
        for name in self.database_names(service):
            addresses = objects_at((self.databases or {}).get(name, {}), "ipAddresses")
            found += [(name, text_at(one, "ipAddress")) for one in addresses if text_at(one, "type") == "PRIVATE"]
        found += [(name, text_at((self.redis or {})[name], "host")) for name in self.redis_names(service)]
        told = {address for _, address in found}
        found += [(host, host) for host in _hosts(self._environment(service)) if host not in told]
        return [(name, address) for name, address in found if address]

    def upstreams(self, service: ServiceRef) -> list[ServiceRef]:
        """Return the services of this project whose URL stands in a service's environment."""
        hosts = set(_hosts(self._environment(service)))
        found: list[ServiceRef] = []
        for other, document in self.services.items():
            uris = {text_at(document, "uri"), *texts_at(document, "urls")}
            if other != service and hosts & set(_hosts(uris)):
                found.append(other)
        return sorted(found)

    def behind(self, backend_service: str) -> ServiceRef | None:
        """Return the one service to which a load balancer's backend service leads, if it leads to one that exists."""
        groups = {text_at(one, "name"): one for one in self.endpoint_groups or ()}
        found: set[ServiceRef] = set()
        for backend in self.backend_services or ():
            if text_at(backend, "name") != backend_service:
                continue
            for part in objects_at(backend, "backends"):
                group = groups.get(last_segment(text_at(part, "group")), {})
                name, region = text_at(group, "cloudRun.service"), last_segment(text_at(group, "region"))
                found |= {ref for ref in self.services if ref.name == name and region in {ref.region, ""}}
        return found.pop() if len(found) == 1 else None

    def hosts(self, service: ServiceRef) -> frozenset[str]:
        """Return the hosts that stand in a service's environment, and addresses of databases that it is tied to."""
        found = set(_hosts(self._environment(service)))
        for name in self.database_names(service):
            addresses = objects_at((self.databases or {}).get(name), "ipAddresses")
            found |= {text_at(one, "ipAddress") for one in addresses}
        return frozenset(found)

    def max_instances(self, service: ServiceRef) -> float:
        """Return the highest number of instances that a service may have; under manual scaling, the only one."""
        fixed = number_at(self.services.get(service), "scaling.manualInstanceCount")
        if fixed and text_at(self.services.get(service), "scaling.scalingMode") == "MANUAL":
            return fixed
        bounds = [
            number_at(self.services.get(service), "scaling.maxInstanceCount"),
            number_at(self.configuration(service), "scaling.maxInstanceCount"),
        ]
        return min((one for one in bounds if one), default=_DEFAULT_MAX_INSTANCES)

    def concurrency(self, service: ServiceRef) -> float:
        """Return how many requests one instance takes at once."""
        return number_at(self.configuration(service), "maxInstanceRequestConcurrency") or _DEFAULT_CONCURRENCY

    def memory_limit(self, service: ServiceRef) -> str:
        """Return the memory limit of the container that takes requests, as it was written."""
        return text_at(main_container(self.configuration(service)), "resources.limits.memory")

    def port(self, service: ServiceRef) -> str:
        """Return the port that the container is told to listen on; Cloud Run's default is 8080."""
        ports = objects_at(main_container(self.configuration(service)), "ports")
        return next((text_at(one, "containerPort") for one in ports), "") or "8080"

    def timeout(self, service: ServiceRef) -> float:
        """Return the request timeout in seconds."""
        configured = text_at(self.configuration(service), "timeout").rstrip("s")
        return number_at({"timeout": configured}, "timeout") or _DEFAULT_TIMEOUT

    def _environment(self, service: ServiceRef) -> list[str]:
        container = main_container(self.configuration(service))
        return [text_at(one, "value") for one in objects_at(container, "env")]


def estate_of(bundle: Bundle, changes: Iterable[Change]) -> Estate:
    """Return the estate; services that were not collected are told by their revisions, or by what deployments asked."""
    collected = bundle.resources("run.services")
    services = {_service_ref(one): one for one in collected or ()}
    from_audit: dict[ServiceRef, JsonObject] = {}
    end = bundle.window.end.timestamp()
    for change in changes:
        if change.service and change.after and not change.failed and change.at < end:
            from_audit[change.service] = change.after
    revisions = bundle.resources("run.revisions") or ()
    served = _services_of(revisions) if collected is None else {}
    missing = {one: document for one, document in from_audit.items() if collected is None and one not in served}
    return Estate(
        services=dict(sorted({**services, **served, **missing}.items())),
        revisions={last_segment(text_at(one, "name")): one for one in revisions},
        from_audit=frozenset(missing),
        from_revisions=frozenset(served),
        connectors=_by_name(bundle.resources("vpcaccess.connectors")),
        databases=_by_name(bundle.resources("sqladmin.instances")),
        redis=_by_name(bundle.resources("redis.instances")),
        routers=bundle.resources("compute.routers"),
        firewalls=bundle.resources("compute.firewalls"),
        subnetworks=bundle.resources("compute.subnetworks") or (),
        endpoint_groups=bundle.resources("compute.network_endpoint_groups"),
        backend_services=bundle.resources("compute.backend_services"),
        events=bundle.resources("servicehealth.events"),
    )


def max_connections_of(database: JsonObject) -> float | None:
    """Return a PostgreSQL instance's max_connections: its flag, else the default of its memory; None if unknown."""
    for flag in objects_at(database, "settings.databaseFlags"):
        if text_at(flag, "name") == "max_connections":
            return number_at(flag, "value")
    if not text_at(database, "databaseVersion").startswith("POSTGRES"):
        return None
    tier = text_at(database, "settings.tier")
    shared = {"db-f1-micro": 25.0, "db-g1-small": 50.0}.get(tier)
    custom = re.fullmatch(r"db-(?:custom|perf-optimized-N)-\d+-(\d+)", tier)
    if shared or not custom:
        return shared
    memory = int(custom.group(1)) / 1024
    return next((float(most) for least, most in _CONNECTIONS_BY_MEMORY if memory >= least), 25.0)


def _service_ref(document: JsonObject) -> ServiceRef:
    name = text_at(document, "name")
    return ServiceRef(name=last_segment(name), region=location_of(name))


def _services_of(revisions: Iterable[JsonObject]) -> dict[ServiceRef, JsonObject]:
    """Return services as far as revisions tell: the newest revision that became ready is taken for the serving one."""
    by_service: dict[str, list[JsonObject]] = {}
    for revision in revisions:
        by_service.setdefault(text_at(revision, "name").rsplit("/revisions/", 1)[0], []).append(revision)
    documents: list[JsonObject] = []
    for service, several in by_service.items():
        serving = max(several, key=_readiness)
        documents.append({"name": service, "latestReadyRevision": text_at(serving, "name"), "template": serving})
    return {_service_ref(one): one for one in documents if text_at(one, "name")}


def _readiness(revision: JsonObject) -> tuple[bool, str, str]:
    ready = any(_is_ready(one) for one in objects_at(revision, "conditions"))
    return ready, text_at(revision, "createTime"), text_at(revision, "name")


def _is_ready(condition: JsonObject) -> bool:
    return text_at(condition, "type") == "Ready" and text_at(condition, "state") == "CONDITION_SUCCEEDED"


def _by_name(resources: tuple[JsonObject, ...] | None) -> dict[str, JsonObject] | None:
    if resources is None:
        return None
    return {last_segment(text_at(one, "name")): one for one in resources}


def _by_short_name(resources: dict[str, JsonObject] | None, name: str) -> JsonObject:
    return (resources or {}).get(last_segment(name), {}) if name else {}


def _hosts(values: Iterable[str]) -> list[str]:
    """Return the hosts of addresses and URLs; a value may be anything, so only what looks like a host counts."""
    return [host for value in values for host in _HOST.findall(value)]
