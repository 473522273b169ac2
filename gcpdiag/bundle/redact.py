"""Text that may leave: no secrets, no personal addresses, nothing that a terminal would obey."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gcpdiag.model.json import Json

HIDDEN = "[redacted]"

# The last part of a dotted name tells: `db.password`, but not `secretmanager.versions`. What is possessive or atomic
# (`++`, `(?>...)`) never gives a character back, so that no text takes more than linear time. CPython 3.11.2 matches
# possessive groups (`(?:...)*+`) wrongly, and secrets would stay.
_SECRET_NAME = (
    r"(?<![a-z0-9_.-])(?>(?:[a-z0-9_-]*\.)*)"  # noqa: S105 - a pattern
    r"(?=[a-z0-9_-]*?(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|cookie|authorization"
    r"|(?:api|access|account|private|fernet|signing)[_-]?key|session[_-]?id|(?<![a-z0-9])pass(?![a-z0-9_-])))"
    r"[a-z0-9_-]++"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern to hide; a text in which none of ``words`` stands (case folded) cannot match, and is not searched."""

    words: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str = HIDDEN


def _rule(words: str, pattern: str, replacement: str = HIDDEN, flags: int = re.IGNORECASE) -> _Rule:
    return _Rule(tuple(words.split()), re.compile(pattern, flags), replacement)


_NAME_WORDS = "pass pwd secret token key credential cookie authorization session"
_RULES = (
    _rule(
        "-----begin",
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)",
        flags=re.DOTALL,
    ),
    _rule("bearer basic", r"\b(bearer|basic)\s+(?!auth[a-z]+\b)[a-z0-9._~+/=-]{8,}", rf"\1 {HIDDEN}"),
    _rule("://", r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*://)[^\s/:]*:[^\s/]*@", rf"\1{HIDDEN}@"),
    # name: "value", up to the closing quote or the end of the line
    _rule(_NAME_WORDS, rf"""({_SECRET_NAME}["']?\s*[=:]\s*)(["'])(?:\\.|(?!\2)[^\\\n])*""", rf"\1\2{HIDDEN}"),
    # the same inside a JSON text: \"name\": \"value\"
    _rule(_NAME_WORDS, rf"""({_SECRET_NAME}\\+["']\s*[=:]\s*)(\\+["'])(?:(?!(?<!\\)\2)[^\n])*""", rf"\1\2{HIDDEN}"),
    _rule(
        _NAME_WORDS,
        rf"""({_SECRET_NAME}(?:\\*["'])?\s*[=:]\s*)(?!["'\\]|\[redacted\]|projects/)[^\s,;&}}"']+""",
        rf"\1{HIDDEN}",
    ),
    _rule("eyj", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?", flags=0),  # JWT
    _rule(
        "ya29. aiza akia asia gh glpat- xox sk npm_ gocspx- 1//0 hf_ whsec_ pypi- sg. rk_",
        r"\b(?:ya29\.[A-Za-z0-9._-]{10,}|AIza[A-Za-z0-9_-]{20,}|(?:AKIA|ASIA)[A-Z0-9]{16}"
        r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
        r"|sk-[A-Za-z0-9_-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|npm_[A-Za-z0-9]{20,}"
        r"|GOCSPX-[\w-]{10,}|1//0[\w-]{20,}|hf_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9]{16,}"
        r"|pypi-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})",
        flags=0,
    ),
    _rule(
        "@",
        r"[\w.+%-]{1,64}@(?!(?:[A-Za-z0-9-]+\.)*gserviceaccount\.com(?![\w.-]))[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
        "[e-mail]",
        flags=0,
    ),
)

_SECRET_KEY = re.compile(_SECRET_NAME, re.IGNORECASE)
_NAMES_OF_SECRETS = frozenset({"secret", "secretName", "secretId"})  # in a Cloud Run container's environment

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Control characters, marks of direction and width, tags, and halves of characters that no terminal can print.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def redacted(text: str) -> str:
    """Return the text without secrets; idempotent. Service accounts stay: they are needed to grant."""
    folded = text.casefold()
    for rule in _RULES:
        if any(word in folded for word in rule.words):
            text = rule.pattern.sub(rule.replacement, text)
    return text


def one_line(text: str, *, limit: int = 240) -> str:
    """Return the text on one line of at most ``limit`` characters, redacted, without control characters."""
    shown = redacted(_CONTROLS.sub("", _ESCAPES.sub("", text[: limit * 20])))
    shown = " ".join(shown.replace("\\n", " ").split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def redacted_document(document: Json) -> Json:
    """Return a JSON document without secrets: every text in it redacted, and what stands under a secret's name hidden.

    Names of secrets (``secretKeyRef``) are no secrets, and are what a missing one is known by.
    """
    if isinstance(document, dict):
        return {key: _redacted_value(key, value) for key, value in document.items()}
    if isinstance(document, list):
        return [redacted_document(one) for one in document]
    return redacted(document) if isinstance(document, str) else document


def _redacted_value(key: str, value: Json) -> Json:
    if isinstance(value, str) and value and key not in _NAMES_OF_SECRETS and _SECRET_KEY.fullmatch(key):
        return value if value.startswith("projects/") else HIDDEN
    return redacted_document(value)
