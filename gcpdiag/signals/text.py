"""What a log entry says, as one text, and how alarming it says it is.

Applications log in many shapes: plain lines, a ``message``, an ``err`` object inside another, a stack trace beside.
All texts of a payload are read, the message first, so that one signature serves every shape.
"""

from __future__ import annotations

import re
from operator import itemgetter

from gcpdiag.bundle.entry import LogEntry, payload_of
from gcpdiag.model.json import Json, JsonObject, field_at, object_at, objects_at, text_at

ALARMING = 300  # NOTICE: some runtimes report the end of an application with it
_MAX_TEXT = 16_000  # characters; a log entry may have 256 KiB
_MAX_DEPTH = 6
_PINO_INFO = 30
_LEVELS = {
    "TRACE": 100, "DEBUG": 100, "VERBOSE": 100, "INFO": 200, "INFORMATION": 200, "NOTICE": 300, "WARN": 400,
    "WARNING": 400, "ERR": 500, "ERROR": 500, "SEVERE": 500, "FATAL": 600, "CRITICAL": 600, "PANIC": 600,
    "ALERT": 700, "EMERGENCY": 800,
}  # fmt: skip
_LEVEL_KEYS = ("severity", "level", "levelname", "log.level", "loglevel", "@l", "lvl")
_MESSAGE_KEYS = ("message", "msg", "event", "textpayload", "text", "log", "@m", "@mt", "short_message")
_MESSAGE_RANK = {key: rank for rank, key in enumerate(_MESSAGE_KEYS)}
_SILENT_KEYS = frozenset(
    {"timestamp", "time", "ts", "@t", "logger", "logger_name", "severity", "level", "trace", "span", "caller"}
    | {
        "hostname",
        "pid",
        "function",
        "file",
        "line",
        "lineno",
        "module",
        "url",
        "path",
        "user_agent",
        "useragent",
    }
    | {"validation", "labels", "thread", "thread_name", "insertid", "request_id", "trace_id", "span_id"}
)
_LEVEL_IN_TEXT = re.compile(
    r"""^[\s\[\]()\d:.,+TZ/|*-]*(?:level["']?\s*[=:]\s*["']?)?
        ((?i:trace|debug|verbose|info|information|notice|warn|warning|err|error|severe|fatal|critical|panic))\b""",
    re.VERBOSE,
)
_LEVEL_KEY_IN_TEXT = re.compile(r"""\b(?:level|severity|lvl)["']?\s*[=:]\s*["']?([A-Za-z]+)""")


def text_of(entry: LogEntry, kind: str) -> str:
    """Return everything that the entry says, newest wording first; empty where it says nothing."""
    if entry.text_payload:
        return _unescaped(entry.text_payload[:_MAX_TEXT])
    if entry.json_payload:
        payload = payload_of(entry.json_payload)
        return _unescaped("\n".join(_texts(payload))[:_MAX_TEXT])
    if entry.proto_payload and kind == "audit":
        return _audit_text(payload_of(entry.proto_payload))
    return ""


def severity_of(entry: LogEntry, text: str) -> int:
    """Return the severity as Cloud Logging's number: the entry's, else the payload's, else what the text begins with.

    An entry without any of them is DEFAULT (0), as is all that a container prints as plain text.
    """
    if level := _LEVELS.get(entry.severity):
        return level
    if entry.json_payload:
        level = _payload_level(payload_of(entry.json_payload))
        if level:
            return level
    head = text[:160]
    found = _LEVEL_IN_TEXT.match(head) or _LEVEL_KEY_IN_TEXT.search(head)
    return _LEVELS.get(found.group(1).upper(), 0) if found else 0


def _unescaped(text: str) -> str:
    """Undo the double escaping of some exporters, which leaves a backslash and an n for a line break."""
    return text.replace("\\n", "\n").replace("\\t", "\t") if "\\" in text else text


def _texts(payload: Json, depth: int = 0) -> list[str]:
    """Return the texts in a payload, messages first; this runs for every structured entry, so it looks once."""
    if isinstance(payload, str):
        return [payload]
    if depth >= _MAX_DEPTH or not isinstance(payload, dict | list):
        return []
    texts: list[str] = []
    for value in _told_first(payload) if isinstance(payload, dict) else payload:
        if isinstance(value, str):
            texts.append(value)
        elif value:
            texts += _texts(value, depth + 1)
    return texts


def _told_first(payload: JsonObject) -> list[Json]:
    """Return the values that may hold text, those of message keys first; a numeric code is told with its type.

    The rest stands in the order of its keys: the order in which they arrive means nothing (protobuf does not keep it).
    """
    first: list[tuple[int, Json]] = []
    rest: list[tuple[str, Json]] = []
    for key, value in payload.items():
        name = key.lower()
        rank = _MESSAGE_RANK.get(name)
        if rank is not None:
            first.append((rank, value))
        elif name not in _SILENT_KEYS:
            rest.append((name, value))
    first.sort(key=itemgetter(0))
    rest.sort(key=itemgetter(0))
    values = [value for _, value in first] + [value for _, value in rest]
    if "code" in payload and "type" in payload:
        values.append(f"code {text_at(payload, 'code')} {payload['type']}")
    return values


def _payload_level(payload: Json) -> int:
    if not isinstance(payload, dict):
        return 0
    for key in sorted(payload):
        if key.lower() not in _LEVEL_KEYS:
            continue
        value = payload[key]
        if isinstance(value, str):
            return _LEVELS.get(value.upper(), 0)
        if isinstance(value, int | float):  # pino and bunyan: 10 trace … 30 info, 40 warn, 50 error, 60 fatal
            return min(int(value) * 10 if value > _PINO_INFO else 200, 800)
    return 0


def _audit_text(payload: Json) -> str:
    """Return what an audit entry complains about: its status, and conditions that are not met."""
    conditions = objects_at(payload, "response.status.conditions") + objects_at(payload, "response.conditions")
    failed = [one for one in conditions if one.get("status") == "False" or one.get("state") == "CONDITION_FAILED"]
    texts = [text_at(payload, "status.message"), *(text_at(one, "message") for one in failed)]
    detail = field_at(object_at(payload, "response"), "error.message")
    return "\n".join(text for text in (*texts, detail) if isinstance(text, str) and text)
