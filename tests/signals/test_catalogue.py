"""Signals read from YAML and checked, and errors that no signal knows."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gcpdiag.errors import PlaybookError
from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window
from gcpdiag.signals.catalogue import load_signals, load_yaml, parse_signals
from gcpdiag.signals.link import logs_link, service_link
from gcpdiag.signals.template import TemplateCount, template_of
from tests.making import END, START
from tests.signals.making import API, catalogue

WINDOW = Window(start=START, end=END)


def write(root: Path, **files: str) -> Path:
    (root / "signals").mkdir()
    for name, text in files.items():
        (root / "signals" / f"{name}.yaml").write_text(text)
    return root


def test_signals_of_all_files_are_one_catalogue(tmp_path: Path) -> None:
    one = "a: {title: t, detector: log, logs: [app], any: [x]}"
    other = "b: {title: t, detector: change}"
    assert sorted(load_signals(write(tmp_path, one=one, other=other))) == ["a", "b"]


def test_an_empty_file_has_no_signals(tmp_path: Path) -> None:
    assert load_signals(write(tmp_path, empty="# nothing yet")) == {}


def test_a_signal_that_is_defined_twice_is_an_error(tmp_path: Path) -> None:
    text = "a: {title: t, detector: change}"
    with pytest.raises(PlaybookError, match="signal a is defined twice"):
        load_signals(write(tmp_path, one=text, other=text))


@pytest.mark.parametrize(
    "text",
    [
        "a: {title: t, detector: magic}",
        "a: {title: t, detector: log, logs: [app], any: [x], colour: blue}",
        "a: {title: t, detector: log, logs: [nowhere], any: [x]}",
        "a: {detector: change}",
        "a: [",
        "- a",
        "!!python/object/apply:os.system ['true']",
    ],
)
def test_what_is_no_signal_file_is_an_error_with_its_path(tmp_path: Path, text: str) -> None:
    with pytest.raises(PlaybookError, match=r"broken\.yaml"):
        load_signals(write(tmp_path, broken=text))


def test_yaml_makes_plain_values_only() -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml("!!python/name:os.system")


def test_a_pattern_that_is_not_re2_names_its_signal() -> None:
    with pytest.raises(PlaybookError, match="signal broken: not an RE2 pattern"):
        catalogue({"broken": {"detector": "log", "logs": ["app"], "any": ["("]}})


def test_only_quiet_signals_are_looked_for_in_harmless_entries() -> None:
    told = catalogue(
        {
            "loud": {"detector": "log", "logs": ["app"], "any": ["boom"]},
            "quiet": {"detector": "log", "logs": ["app"], "any": ["boom"], "severity": "quiet"},
        }
    )
    assert (told.alarming.owners_of("boom"), told.quiet.owners_of("boom")) == ({"loud", "quiet"}, {"quiet"})


def test_a_log_signal_is_asked_for_as_such() -> None:
    told = catalogue({"change": {"detector": "change"}})
    assert list(told.logs()) == []
    with pytest.raises(TypeError, match="no log signal"):
        told.log("change")


def test_nothing_is_no_signals() -> None:
    assert parse_signals(None) == {}


# --- templates


@pytest.mark.parametrize(
    "text, template",
    [
        ("order 17 took 3.5 s", "order <n> took <n> s"),
        ("user 0f8fad5b-d9cb-469f-a165-70867728950e", "user <id>"),
        ("trace bc37fd4d64cefc05", "trace <id>"),
        ("at 10.0.0.3:6379", "at <n>"),
        ("key 'abc' and \"def\"", "key <text> and <text>"),
        ("first\nsecond", "first"),
        ("Traceback (most recent call last):\n  File x\nKeyError: 'id'", "KeyError: <text>"),
        ("", ""),
        ("\n\n", ""),
    ],
)
def test_a_template_masks_what_differs_from_one_entry_to_the_next(text: str, template: str) -> None:
    assert template_of(text) == template


@pytest.mark.parametrize(
    "secret",
    [
        "password=hunter2hunter",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJl",
        "bob.builder7@example.com",
    ],
)
def test_secrets_are_in_no_template(secret: str) -> None:
    told = TemplateCount()
    told.add(f"login {secret} failed", 0.0, API)
    [(template, *_)] = told.most(1)
    assert template in {"login [redacted] failed", "login password=[redacted] failed", "login [e-mail] failed"}


def test_a_template_holds_nothing_that_a_terminal_obeys() -> None:
    told = TemplateCount()
    told.add("\x1b[31mred\u202e alert", 0.0, API)
    assert not set(told.most(1)[0][0]) & set("\x1b\u202e")


def test_the_most_frequent_templates_come_first() -> None:
    told = TemplateCount()
    for at, text in enumerate(["a 1", "b", "a 2", "a 3", "b", "c"]):
        told.add(text, at, API)
    assert told.most(2) == [("a <n>", 3, 0, API), ("b", 2, 1, API)]


def test_past_a_limit_only_known_templates_go_on_counting() -> None:
    told = TemplateCount()
    letters = str.maketrans("0123456789", "qwertyuiop")
    for number in range(3000):
        told.add(f"error {number % 2500}".translate(letters), 0.0, None)
    assert (len(told.counts), sum(one.count for one in told.counts.values())) == (2000, 2500)


# --- links


def test_a_link_carries_the_query_and_the_window() -> None:
    link = logs_link("demo", API, 'say "x"', ["system"], WINDOW)
    assert "varlog%2Fsystem" in link
    assert "2025-09-15T19%3A25%3A00Z%2F2025-09-15T20%3A25%3A00Z" in link
    assert link.endswith("?project=demo")


@pytest.mark.parametrize("hostile", ['x"\nOR true', "a/../b?c#d", "<script>", "a b&project=evil"])
def test_hostile_names_stay_inside_a_link(hostile: str) -> None:
    service = ServiceRef(name=hostile, region=hostile)
    for link in (logs_link(hostile, service, hostile, ["app"], WINDOW), service_link(hostile, service, "metrics")):
        assert link.startswith("https://console.cloud.google.com/")
        assert not set(link) & set(' "<>\n#&')
