"""Logging queries that cannot be evaluated are refused; nothing in them is passed over."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.log_filter import FilterError, parse_log_filter

REFUSED = [
    ("severity>=", "syntax error at line 1, column 11, token ''"),
    ("timestamp>=2026-06-12T03:23:45Z", "syntax error at line 1, column 25, token ':'"),
    ("insertId = abc:def", "syntax error at line 1, column 15, token ':'"),
    ('severity=ERROR\nAND "a" AND', "syntax error at line 2, column 12, token ''"),
    ("severity=ERROR AND\n  OR textPayload:x", "syntax error at line 2, column 3, token 'OR'"),
    ("(severity=ERROR", "token ''"),
    ("severity=ERROR)", "token ')'"),
    ("()", "token ')'"),
    ("NOT", "token ''"),
    ("*", "token '*'"),
    ("'quoted'", "token '''"),
    ('textPayload:"open', "token '\"'"),
    ('"textPayload"=x', "token '='"),
    ("textPayload:-x", "token '-x'"),
    ('labels.a/b="x"', "token '/'"),
    ("severity=(ERROR OR insertId=x)", "token '='"),
    ("thud=1", "Field not found: 'thud'"),
    ("operation.thud=1", "Field not found: 'operation.thud'"),
    ("textPayload.thud=1", "Field not found: 'textPayload.thud'"),
    ("labels.a.b=1", "Field not found"),
    ("severity>=FATAL", "'FATAL' is no value for the field 'severity'"),
    ('timestamp>"yesterday"', "'yesterday' is no value"),
    ('timestamp>"2025-13-01"', "is no value"),
    ("httpRequest.latency>1", "is no value"),
    ("httpRequest.status=abc", "is no value"),
    ("operation.first=maybe", "is no value"),
    ("httpRequest=1", "is not a scalar"),
    ('jsonPayload=~"x"', "is not a scalar"),
    ("textPayload=~abc", "regular expressions must begin and end with '\"'"),
    ('textPayload=~"("', "invalid regular expression"),
    ('textPayload=~"a(?=b)"', "invalid regular expression"),
    ('httpRequest.status=~"5.."', "only strings"),
    ('severity=~"ERR"', "only strings"),
    ('frobnicate("x")', "function 'frobnicate' at line 1, column 1 is not known"),
    ("source(projects/demo)", "token"),
    ('cast(timestamp, STRING)="x"', "cannot compare the function 'cast'"),
    ('regexp_extract(textPayload, "(a)")', "function 'regexp_extract'"),
    ('textPayload=log_id("x")', "cannot compare with the function 'log_id'"),
    ("log_id(run)", "needs a quoted value"),
    ('log_id("a", "b")', "has 2 arguments"),
    ("sample(insertId)", "has 1 arguments"),
    ("sample(timestamp, 0.5)", "cannot be applied to the field 'timestamp'"),
    ("sample(insertId, 0)", "needs a fraction"),
    ("sample(insertId, 2)", "needs a fraction"),
    ('ip_in_net(httpRequest.remoteIp, "here")', "needs an IP address"),
    ('ip_in_net(httpRequest.status, "10.0.0.0/8")', "cannot be applied"),
    ('SEARCH("")', "needs something to search for"),
    ('SEARCH(timestamp, "2025")', "cannot be applied"),
    ("x" * 20_001, "20000"),
    ("(" * 500 + "x" + ")" * 500, "nested too deeply"),
    ("NOT " * 500 + "x", "nested too deeply"),
]


@pytest.mark.parametrize("text,reason", REFUSED)
def test_what_cannot_be_evaluated_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_log_filter(text)
    assert caught.value.message.startswith("Unparseable filter: ")
    assert reason in caught.value.message
