"""Targets that topology names: services' own URLs, hosts of load balancers, and what services connect to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import chain

from gcpdiag.bundle.read import Bundle
from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject, number_at, object_at, objects_at, text_at, texts_at
from gcpdiag.model.resource import last_segment
from gcpdiag.signals.change import main_container
from gcpdiag.verify.address import Address, Url, parse_url
from gcpdiag.verify.target import HttpTarget, RedisTarget, Target, TcpTarget

_NO_SERVER_ERROR = tuple(range(200, 500))  # of an address whose pages nobody told about
_FROM_ANYWHERE = frozenset({"", "INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_UNSPECIFIED"})
_DATABASE_PORTS = {"POSTGRES": 5432, "MYSQL": 3306, "SQLSERVER": 1433}
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)


def find_targets(bundle: Bundle, services: Collection[str] = ()) -> list[Target]:
    """Return what a bundle's topology names, each once; with services named, only these and what all share."""
    found: dict[str, Target] = {}
    for target in chain(_services(bundle, services), _balancers(bundle), _redis(bundle), _databases(bundle)):
        found.setdefault(target.shown, target)
    return list(found.values())


def _services(bundle: Bundle, services: Collection[str]) -> Iterator[Target]:
    """Yield the health address of each service: what its own probes ask for, or else its root without a 5xx."""
    for service in bundle.resources("run.services") or ():
        name = last_segment(text_at(service, "name"))
        if (services and name not in services) or text_at(service, "ingress") not in _FROM_ANYWHERE:
            continue
        if service.get("defaultUriDisabled"):
            continue
        path = _health_path(object_at(service, "template"))
        url = _url(text_at(service, "uri"), path or "/")
        if url is not None:
            yield HttpTarget(url=url, statuses=(200,) if path else _NO_SERVER_ERROR, identity=True, found=True)


def _health_path(template: JsonObject) -> str:
    container = main_container(template)
    for probe in ("livenessProbe", "startupProbe"):
        path = text_at(container, f"{probe}.httpGet.path")
        if path.startswith("/"):
            return path
    return ""


def _url(uri: str, path: str) -> Url | None:
    try:
        return parse_url(f"{uri.rstrip('/')}{path}", ("http", "https"))
    except UsageError:
        return None


def _balancers(bundle: Bundle) -> Iterator[Target]:
    """Yield the hosts that URL maps answer for, where some HTTPS proxy makes them reachable with TLS."""
    secure = any(text_at(one, "sslCertificates") or one.get("sslCertificates") for one in _proxies(bundle))
    for url_map in bundle.resources("compute.url_maps") or ():
        for rule in objects_at(url_map, "hostRules"):
            for host in texts_at(rule, "hosts"):
                url = _url(f"{'https' if secure else 'http'}://{host}", "/") if _HOST.fullmatch(host) else None
                if url is not None:
                    yield HttpTarget(url=url, statuses=_NO_SERVER_ERROR, found=True)


def _proxies(bundle: Bundle) -> tuple[JsonObject, ...]:
    return bundle.resources("compute.target_proxies") or ()


def _redis(bundle: Bundle) -> Iterator[Target]:
    for instance in bundle.resources("redis.instances") or ():
        host = text_at(instance, "host")
        if host and not instance.get("authEnabled"):
            tls = text_at(instance, "transitEncryptionMode") == "SERVER_AUTHENTICATION"
            address = Address(host, int(number_at(instance, "port") or 6379))
            # Memorystore's certificate is of an authority of its own, so that only the port can be tried.
            yield TcpTarget(address=address, found=True) if tls else RedisTarget(address=address, found=True)
        elif host:
            yield TcpTarget(address=Address(host, int(number_at(instance, "port") or 6379)), found=True)


def _databases(bundle: Bundle) -> Iterator[Target]:
    """Yield the private addresses of Cloud SQL instances; public ones let only known networks in."""
    for instance in bundle.resources("sqladmin.instances") or ():
        version = text_at(instance, "databaseVersion")
        port = next((port for name, port in _DATABASE_PORTS.items() if version.startswith(name)), None)
        for address in objects_at(instance, "ipAddresses"):
            host = text_at(address, "ipAddress")
            if host and port and text_at(address, "type") == "PRIVATE":
                yield TcpTarget(address=Address(host, port), found=True)
