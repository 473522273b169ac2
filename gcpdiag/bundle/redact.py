"""Text that may leave: no secrets, no personal addresses, nothing that a terminal would obey."""

from __future__ import annotations

import re

HIDDEN = "[redacted]"

_SECRET_NAME = (
    r"(?:[a-z0-9_.-]*(?:passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credential|fernet[_-]?key|signing[_-]?key|session[_-]?id|cookie|authorization)[a-z0-9_-]*)"
)

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
        HIDDEN,
    ),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/]*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (
        re.compile(rf"""(["']?\b{_SECRET_NAME}["']?\s*(?:=|:)\s*)(["'])(?:(?!\2).)*\2""", re.IGNORECASE),
        rf"\1\2{HIDDEN}\2",
    ),
    (
        re.compile(rf"""(\b{_SECRET_NAME}["']?\s*(?:=|:)\s*)(?!["'\[]|projects/)[^\s,;&}}"']+""", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"), HIDDEN),  # JWT
    (
        re.compile(
            r"\b(?:ya29\.[A-Za-z0-9._-]{10,}|AIza[A-Za-z0-9_-]{20,}|(?:AKIA|ASIA)[A-Z0-9]{16}"
            r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
            r"|sk-[A-Za-z0-9_-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|npm_[A-Za-z0-9]{20,}"
            r"|GOCSPX-[\w-]{10,}|1//0[\w-]{20,})"
        ),
        HIDDEN,
    ),
    (
        re.compile(r"[\w.+%-]+@(?!\S*gserviceaccount\.com)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
        "[e-mail]",
    ),
)

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def redacted(text: str) -> str:
    """Return the text without secrets; idempotent. Service account addresses stay: they are needed to grant."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str, *, limit: int = 240) -> str:
    """Return the text on one line of at most ``limit`` characters, redacted and without control characters."""
    shown = redacted(_CONTROLS.sub("", _ESCAPES.sub("", text[: limit * 20])))
    shown = " ".join(shown.replace("\\n", " ").split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"
