"""How reports spell texts, numbers and times; the same in every form of output.

Texts come out of logs and files that anybody may have written. Here they lose what a terminal would obey,
what a reader cannot see, and what looks like a secret; each renderer escapes the rest for its own sink.
"""

from __future__ import annotations

import re
from datetime import datetime

from gcpdiag.bundle.redact import one_line
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window, clock_time, in_utc

_LONGEST_TEXT = 600
_LONGEST_COMMAND = 4000
_NOTHING = "–"
_CONTINUED = re.compile(r"\\\r?\n\s*")
_LEAST_SHOWN = 0.005  # what would be rounded to 0%
# Only pages of the console, and only characters that mean nothing to a terminal or to markup inside a link.
_CONSOLE_PAGE = re.compile(r"https://console\.cloud\.google\.com/[A-Za-z0-9._~:/?#@!$&'*+,;=%-]*", re.ASCII)


def plain(text: str, *, limit: int = _LONGEST_TEXT) -> str:
    """Return the text on one line without secrets or anything invisible; a dash where nothing is left.

    What is invisible goes first, since it could hide a secret from redaction; ASCII controls are left to
    ``one_line``, which knows the escape sequences that they belong to.
    """
    head = text[: limit * 20]
    if not head.isascii():
        head = "".join(one for one in head if one.isprintable() or one.isspace() or one.isascii())
    return one_line(head, limit=limit) or _NOTHING


def shortened(text: str, limit: int) -> str:
    """Return the text, or as many whole words of it as the limit allows, and an ellipsis."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rpartition(' ')[0] or text[:limit]} …"


def command_line(text: str) -> str:
    """Return a command on one line, to copy.

    Not redacted: commands come from playbooks, and ``--set-secrets=KEY=name`` must stay what it is.
    """
    joined = " ".join(_CONTINUED.sub(" ", text[:_LONGEST_COMMAND]).split())
    return "".join(one for one in joined if one.isprintable())


def console_link(link: str) -> str:
    """Return the link if it is a page of Google's console and harmless in every sink, else an empty text."""
    return link if _CONSOLE_PAGE.fullmatch(link) else ""


def decibans(weight: float) -> str:
    """Return a weight of evidence with its sign, ``+18.2 dB`` or ``−3.0 dB``."""
    sign = "−" if round(weight, 1) < 0 else "+"
    return f"{sign}{abs(weight):.1f} dB"


def percent(share: float) -> str:
    """Return a probability or share as people say it: ``93%``, and ``<1%`` where rounding would give none."""
    return "<1%" if 0 < share < _LEAST_SHOWN else f"{100 * share:.0f}%"


def thousands(count: int | None) -> str:
    """Return a count as ``5,000``; a dash where nobody counted."""
    return _NOTHING if count is None else f"{count:,}"


def counted(count: int, thing: str) -> str:
    """Return a count with its noun: ``1 API call``, ``5,000 log entries``."""
    plural = f"{thing.removesuffix('y')}ies" if thing.endswith("y") else f"{thing}s"
    return f"{count:,} {thing if count == 1 else plural}"


def moment(at: datetime | None, window: Window) -> str:
    """Return a UTC time, with its date where that is not the day on which the window ends."""
    if at is None:
        return _NOTHING
    same_day = in_utc(at).date() == in_utc(window.end).date()
    return clock_time(at) if same_day else dated(at)


def dated(at: datetime) -> str:
    """Return a UTC time with its date."""
    return f"{in_utc(at):%Y-%m-%d} {clock_time(at)}"


def stretch(window: Window) -> str:
    """Return the window, ``2025-09-15 19:25:00–20:25:00 UTC``."""
    start, end = in_utc(window.start), in_utc(window.end)
    last = clock_time(end) if start.date() == end.date() else f"{end:%Y-%m-%d} {clock_time(end)}"
    return f"{start:%Y-%m-%d} {clock_time(start)}–{last} UTC"


def place(service: ServiceRef | None) -> str:
    """Return ``api (us-central1)``, without the region where no source told it; empty for no service."""
    if service is None:
        return ""
    name = plain(service.name)
    return f"{name} ({plain(service.region)})" if service.region else name
