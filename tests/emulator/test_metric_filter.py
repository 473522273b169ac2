"""Monitoring filters, and which points of the stored series a request without alignment gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.emulator.metric_filter import Aggregation, FilterError, SeriesQuery, parse_metric_filter, select_series
from gcpdiag.model.json import Json, JsonObject, objects_at

REQUESTS = "run.googleapis.com/request_count"
END = datetime(2025, 9, 15, 20, 10, tzinfo=UTC)
START = END - timedelta(minutes=10)


def _stamp(minute: float) -> str:
    return (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def _series(service: str, code: str, metric: str = REQUESTS, **labels: str) -> JsonObject:
    points: list[Json] = [
        {"interval": {"startTime": _stamp(end - 1), "endTime": _stamp(end)}, "value": {"int64Value": str(end)}}
        for end in range(12, -3, -1)
    ]
    return {
        "metric": {"type": metric, "labels": {"response_code": code, "response_code_class": f"{code[0]}xx", **labels}},
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"project_id": "demo", "service_name": service, "location": "us-central1"},
        },
        "metricKind": "DELTA",
        "valueType": "INT64",
        "unit": "1",
        "points": points,
    }


STORED = {
    "api-ok": _series("api", "200"),
    "api-bad": _series("api", "503", route="/login", cached="true"),
    "web-ok": _series("web", "200"),
    "web-bad": _series("web", "500"),
    "other": _series("api", "200", metric="run.googleapis.com/container/instance_count"),
}
REQUEST_SERIES = set(STORED) - {"other"}
NAMED = f'metric.type="{REQUESTS}"'


def selected(text: str) -> set[str]:
    chosen = parse_metric_filter(text)
    return {name for name, series in STORED.items() if chosen.matches(series)}


WRITTEN: list[tuple[str, set[str]]] = [
    (NAMED, REQUEST_SERIES),
    (f"metric.type = {REQUESTS}", REQUEST_SERIES),
    (f'{NAMED} AND resource.type = "cloud_run_revision"', REQUEST_SERIES),
    (f'{NAMED} resource.type="cloud_run_revision" resource.label."service_name"="api"', {"api-ok", "api-bad"}),
    (f'resource.labels.service_name = "web" AND {NAMED}', {"web-ok", "web-bad"}),
    (f'{NAMED} AND metric.labels.response_code_class = "5xx"', {"api-bad", "web-bad"}),
    (f'{NAMED} AND metric.label.response_code_class != "5xx"', {"api-ok", "web-ok"}),
    (f"{NAMED} AND metric.label.response_code >= 500", {"api-bad", "web-bad"}),
    (f"{NAMED} AND metric.label.response_code >= 500 AND metric.label.response_code < 503", {"web-bad"}),
    (f"{NAMED} AND metric.label.response_code = 503.0", {"api-bad"}),
    (f'{NAMED} AND metric.label.response_code = "503.0"', set()),
    (f"{NAMED} AND metric.label.cached = TRUE", {"api-bad"}),
    (f'{NAMED} AND resource.labels.service_name = "API"', set()),
    (f"{NAMED} AND resource.labels.service_name : AP", {"api-ok", "api-bad"}),
    (f'{NAMED} AND metric.label.route = ""', REQUEST_SERIES - {"api-bad"}),
    (f'{NAMED} AND project = "demo"', REQUEST_SERIES),
    (f'{NAMED} AND project = "else"', set()),
    (f'{NAMED} AND resource.labels.service_name = starts_with("a")', {"api-ok", "api-bad"}),
    (f'{NAMED} AND metric.labels.response_code = ends_with("3")', {"api-bad"}),
    (f'{NAMED} AND metric.labels.route = has_substring("log")', {"api-bad"}),
    (f'{NAMED} AND metric.labels.response_code = one_of("500", "503")', {"api-bad", "web-bad"}),
    (f'{NAMED} AND metric.labels.response_code != one_of("500", "503")', {"api-ok", "web-ok"}),
    (f'{NAMED} AND metric.labels.response_code = monitoring.regex.full_match("50\\\\d")', {"api-bad", "web-bad"}),
    (f'{NAMED} AND metric.labels.response_code = monitoring.regex.full_match("0")', set()),
    (f'{NAMED} AND NOT resource.labels.service_name = "api"', {"web-ok", "web-bad"}),
    (
        f'{NAMED} AND (resource.labels.service_name="web" OR metric.label.route="/login")',
        {"web-ok", "web-bad", "api-bad"},
    ),
    (f'{NAMED} resource.labels.service_name="web" OR metric.label.route="/login"', {"web-ok", "web-bad", "api-bad"}),
]


@pytest.mark.parametrize("text,expected", WRITTEN)
def test_a_filter_selects_what_it_says(text: str, expected: set[str]) -> None:
    assert selected(text) == expected


REFUSED = [
    ("", "single metric type"),
    ('resource.type="cloud_run_revision"', "single metric type"),
    (f'{NAMED} AND metric.type="run.googleapis.com/other"', "single metric type"),
    (f'{NAMED} OR metric.type="run.googleapis.com/other"', "single metric type"),
    (f"NOT {NAMED}", "single metric type"),
    (f'metric.type=starts_with("run.googleapis.com/") AND NOT {NAMED}', "single metric type"),
    ('metric.type=starts_with("run.googleapis.com/")', "single metric type"),
    ('metric.type=one_of("a", "b")', "single metric type"),
    (f"{NAMED} AND", "syntax error at line 1"),
    (f"{NAMED} AND errors", "'errors' is not a comparison"),
    (f'{NAMED} AND group.id="g"', "selector 'group.id'"),
    (f'{NAMED} AND metadata.user_labels.a="b"', "selector 'metadata.user_labels.a'"),
    (f'{NAMED} AND metric.labels="b"', "selector 'metric.labels'"),
    (f'{NAMED} AND metric.labels.a=~"b"', "operator of 'metric.labels.a'"),
    (f"{NAMED} AND metric.labels.a:*", "operator of 'metric.labels.a'"),
    (f'{NAMED} AND metric.labels.a=("b" OR "c")', "one_of() takes several"),
    (f'{NAMED} AND metric.labels.a>"b"', "'b' is not a number"),
    (f'{NAMED} AND metric.labels.a=sounds_like("b")', "'sounds_like' is not known"),
    (f'{NAMED} AND metric.labels.a=starts_with("b", "c")', "takes one value"),
    (f"{NAMED} AND metric.labels.a=starts_with()", "used wrongly"),
    (f'{NAMED} AND metric.labels.a>starts_with("b")', "used wrongly"),
    (f'{NAMED} AND metric.labels.a=monitoring.regex.full_match("(")', "not a regular expression"),
    (f'{NAMED} AND select_slo_health("x")', "function 'select_slo_health'"),
]


@pytest.mark.parametrize("text,reason", REFUSED)
def test_what_cannot_be_evaluated_is_refused(text: str, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_metric_filter(text)
    assert caught.value.message.startswith(f'Field filter had an invalid value of "{text}": ')
    assert reason in caught.value.message


TERMS = st.sampled_from([text.removeprefix(f"{NAMED} AND ") for text, _ in WRITTEN if text.startswith(f"{NAMED} AND ")])


@given(TERMS, TERMS)
def test_terms_combine_as_sets_do(one: str, other: str) -> None:
    first, second = selected(f"{NAMED} AND {one}"), selected(f"{NAMED} AND {other}")
    assert selected(f"{NAMED} AND ({one}) AND ({other})") == first & second
    assert selected(f"({other}) AND ({one}) {NAMED}") == first & second
    assert selected(f"{NAMED} AND (({one}) OR ({other}))") == first | second
    assert selected(f"{NAMED} AND NOT ({one})") == REQUEST_SERIES - first
    assert selected(f"{NAMED} AND NOT NOT ({one})") == first


def _ends(series: JsonObject) -> list[str]:
    ends = [point["interval"] for point in objects_at(series, "points")]
    return [str(one["endTime"]) for one in ends if isinstance(one, dict)]


def test_points_lie_after_the_start_and_up_to_the_end_newest_first() -> None:
    found = select_series(STORED.values(), SeriesQuery(filter=NAMED, start=START, end=END))
    assert [_ends(one) for one in found] == [[_stamp(minute) for minute in range(10, 0, -1)]] * 4


def test_a_request_for_all_points_gets_the_stored_series_unchanged() -> None:
    wide = SeriesQuery(filter=NAMED, start=START - timedelta(hours=1), end=END + timedelta(hours=1))
    assert select_series(STORED.values(), wide) == [STORED[name] for name in STORED if name in REQUEST_SERIES]


def test_points_that_are_stored_oldest_first_come_newest_first() -> None:
    series = _series("api", "200")
    series["points"] = [*reversed(objects_at(series, "points"))]
    found = select_series([series], SeriesQuery(filter=NAMED, start=START, end=END))
    assert _ends(found[0]) == [_stamp(minute) for minute in range(10, 0, -1)]


def test_series_without_points_in_the_interval_are_left_out() -> None:
    later = SeriesQuery(filter=NAMED, start=END + timedelta(hours=1), end=END + timedelta(hours=2))
    assert select_series(STORED.values(), later) == []


def test_headers_come_without_points() -> None:
    found = select_series(STORED.values(), SeriesQuery(filter=NAMED, start=START, end=END, headers_only=True))
    assert found == [{k: v for k, v in STORED[name].items() if k != "points"} for name in STORED if name != "other"]


@pytest.mark.parametrize("length", [0, -60])
def test_an_interval_must_start_before_it_ends(length: int) -> None:
    with pytest.raises(FilterError, match=r"Field interval\.startTime"):
        select_series([], SeriesQuery(filter=NAMED, start=END, end=END + timedelta(seconds=length)))


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "aggregation,reason",
    [
        (Aggregation(aligner="ALIGN_DELTA"), "alignment period is required"),
        (Aggregation(timedelta(seconds=59), "ALIGN_DELTA"), "at least 60 seconds"),
        (Aggregation(MINUTE, "ALIGN_INTERPOLATE"), "does not serve this aligner"),
        (Aggregation(MINUTE, "ALIGN_PERCENT_CHANGE"), "does not serve this aligner"),
        (Aggregation(MINUTE, "ALIGN_SIDEWAYS"), "no such aligner"),
        (Aggregation(MINUTE, "ALIGN_DELTA", "REDUCE_WORDS"), "no such reducer"),
        (Aggregation(MINUTE, reducer="REDUCE_SUM"), "needs an aligner"),
        (Aggregation(MINUTE, "ALIGN_DELTA", "REDUCE_SUM", ("resource.shape",)), "cannot group by"),
        (Aggregation(MINUTE, "ALIGN_DELTA", "REDUCE_SUM", ("a b",)), "groupByFields"),
    ],
)
def test_an_aggregation_that_is_not_whole_is_refused(aggregation: Aggregation, reason: str) -> None:
    query = SeriesQuery(filter=NAMED, start=START, end=END, aggregation=aggregation)
    with pytest.raises(FilterError, match=reason):
        select_series(STORED.values(), query)


def test_a_second_aggregation_needs_a_first() -> None:
    second = Aggregation(MINUTE, "ALIGN_DELTA")
    with pytest.raises(FilterError, match="together with aggregation"):
        select_series([], SeriesQuery(filter=NAMED, start=START, end=END, secondary=second))


def test_no_alignment_and_no_reduction_is_the_raw_answer() -> None:
    plain = SeriesQuery(filter=NAMED, start=START, end=END)
    nothing = SeriesQuery(filter=NAMED, start=START, end=END, aggregation=Aggregation(), secondary=Aggregation())
    assert select_series(STORED.values(), nothing) == select_series(STORED.values(), plain)
