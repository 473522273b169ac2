"""Text that may leave: no secrets, no personal addresses, nothing that a terminal would obey."""

from __future__ import annotations

import re

HIDDEN = "[redacted]"

# The last part of a dotted name tells: `db.password`, but not `secretmanager.versions`. What is possessive
# (`++`) never gives a character back, so that no text takes more than linear time.
_SECRET_NAME = (
    r"(?<![a-z0-9_.-])(?:[a-z0-9_-]*+\.)*+"  # noqa: S105 - a pattern
    r"(?=[a-z0-9_-]*?(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|cookie|authorization"
    r"|(?:api|access|account|private|fernet|signing)[_-]?key|session[_-]?id|(?<![a-z0-9])pass(?![a-z0-9_-])))"
    r"[a-z0-9_-]++"
)

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
            r".*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)",
            re.DOTALL,
        ),
        HIDDEN,
    ),
    (re.compile(r"\b(bearer|basic)\s+(?!auth[a-z]+\b)[a-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*://)[^\s/:]*:[^\s/]*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (  # name: "value", up to the closing quote or the end of the line
        re.compile(
            rf"""({_SECRET_NAME}["']?\s*[=:]\s*)(["'])(?:\\.|(?!\2)[^\\\n])*""",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (  # the same inside a JSON text: \"name\": \"value\"
        re.compile(
            rf"""({_SECRET_NAME}\\+["']\s*[=:]\s*)(\\+["'])(?:(?!(?<!\\)\2)[^\n])*""",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (
        re.compile(
            rf"""({_SECRET_NAME}(?:\\*["'])?\s*[=:]\s*)(?!["'\\]|\[redacted\]|projects/)[^\s,;&}}"']+""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"), HIDDEN),  # JWT
    (
        re.compile(
            r"\b(?:ya29\.[A-Za-z0-9._-]{10,}|AIza[A-Za-z0-9_-]{20,}|(?:AKIA|ASIA)[A-Z0-9]{16}"
            r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
            r"|sk-[A-Za-z0-9_-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|npm_[A-Za-z0-9]{20,}"
            r"|GOCSPX-[\w-]{10,}|1//0[\w-]{20,}|hf_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9]{16,}"
            r"|pypi-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})"
        ),
        HIDDEN,
    ),
    (
        re.compile(
            r"[\w.+%-]{1,64}@(?!(?:[A-Za-z0-9-]+\.)*gserviceaccount\.com(?![\w.-]))"
            r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
        ),
        "[e-mail]",
    ),
)

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Control characters, marks of direction and width, tags, and halves of characters that no terminal can print.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def redacted(text: str) -> str:
    """Return the text without secrets; idempotent. Service accounts stay: they are needed to grant."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str, *, limit: int = 240) -> str:
    """Return the text on one line of at most ``limit`` characters, redacted, without control characters."""
    shown = redacted(_CONTROLS.sub("", _ESCAPES.sub("", text[: limit * 20])))
    shown = " ".join(shown.replace("\\n", " ").split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"
