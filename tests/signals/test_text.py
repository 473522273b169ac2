"""What entries of many loggers say, and how alarming they say it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.model.json import Json, JsonObject
from gcpdiag.signals.text import severity_of, text_of
from tests.making import audit, entry
from tests.signals.making import read_entry

REFUSED = "connect ECONNREFUSED 10.0.0.3:6379"
TRACE = "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available"

PINO: JsonObject = {
    "level": 50,
    "time": 1,
    "pid": 7,
    "hostname": "x",
    "msg": "request failed",
    "err": {"message": REFUSED},
}
ZAP: JsonObject = {"level": "error", "ts": 1.5, "caller": "a.go:7", "msg": "request failed", "error": REFUSED}
LOGBACK: JsonObject = {"level": "ERROR", "message": "request failed", "stack_trace": TRACE, "thread_name": "main"}
STRUCTLOG: JsonObject = {"event": "request failed", "level": "warning", "exception": f"Traceback …\n{REFUSED}"}
SERILOG: JsonObject = {"@t": "2025-09-15T20:00:00Z", "@mt": "request failed", "@l": "Fatal", "@x": REFUSED}
DOTNET: JsonObject = {"LogLevel": "Error", "Message": "request failed", "Exception": REFUSED}
NESTED: JsonObject = {"message": "request failed", "error": {"cause": {"cause": {"message": REFUSED}}}}
LISTED: JsonObject = {"message": "request failed", "errors": [{"message": "first"}, {"detail": REFUSED}, "plain"]}
# log-shapes.md section 3: what looks like an error is a property of a harmless line
MISLEADING: JsonObject = {
    "error": {"message": "Missing field", "severity": "ERROR", "traceback": "", "type": "str"},
    "logger": "unified",
    "message": "Configuration loaded and cached for environment: staging",
    "textPayload": "Configuration loaded and cached for environment: staging",
    "validation": {"message_length": 56, "severity": "INFO"},
}


def said(payload: str | JsonObject, kind: str = "app") -> str:
    return text_of(read_entry(entry(payload)), kind)


def severity(payload: str | JsonObject, told: str = "") -> int:
    read = read_entry(entry(payload, severity=told))
    return severity_of(read, text_of(read, "app"))


def test_a_plain_line_is_its_own_text() -> None:
    assert said(REFUSED) == REFUSED


@pytest.mark.parametrize("payload", [PINO, ZAP, STRUCTLOG, SERILOG, DOTNET, NESTED, LISTED])
def test_the_message_comes_first_and_the_reason_is_in_it(payload: JsonObject) -> None:
    assert said(payload).startswith("request failed\n")
    assert REFUSED in said(payload)


def test_a_stack_trace_beside_the_message_is_read() -> None:
    assert said(LOGBACK) == f"request failed\n{TRACE}"


@pytest.mark.parametrize("key", ["logger", "url", "user_agent", "caller", "hostname", "labels", "trace_id"])
def test_what_is_no_message_is_left_out(key: str) -> None:
    assert said({"message": "hello", key: REFUSED}) == "hello"


def test_double_escaped_line_breaks_are_line_breaks() -> None:
    assert said({"message": "Traceback\\n\\tFile"}) == said("Traceback\\n\\tFile") == "Traceback\n\tFile"


def test_a_grpc_style_code_and_type_are_told_together() -> None:
    assert "code 5432 PoolError" in said({"message": "failed", "code": 5432, "type": "PoolError"})


def test_an_empty_payload_says_nothing() -> None:
    assert said({}) == said({"level": 50, "n": None, "ok": True}) == ""


def test_an_entry_of_256_kilobytes_is_cut() -> None:
    assert len(said("x" * 262_144)) == len(said({"message": "x" * 262_144})) == 16_000


def test_an_audit_entry_says_its_status_and_failed_conditions() -> None:
    conditions: list[Json] = [
        {"type": "Ready", "status": "False", "message": "container failed to start"},
        {"type": "RoutesReady", "status": "True", "message": "fine"},
    ]
    payload: JsonObject = {
        "status": {"code": 9, "message": "not ready"},
        "response": {"status": {"conditions": conditions}},
    }
    assert text_of(read_entry(audit("ReplaceService", payload)), "audit") == "not ready\ncontainer failed to start"


def test_an_audit_payload_says_nothing_in_another_log() -> None:
    assert text_of(read_entry(audit("ReplaceService", {"status": {"message": "no"}})), "app") == ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
        lambda one: st.lists(one) | st.dictionaries(st.text(max_size=5), one),
    )
)
def test_a_payload_of_any_shape_has_a_text_and_a_severity(payload: Json) -> None:
    read = read_entry(entry({"payload": payload, "message": payload}))
    severity_of(read, text_of(read, "app"))


@pytest.mark.parametrize(
    "payload, level",
    [
        (PINO, 500),
        ({"level": 30, "msg": "x"}, 200),
        ({"level": 40, "msg": "x"}, 400),
        ({"level": 60, "msg": "x"}, 600),
        (ZAP, 500),
        (LOGBACK, 500),
        (STRUCTLOG, 400),
        (SERILOG, 600),
        (DOTNET, 500),
        ({"severity": "INFO", "message": "x"}, 200),
        ({"log.level": "warn", "message": "x"}, 400),
        ({"message": "x"}, 0),
        ({"level": None, "message": "x"}, 0),
        ("[2025-09-16 01:42:58 +0000] [13] [ERROR] Reason: Worker failed to boot.", 500),
        ("2025-09-16T01:42:58Z INFO started", 200),
        ("2025-09-16 01:42:58,123 - WARNING - slow", 400),
        ("level=error msg=boom", 500),
        ('ts=1 caller=a.go level="warn" msg=boom', 400),
        ("info: Microsoft.Hosting[0]", 200),
        ("Error: connect ECONNREFUSED", 500),
        ("panic: runtime error", 600),
        ("Traceback (most recent call last):", 0),
        ("Informative words", 0),
        ("something happened", 0),
    ],
)
def test_the_severity_is_what_the_entry_says_of_itself(payload: str | JsonObject, level: int) -> None:
    assert severity(payload) == level


def test_the_entrys_own_severity_wins_over_a_misleading_payload() -> None:
    assert severity(MISLEADING, "INFO") == 200


def test_a_nested_severity_is_not_the_entrys() -> None:
    assert severity(MISLEADING) == 0


def test_the_entrys_default_severity_tells_nothing() -> None:
    assert severity(ZAP, "DEFAULT") == 500
