"""Tests in playbooks: what passes, what is complained of, and how."""

from pathlib import Path

import msgspec
import pytest

from gcpdiag.diagnose.selftest import run_library, run_test
from gcpdiag.errors import UsageError
from gcpdiag.playbook.format import Expectation, PlaybookTest
from gcpdiag.playbook.lint import lint_library
from gcpdiag.playbook.load import Library, load_library
from gcpdiag.playbook.template import path_of, template_of

CAUSE = "resource-exhaustion/memory-limit"
_PLAYBOOK = """\
id: resource-exhaustion/memory-limit
title: The memory limit
summary: "{service} needs more than {memory}"
explanation: Instances are killed.
prior: common
findings:
  - {signal: memory-kill, likelihood: always, specific: true}
  - {signal: memory-full, likelihood: usually, specific: true}
remediation:
  - {command: "gcloud run services update {service} --memory=MORE", risk: low, why: It gives room.}
signals:
  memory-kill:
    detector: log
    title: killed for memory
    logs: [system]
    any: ['Memory limit of \\S+ MiB exceeded']
    leak: 0.01
  memory-full:
    detector: metric
    title: memory full
    metric: run.googleapis.com/container/memory/utilizations
    resource: service
    above: 0.95
---
test: instances are killed
traffic:
  - {end: +20m}
  - {start: +20m, status: 503}
entries:
  - {log: varlog/system, at: +20m, times: 60, text: Memory limit of 512 MiB exceeded with 530 MiB used.}
series:
  - metric: run.googleapis.com/container/memory/utilizations
    values: 0.3x20 0.98x40
    distribution: true
expect:
  status: incident
  first: resource-exhaustion/memory-limit
  named: [resource-exhaustion/memory-limit]
---
test: nothing is wrong, and this test is
traffic:
  - {}
expect:
  first: resource-exhaustion/memory-limit
"""


@pytest.fixture(name="library")
def _library(tmp_path: Path) -> Library:
    path = tmp_path / f"{CAUSE}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(_PLAYBOOK)
    return load_library([tmp_path])


def quiet(**expect: object) -> PlaybookTest:
    """A test of a healthy service that expects this."""
    document = {"test": "quiet", "traffic": [{}], "series": [], "expect": expect}
    return msgspec.convert(document, PlaybookTest)


def test_every_test_of_every_playbook_has_an_outcome(library: Library) -> None:
    outcomes = list(run_library(library))

    assert [(one.cause, one.test) for one in outcomes] == [
        (CAUSE, "instances are killed"),
        (CAUSE, "nothing is wrong, and this test is"),
    ]


def test_only_the_causes_that_are_asked_for_are_tested(library: Library) -> None:
    assert list(run_library(library, ["platform/quota"])) == []


def test_the_template_of_a_new_playbook_passes_lint_and_its_own_tests(tmp_path: Path) -> None:
    path = path_of("platform/new-cause", tmp_path)
    path.parent.mkdir()
    path.write_text(template_of("platform/new-cause"))

    assert lint_library([tmp_path]) == []
    assert [one.complaints for one in run_library(load_library([tmp_path]))] == [(), (), ()]


@pytest.mark.parametrize("cause", ["", "quota", "Platform/Quota", "../x/y", "a/b/c"])
def test_there_is_no_template_for_what_is_no_cause_id(cause: str) -> None:
    with pytest.raises(UsageError, match="no cause id"):
        template_of(cause)


def test_a_right_expectation_passes_through_the_whole_pipeline(library: Library) -> None:
    right, _ = run_library(library)

    assert right.complaints == ()
    assert right.passed


def test_a_wrong_expectation_is_caught(library: Library) -> None:
    _, wrong = run_library(library)

    assert not wrong.passed


@pytest.mark.parametrize(
    "expect, complaint",
    [
        ({"status": "incident"}, "expected the status incident, came healthy"),
        ({"first": CAUSE}, f"expected {CAUSE} first, came none"),
        ({"named": [CAUSE]}, f"expected the root cause {CAUSE}, came none"),
        ({"ruled_out": [CAUSE]}, f"expected ruled out: {CAUSE}, came none"),
        ({"warned": [CAUSE]}, f"expected the warning {CAUSE}, came none"),
        ({"gaps": ["run.services"]}, "expected a gap in run.services, came none"),
    ],
)
def test_a_complaint_says_what_was_expected_what_came_and_the_summary(
    expect: dict[str, object], complaint: str, library: Library
) -> None:
    (told,) = run_test(quiet(**expect), library)

    assert told.startswith(complaint)
    assert "Healthy: 360 requests" in told


def test_a_cause_that_must_not_be_named_is_complained_of(library: Library) -> None:
    library.paths[CAUSE].write_text(_PLAYBOOK.replace(f"named: [{CAUSE}]", f"unnamed: [{CAUSE}]"))

    outcome, _ = run_library(library)

    assert f"expected {CAUSE} not to be named" in outcome.complaints[0]


def test_a_source_that_was_denied_is_a_gap(library: Library) -> None:
    test = PlaybookTest(
        test="blind",
        denied=["logging.entries", "vpcaccess.connectors"],
        expect=Expectation(gaps=["logging.entries", "vpcaccess.connectors"]),
    )

    assert run_test(test, library) == ()


@pytest.mark.parametrize(
    "part",
    [
        {"traffic": [{"start": "soon"}]},
        {"traffic": [{"per_minute": 0}]},
        {"entries": [{"log": "stdlog", "at": "+1m"}]},
        {"series": [{"metric": "a/b", "values": "lots"}]},
        {"series": [{"metric": "a/b", "values": "1", "resource": "gke_cluster"}]},
        {"series": [{"metric": "run.googleapis.com/request_count", "values": "0.5"}]},
        {"series": [{"metric": "a/b", "values": "-1", "distribution": True}]},
        {"denied": ["logging.entrys"]},
        {"resources": {"run.service": []}},
    ],
)
def test_a_notation_that_cannot_be_read_is_a_complaint(part: dict[str, object], library: Library) -> None:
    test = msgspec.convert({"test": "odd", "expect": {}, **part}, PlaybookTest)

    (told,) = run_test(test, library)

    assert told.startswith("the test cannot be read: ")


def test_raw_answers_that_are_none_are_a_complaint(library: Library) -> None:
    test = msgspec.convert(
        {"test": "odd", "expect": {}, "resources": {"logging.entries": [{"textPayload": "no time"}]}},
        PlaybookTest,
    )

    assert any("not as Google answers" in told for told in run_test(test, library))
