"""The Logging query language, by the table of what people and programs write, and by laws."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import googleapiclient.discovery_cache
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.emulator.log_filter import FilterError, parse_log_filter
from gcpdiag.model.json import JsonObject, object_at
from tests.emulator.log_entries import EVERY, selected

WRITTEN: list[tuple[str, set[str]]] = [
    ("", EVERY),
    ("  \n-- nothing but a comment", EVERY),
    # What gcloud sends.
    (
        (
            "resource.type = cloud_run_revision \n AND resource.labels.service_name = auth \n"
            " AND resource.labels.location = us-central1 \n AND severity >= DEFAULT \n"
            ' AND timestamp>="2025-09-15T20:00:00Z"'
        ),
        {"refused", "system", "json"},
    ),
    ('timestamp>="2025-09-15T20:00:00Z" AND resource.type=cloud_run_revision', EVERY - {"served", "bare"}),
    ('timestamp>="2025-09-15T20:00:00Z" AND logName=projects/demo/logs/run.googleapis.com%2Frequests', {"refused"}),
    # Severity.
    ("severity>=ERROR", {"system", "json"}),
    ('severity="error"', {"system"}),
    ("severity<NOTICE", {"served", "bare"}),
    ("severity=DEFAULT", {"bare"}),
    ("severity=(ERROR OR CRITICAL)", {"system", "json"}),
    ("severity!=INFO", EVERY - {"served"}),
    # Numbers, durations, truth values.
    ("httpRequest.status>=500", {"refused"}),
    ('httpRequest.status="503"', {"refused"}),
    ("httpRequest.status:503", {"refused"}),
    ("httpRequest.status!=503", EVERY - {"refused"}),
    ("httpRequest.requestSize=9223372036854775807", {"refused"}),
    ("httpRequest.requestSize>9223372036854775806", {"refused"}),
    ('httpRequest.latency>"1s"', {"served"}),
    ("httpRequest.latency>=1250ms", {"served"}),
    ('httpRequest.latency<"1.3s" httpRequest:*', {"refused", "served"}),
    ("httpRequest.cacheHit=true", {"served"}),
    ("http_request.cache_hit=TRUE", {"served"}),
    ("traceSampled=true", {"refused"}),
    ("sourceLocation.line=42", {"json"}),
    # Time.
    ('timestamp="2025-09-15T20:01:02Z"', {"json"}),
    ('timestamp="2025-09-15T16:01:02-04:00"', {"json"}),
    ('timestamp>"2025-09-15T20:01:02Z"', {"refused", "system"}),
    ('timestamp<"2025-09-15"', {"bare"}),
    ("timestamp<=2025-09-14", {"bare"}),
    ('timestamp>="2025-09-15T19:59:59.999999999Z" timestamp<"2025-09-15T20:00:00Z"', {"served"}),
    # Names of logs.
    ('logName:"varlog%2Fsystem"', {"system"}),
    ('log_name="projects/demo/logs/run.googleapis.com%2Fstderr"', {"json"}),
    ('log_id("run.googleapis.com/varlog/system")', {"system"}),
    ('LOG_ID("cloudaudit.googleapis.com/activity") OR log_id("syslog")', {"audit", "bare"}),
    ('logName=~"/run.googleapis.com%2Frequests$"', {"refused", "served"}),
    ('logName!~"run.googleapis.com"', {"audit", "bare"}),
    # Text: letter case does not matter, but for regular expressions.
    ('textPayload:"no available INSTANCE"', {"refused"}),
    ("textPayload:timeout", {"system"}),
    ('textPayload:"straße"', {"bare"}),
    ('textPayload=~"^Cloud SQL connection \\w+"', {"system"}),
    ('textPayload=~"dial tcp \\\\d+"', {"system"}),
    ('textPayload=~"cloud sql"', set()),
    ('textPayload=~"(?i)cloud sql"', {"system"}),
    ('textPayload=~("^The .*" OR "Unicorn$")', {"refused", "bare"}),
    ('textPayload:("connection" AND "timeout")', {"system"}),
    ("textPayload:(connection timeout)", {"system"}),
    ('textPayload:("connection" AND NOT "timeout")', set()),
    ('resource.type=~"^cloud_run"', EVERY - {"bare"}),
    # Labels.
    ('labels."k8s.io/app"=web', {"refused", "served", "system", "json"}),
    ("resource.label.service_name=auth", EVERY - {"bare"}),
    ('resource."labels".zone:central1', {"bare"}),
    ("labels.instanceid:*", set()),
    # Payloads.
    ('jsonPayload.message:"\\"later\\""', {"json"}),
    ("jsonPayload.count>6.5 AND jsonPayload.count<=7", {"json"}),
    ('jsonPayload.count="7"', {"json"}),
    ("jsonPayload.ok=FALSE", {"json"}),
    ("jsonPayload.null=NULL_VALUE", {"json"}),
    ("jsonPayload.ok!=NULL_VALUE", {"json"}),
    ("jsonPayload.null:*", {"json"}),
    ("jsonPayload.shoeSize<7", {"json"}),
    ("jsonPayload.shoeSize>9", set()),
    ("jsonPayload.tags.name=alpha", {"json"}),
    ("jsonPayload.tags.name:(alpha AND beta)", {"json"}),
    ('jsonPayload."foo.bar":apple', {"json"}),
    ('jsonPayload.":name"=pear', {"json"}),
    ("jsonPayload.end_time:*", set()),
    ("jsonPayload.size<9", {"json"}),  # text is compared as text, letter by letter
    ('jsonPayload:"retry"', {"json"}),
    ("jsonPayload:*", {"json"}),
    ("jsonPayload.tags:BETA", {"json"}),
    ("protoPayload.methodName:UpdateService", {"audit"}),
    ("protoPayload.method_name:updateservice", {"audit"}),
    ('protoPayload.@type="type.googleapis.com/google.cloud.audit.AuditLog"', {"audit"}),
    ('protoPayload."@type":AuditLog', {"audit"}),
    ("protoPayload.status.code=7", {"audit"}),
    ("protoPayload.num_response_items>10", set()),
    ('protoPayload.request.startTime<"2025-09-15T21:30:00+02:00"', {"audit"}),
    ('protoPayload.authorizationInfo.permission="run.services.update"', {"audit"}),
    ("proto_payload.authorization_info.granted=true", {"audit"}),
    ("operation.first=true", {"audit"}),
    ("operation.id:*", {"audit"}),
    # Fields that are not there.
    ("jsonPayload.missing!=foo", set()),
    ("NOT jsonPayload.missing=foo", EVERY),
    ('jsonPayload.missing!~"foo"', set()),
    ("labels.missing!=foo", set()),
    ('textPayload!=""', {"refused", "system", "bare"}),  # a field of LogEntry has its default value
    ('operation.producer=""', EVERY),
    ("NOT textPayload:robot", EVERY),
    # Everywhere.
    ("unicorn", {"bare"}),
    ('"connection failed"', {"system"}),
    ("unicorn phoenix", set()),
    ("unicorn OR curl", {"bare", "refused"}),
    ("503", {"refused"}),
    ("or", {"bare", "refused", "system"}),  # a word like any other; the operator is in capitals
    ('"cloud_run_revision"', EVERY - {"bare"}),
    ('"auth us-central1"', set()),  # not across two fields
    ('-"cloud_run_revision"', {"bare"}),
    ("-resource.type=cloud_run_revision", {"bare"}),
    # OR binds tighter than AND.
    ("severity=ERROR OR severity=INFO AND resource.type=cloud_run_revision", {"system", "served"}),
    ("resource.type=gce_instance AND severity=ERROR OR severity=INFO", set()),
    ("(resource.type=gce_instance AND severity=DEFAULT) OR severity=INFO", {"bare", "served"}),
    ("NOT severity=ERROR OR severity=ERROR", EVERY),
    ("severity=ERROR -- but not this one:\n-- severity=INFO\nOR severity=INFO", {"system", "served"}),
    ("NOT(severity=ERROR OR severity=INFO)", EVERY - {"system", "served"}),
    # Functions.
    ('SEARCH("connection FAILED")', {"system"}),
    ('SEARCH("connect")', set()),
    ('SEARCH("`i/o timeout`")', {"system"}),
    ('SEARCH("`timeout i/o`")', set()),
    ('search(textPayload, "unicorn strasse")', {"bare"}),
    ('SEARCH(jsonPayload, "later retry")', {"json"}),
    ('ip_in_net(httpRequest.remoteIp, "198.51.100.0/24")', {"refused"}),
    ('ip_in_net(httpRequest.remoteIp, "1:2::/48")', set()),
    ("sample(insertId, 1)", EVERY),
    ("sample(jsonPayload.count, 1)", {"json"}),
    # What our own queries and alert policies look like.
    (
        (
            'resource.type="cloud_run_revision" AND (log_id("run.googleapis.com/requests") AND httpRequest.status>=500 '
            'OR log_id("run.googleapis.com/varlog/system") OR log_id("cloudaudit.googleapis.com/activity"))'
        ),
        {"refused"},  # OR binds tighter: requests, and of these one of the three
    ),
    (
        (
            'resource.type="cloud_run_revision" AND '
            '((log_id("run.googleapis.com/requests") AND httpRequest.status>=500) '
            'OR log_id("run.googleapis.com/varlog/system") OR log_id("cloudaudit.googleapis.com/activity"))'
        ),
        {"refused", "system", "audit"},
    ),
    (
        (
            'resource.type="cloud_run_revision" AND resource.labels.service_name="auth" '
            'AND log_id("run.googleapis.com/requests") AND httpRequest.status=503'
        ),
        {"refused"},
    ),
    (
        'resource.type = ("cloud_run_revision" OR "gce_instance")\nseverity >= WARNING\nNOT textPayload:robot',
        {"refused", "system", "json"},
    ),
]


@pytest.mark.parametrize("text,expected", WRITTEN)
def test_a_filter_selects_what_it_says(text: str, expected: set[str]) -> None:
    assert selected(text) == expected


def test_a_sample_is_the_same_every_time_and_about_as_large_as_asked() -> None:
    half = parse_log_filter("sample(insertId, 0.5)")
    entries: list[JsonObject] = [{"insertId": str(number)} for number in range(2000)]

    chosen = [half.matches(one) for one in entries]

    assert chosen == [half.matches(one) for one in entries]
    assert 900 < sum(chosen) < 1100


def _fields(schemas: JsonObject, name: str) -> list[str]:
    """List all paths of a schema of the discovery document, down to scalars and maps."""
    paths = []
    for key, told in object_at(schemas, f"{name}.properties").items():
        inner = object_at(told, "items") or told
        reference = object_at({"": inner}, "").get("$ref")
        below = _fields(schemas, reference) if isinstance(reference, str) else []
        paths += [f"{key}.{path}" for path in below] or [key]
    return paths


def test_every_field_of_a_log_entry_is_known() -> None:
    folder = Path(googleapiclient.discovery_cache.__file__).parent / "documents"
    document = json.loads((folder / "logging.v2.json").read_text())

    for path in _fields(document["schemas"], "LogEntry"):
        parse_log_filter(f"{path}:*")


TERMS = st.sampled_from(
    [
        "severity>=ERROR",
        "severity=INFO",
        "httpRequest.status!=503",
        "jsonPayload.count>6",
        "NOT labels.missing=x",
        "textPayload:timeout",
        'log_id("run.googleapis.com/requests")',
        "resource.type=(cloud_run_revision OR gce_instance)",
        'timestamp<"2025-09-15T20:01:00Z"',
        "unicorn",
    ]
)
FILTERS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT ({one})"),
        st.tuples(inner, inner, st.sampled_from([" AND ", " OR ", "\n"])).map(
            lambda told: f"(({told[0]}){told[2]}({told[1]}))"
        ),
    ),
    max_leaves=6,
)


@given(FILTERS)
def test_not_undoes_not(one: str) -> None:
    assert selected(f"NOT NOT ({one})") == selected(one) == selected(f"-(-({one}))")


@given(FILTERS)
def test_a_filter_and_its_opposite_share_the_entries_out(one: str) -> None:
    assert selected(f"NOT ({one})") == EVERY - selected(one)


@given(FILTERS, FILTERS)
def test_and_takes_its_parts_in_any_order_and_may_be_left_out(one: str, other: str) -> None:
    both = selected(one) & selected(other)
    assert (
        selected(f"({one}) AND ({other})")
        == selected(f"({other}) AND ({one})")
        == selected(f"({one})\n({other})")
        == both
    )


@given(FILTERS, FILTERS)
def test_or_takes_either_part(one: str, other: str) -> None:
    assert selected(f"({one}) OR ({other})") == selected(one) | selected(other)


@given(TERMS, TERMS, TERMS, TERMS)
def test_or_binds_tighter_than_and(a: str, b: str, c: str, d: str) -> None:
    assert selected(f"{a} OR {b} AND {c} OR {d}") == selected(f"({a} OR {b}) AND ({c} OR {d})")


@given(st.text(max_size=40))
def test_any_text_is_evaluated_or_refused_but_never_breaks(text: str) -> None:
    with contextlib.suppress(FilterError):
        assert selected(text) <= EVERY


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("2025-09-15T25:00:00Z")
)
NAMES = st.sampled_from(["status", "labels", "message", "count", "latency", "id", "name", "service_name"])
ANY_JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
FIELDS = st.sampled_from(
    [
        "severity",
        "timestamp",
        "httpRequest",
        "labels",
        "resource",
        "jsonPayload",
        "protoPayload",
        "logName",
        "textPayload",
    ]
)


@given(st.dictionaries(FIELDS, ANY_JSON), st.sampled_from([text for text, _ in WRITTEN]))
def test_an_entry_of_any_shape_gets_an_answer(entry: JsonObject, text: str) -> None:
    assert parse_log_filter(text).matches(entry) in {True, False}


def test_a_stored_value_that_is_none_of_its_type_compares_with_nothing() -> None:
    entry: JsonObject = {"timestamp": "soon", "httpRequest": {"status": "many", "latency": "long"}, "severity": "LOUD"}
    for term in ("timestamp", "httpRequest.status", "httpRequest.latency", "severity"):
        value = {"timestamp": '"2025-09-15"', "httpRequest.status": "1", "severity": "ERROR"}.get(term, "1s")
        assert not any(parse_log_filter(f"{term}{sign}{value}").matches(entry) for sign in ("<=", ">", "!="))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=20))
def test_quoted_text_is_found_where_it_stands(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    chosen = parse_log_filter(f'textPayload="{escaped}"')
    assert chosen.matches({"textPayload": text})
