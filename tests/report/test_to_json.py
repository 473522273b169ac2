"""The document for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gcpdiag.model.diagnosis import Diagnosis
from gcpdiag.model.json import JsonObject, field_at, object_at, objects_at, text_at
from gcpdiag.report.to_json import render_json
from tests.report.hostile import HOSTILE, telling
from tests.report.samples import healthy, incident, inconclusive
from tests.report.scene import EGRESS, GRANT, LINK

SCHEMA = Draft202012Validator(json.loads(Path(__file__).with_name("diagnosis.schema.json").read_text()))


def document_of(diagnosis: Diagnosis) -> JsonObject:
    document = json.loads(render_json(diagnosis))
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("diagnosis", [incident(), inconclusive(), healthy(), telling(HOSTILE), telling("")])
def test_every_diagnosis_fits_the_schema(diagnosis: Diagnosis) -> None:
    assert not list(SCHEMA.iter_errors(json.loads(render_json(diagnosis))))


@given(st.text())
def test_whatever_a_log_says_fits_the_schema_and_can_be_encoded(text: str) -> None:
    written = render_json(telling(text))
    assert SCHEMA.is_valid(json.loads(written.encode()))


def test_two_renderings_are_the_same_to_the_byte() -> None:
    assert render_json(incident()) == render_json(incident())


def test_the_keys_of_the_contract_come_first_and_in_its_order() -> None:
    assert list(document_of(incident()))[:13] == [
        "schema",
        "project",
        "window",
        "status",
        "summary",
        "services",
        "root_causes",
        "contributing",
        "warnings",
        "ruled_out",
        "unknown",
        "timeline",
        "stats",
    ]


def test_it_ends_with_a_newline_and_keeps_letters_as_they_are() -> None:
    assert render_json(incident()).endswith("}\n")
    assert "412 × in api" in render_json(incident())


def test_a_service_has_its_health_as_state() -> None:
    service = objects_at(document_of(incident()), "services")[0]
    assert (service["state"], service["requests"], service["errors_5xx"]) == ("failing", 5000, 412)
    assert service["first_error_at"] == "2025-09-15T20:03:01Z"


def test_evidence_is_observed_when_it_was_first_seen() -> None:
    cause = objects_at(document_of(incident()), "root_causes")[0]
    line = objects_at(cause, "evidence")[1]
    assert line["observed_at"] == "2025-09-15T20:03:08Z"
    assert line["last_at"] == "2025-09-15T20:24:59Z"
    assert line["link"] == LINK


def test_the_sum_of_a_cause_can_be_redone() -> None:
    cause = objects_at(document_of(incident()), "root_causes")[0]
    lines = [*objects_at(cause, "evidence"), *objects_at(cause, "contradicting")]
    weights = [one["weight_db"] for one in lines if isinstance(one["weight_db"], float)]
    assert isinstance(cause["prior_db"], float)
    assert round(cause["prior_db"] + sum(weights), 1) == cause["score_db"]


def test_an_effect_names_its_cause_and_a_root_cause_does_not() -> None:
    document = document_of(incident())
    assert text_at(objects_at(document, "contributing")[0], "because_of") == EGRESS
    assert "because_of" not in objects_at(document, "root_causes")[0]


def test_a_gap_says_what_closes_it_or_null() -> None:
    closed, open_ = objects_at(document_of(incident()), "unknown")
    assert (closed["permission"], closed["fix"]) == ("vpcaccess.connectors.list", GRANT)
    assert (open_["permission"], open_["fix"]) == (None, None)


def test_what_is_not_known_is_null() -> None:
    document = document_of(incident())
    evidence = objects_at(objects_at(document, "root_causes")[0], "evidence")[0]
    assert (evidence["observed_at"], evidence["link"], evidence["resource"]) == (None, None, None)
    assert objects_at(document, "timeline")[0]["source"] is None
    assert field_at(document, "next_check") is None


def test_stats_are_those_of_a_bundle() -> None:
    assert object_at(document_of(incident()), "stats") == {
        "api_calls": 24,
        "log_entries": 5000,
        "calls": {"logging.entries": 4, "monitoring.time_series": 20},
    }


def test_a_link_that_leaves_the_console_is_left_out() -> None:
    cause = objects_at(document_of(telling("https://evil.example/")), "root_causes")[0]
    assert objects_at(cause, "evidence")[0]["link"] is None
