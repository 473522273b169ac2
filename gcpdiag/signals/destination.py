"""Whether an address that an error names lies in the network's private ranges or on the internet.

Private here means what Cloud Run's ``private-ranges-only`` egress sends into the network: RFC 1918, RFC 6598 and the
private and restricted Google API addresses. Python's own ``is_private`` differs: it counts documentation ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from gcpdiag.signals.matcher import compiled

_PRIVATE = tuple(
    IPv4Network(one)
    for one in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "198.18.0.0/15",
        "199.36.153.4/30",
        "199.36.153.8/30",
    )
)
_IPV4 = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])")
_HERE = ("127.", "0.", "169.254.")


def destination_of(address: str) -> str:
    """Return ``private``, ``public`` or, for this very container and its metadata server, ``local``."""
    if address.startswith(_HERE):
        return "local"
    try:
        parsed = IPv4Address(address)
    except ValueError:
        return ""
    return "private" if any(parsed in network for network in _PRIVATE) else "public"


def destination_fits(text: str, patterns: Iterable[str], wanted: str) -> bool:
    """Tell whether an address named by a matching pattern lies where it is wanted.

    The address is the pattern's group ``ip``; a pattern without one takes any address in the part that it matched.
    """
    for pattern in patterns:
        found = compiled(pattern).search(text)
        if found is None:
            continue
        named = found.groupdict().get("ip")
        addresses = [named] if named else _IPV4.findall(str(found.group(0)))
        if any(destination_of(address) == wanted for address in addresses):
            return True
    return False
