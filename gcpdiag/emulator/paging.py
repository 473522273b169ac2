"""Pages of a list, and the opaque tokens that lead from one to the next."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from gcpdiag.emulator.rest import ApiError, invalid

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page begins: a position, and how long the list was when the first page was read."""

    position: int = 0
    length: int | None = None


def token_of(mark: Mark, query: str) -> str:
    """Return the token of a page; it fits the same query alone."""
    content = json.dumps([mark.position, mark.length, _digest(query)]).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def mark_of(token: str, query: str) -> Mark:
    """Return where a token leads; an empty one to the first page. ApiError 400 when it is not of this query."""
    if not token:
        return Mark()
    try:
        position, length, digest = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError) as error:
        raise _bad_token() from error
    lengths = length is None or (isinstance(length, int) and length >= 0)
    if digest != _digest(query) or not isinstance(position, int) or position < 0 or not lengths:
        raise _bad_token()
    return Mark(position, length)


def page_of(found: Sequence[Item], *, size: int, token: str, query: str) -> tuple[Sequence[Item], str]:
    """Return one page of a list and the token of the next page, which is empty after the last one."""
    start = mark_of(token, query).position
    end = start + size
    return found[start:end], token_of(Mark(end), query) if end < len(found) else ""


def page_size(asked: int, *, default: int, most: int, name: str = "pageSize") -> int:
    """Return the size of a page; what is above the most is served as the most, as AIP-158 has it."""
    if asked < 0:
        raise invalid(f"The {name} must not be negative.")  # unverified wording
    return min(asked or default, most)


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:12]


def _bad_token() -> ApiError:
    return invalid("The page token is invalid: it does not belong to this request.")  # unverified wording
