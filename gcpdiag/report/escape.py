"""Text that stays text inside Markdown, as GitHub, GitLab and Jira render it.

Backslashes and entities keep it from styling, and from being a table's border, a tag, a link or an image.
They do not keep these sites from turning ``@name``, ``#12`` or an address into a link, since that happens
after rendering: there an invisible space inside breaks the word.
"""

from __future__ import annotations

import re

_BREAK = "\u200b"  # zero width space
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MENTION = re.compile(r"[@#]")
_REFERENCE = re.compile(r"(?<!\w)(?:[!$%&~^]|GH-)(?=\w)", re.IGNORECASE)  # GitLab: !12 $12 %12 &12 ~bug; GitHub: GH-12
_ADDRESS = re.compile(r":(?=//)|\bwww(?=\.)|\b(?:mailto|xmpp|tel):", re.IGNORECASE)
_STYLING = re.compile(r"[\\`*\[\]|~$#!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_MARKUP = re.compile(r"[&<>]")
_OPENING = re.compile(r"^(?:[-+=:]|\d+(?=[.)]))")
_TICKS = re.compile(r"`+")


def escaped(text: str) -> str:
    """Return one line of text as Markdown that shows exactly this text."""
    broken = _MENTION.sub(rf"\g<0>{_BREAK}", text)
    broken = _REFERENCE.sub(rf"\g<0>{_BREAK}", broken)
    broken = _ADDRESS.sub(rf"\g<0>{_BREAK}", broken)
    styled = _STYLING.sub(r"\\\g<0>", broken)
    marked = _MARKUP.sub(lambda found: _ENTITIES[found.group()], styled)
    return _OPENING.sub(_opening, marked)


def fenced(command: str, *, indent: str = "") -> str:
    """Return a block of code with one line in it, fenced by more backticks than it has."""
    fence = "`" * (1 + max([2, *(len(one) for one in _TICKS.findall(command))]))
    return f"{indent}{fence}sh\n{indent}{command}\n{indent}{fence}"


def coded(word: str) -> str:
    """Return a name such as a cause's id or a permission as code, and as plain text if it needs escaping."""
    return f"`{word}`" if re.fullmatch(r"[\w./ -]+", word, re.ASCII) else escaped(word)


def _opening(found: re.Match[str]) -> str:
    """Keep what begins a line from being a list, a heading's underline or a table's border."""
    start = found.group()
    return f"{start}\\" if start.isdigit() else f"\\{start}"
