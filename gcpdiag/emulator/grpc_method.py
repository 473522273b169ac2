"""A gRPC method as the REST request that it stands for (``google.api.http``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf import json_format
from google.protobuf.message import Message

from gcpdiag.emulator.rest import Request
from gcpdiag.model.json import JsonObject, field_at, text_at

_IN_BRACES = re.compile(r"\{([\w.]+)\}")

MessageType: TypeAlias = type[Message]


@dataclass(frozen=True, slots=True)
class Method:
    """A gRPC method: its types, and the REST call with the same meaning; ``body`` is the field sent as such (or *)."""

    name: str
    request: MessageType
    response: MessageType
    verb: str
    api: str
    path: str
    body: str = ""

    def to_rest(self, message: Message) -> Request:
        """Return the REST request that a message stands for."""
        told: JsonObject = json_format.MessageToDict(message)
        path = _IN_BRACES.sub(lambda found: text_at(told, found[1]), self.path)
        named = _IN_BRACES.findall(self.path)
        host = f"{self.api}.googleapis.com"
        if self.body == "*":
            return Request(self.verb, host, path, {}, told)
        body = field_at(told, self.body) if self.body else None
        asked = {key: value for key, value in told.items() if key not in (*named, self.body)}
        query: dict[str, list[str]] = {}
        for name, value in _parameters(asked):
            query.setdefault(name, []).append(value)
        return Request(self.verb, host, path, query, body if isinstance(body, dict) else {})

    def to_message(self, answer: JsonObject) -> Message:
        """Return the answer as a message; what the type does not know is left out."""
        return json_format.ParseDict(answer, self.response(), ignore_unknown_fields=True)


def _parameters(asked: JsonObject, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in asked.items():
        if isinstance(value, dict):
            yield from _parameters(value, f"{prefix}{key}.")
        else:
            for one in value if isinstance(value, list) else [value]:
                yield f"{prefix}{key}", str(one).lower() if isinstance(one, bool) else str(one)
