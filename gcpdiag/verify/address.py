"""Hosts, ports and URLs of targets; a password in one is refused, and never repeated."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from gcpdiag.errors import UsageError

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_HIGHEST_PORT = 65535
_NO_SECRETS = "Credentials come from an environment variable, a file or Secret Manager; see docs/verify.md"


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port."""

    host: str
    port: int

    def __post_init__(self) -> None:
        if not self.host or any(one.isspace() or one in "/@?#" for one in self.host):
            raise UsageError("an address is HOST:PORT")
        if not 0 < self.port <= _HIGHEST_PORT:
            raise UsageError(f"{self.port} is no port")

    def __str__(self) -> str:
        """Return ``HOST:PORT``, with brackets round an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_private(self) -> bool:
        """The host is a private address, which only machines of its network reach; a name tells nothing."""
        try:
            parsed = ipaddress.ip_address(self.host)
        except ValueError:
            return self.host.endswith(".internal")
        return parsed.is_private and not parsed.is_loopback


@dataclass(frozen=True, slots=True)
class Url:
    """An ``http``, ``https``, ``ws`` or ``wss`` URL without user and password."""

    scheme: str
    address: Address
    path: str = "/"
    query: str = ""

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in {"https", "wss"}

    @property
    def host_header(self) -> str:
        """The value of the Host header: without the port where that is the scheme's own."""
        if self.address.port == _PORTS[self.scheme]:
            return str(self.address).rpartition(":")[0]
        return str(self.address)

    @property
    def request_target(self) -> str:
        """What stands in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def origin(self) -> str:
        """Scheme, host and port, which is also the audience of an ID token for Cloud Run."""
        return f"{self.scheme}://{self.host_header}"

    @property
    def shown(self) -> str:
        """The URL without its query, which may hold a token."""
        return f"{self.origin}{self.path}" + ("?…" if self.query else "")

    @property
    def whole(self) -> str:
        """The URL as it is requested."""
        return f"{self.origin}{self.request_target}"

    def joined(self, location: str) -> Url:
        """Return where a redirect leads; UsageError for what is no URL of HTTP."""
        return parse_url(urljoin(self.whole, location), ("http", "https"))


def parse_address(text: str, *, default_port: int | None = None) -> Address:
    """Return the address that ``HOST:PORT`` names; UsageError, which does not repeat a password, for anything else."""
    if "@" in text or "://" in text:
        raise UsageError("an address is HOST:PORT, without a scheme or a user", hint=_NO_SECRETS)
    return address_in(_split(f"//{text}"), default_port)


def parse_url(text: str, schemes: tuple[str, ...]) -> Url:
    """Return the URL; UsageError for another scheme, for a missing host, and for a user or password in it."""
    parts = _split(text.strip())
    if parts.scheme not in schemes:
        wanted = " or ".join(f"{one}://" for one in schemes)
        raise UsageError(f"the URL must begin with {wanted}")
    if parts.username is not None or parts.password is not None:
        raise UsageError("there is a user or a password in this URL", hint=_NO_SECRETS)
    address = address_in(parts, _PORTS[parts.scheme])
    path = parts.path or "/"
    if not (path + parts.query).isascii() or any(one.isspace() or not one.isprintable() for one in path + parts.query):
        raise UsageError("path and query of a URL are written in ASCII, with %20 for a blank")
    return Url(scheme=parts.scheme, address=address, path=path, query=parts.query)


def address_in(parts: SplitResult, default_port: int | None) -> Address:
    """Return the host and port of a split URL."""
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError("the port is a number up to 65535") from error
    if not host:
        raise UsageError("there is no host in this address", hint="Write it as HOST:PORT")
    port = default_port if port is None else port
    if port is None:
        raise UsageError(f"which port of {host}?", hint=f"Write it as {host}:PORT")
    return Address(host, port)


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError as error:
        raise UsageError("this is no address", hint="Write an IPv6 address in brackets") from error
