"""Rules about the tests in a playbook: that they can be read, and that they try what may go wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from gcpdiag.bundle.format import SOURCES
from gcpdiag.playbook.draft import Drafts, Placed
from gcpdiag.playbook.format import Expectation, PlaybookTest
from gcpdiag.playbook.notation import LOGS, SERIES_RESOURCES, moment_of, nearest, points_of, span_of
from gcpdiag.playbook.position import Flaw, Steps
from gcpdiag.playbook.rule import Rule

_FEWEST = 3
_LATENCY = re.compile(r"\d+(?:\.\d+)?s")


def _few_tests(drafts: Drafts) -> Iterator[Flaw]:
    """A playbook has at least three tests: it fires, its look-alike does not, and something is missing."""
    for cause in drafts.causes:
        if cause.document.value is not None and len(cause.tests) < _FEWEST:
            told = f"{len(cause.tests)} tests, and {_FEWEST} are the least"
            yield Flaw(place=cause.document.place(), text=told)


def _no_first_test(drafts: Drafts) -> Iterator[Flaw]:
    """In some test the cause is named first."""
    yield from _without_test(
        drafts,
        lambda cause, test: test.expect.first == cause,
        "no test expects this cause `first`",
    )


def _no_unnamed_test(drafts: Drafts) -> Iterator[Flaw]:
    """In some test, of what resembles it most, the cause must not be named."""
    yield from _without_test(
        drafts,
        lambda cause, test: cause in {*test.expect.unnamed, *test.expect.ruled_out},
        "no test expects this cause `unnamed` or `ruled_out`",
    )


def _no_gap_test(drafts: Drafts) -> Iterator[Flaw]:
    """In some test a source is denied, or a gap expected: the diagnosis must say what it could not see."""
    yield from _without_test(
        drafts,
        lambda _, test: bool(test.denied or test.expect.gaps),
        "no test has a source `denied`, or expects `gaps`",
    )


def _without_test(drafts: Drafts, wanted: Callable[[str, PlaybookTest], bool], told: str) -> Iterator[Flaw]:
    """Yield the causes of whose tests none is as wanted; an unreadable one gets the benefit of the doubt."""
    for cause in drafts.causes:
        tests = cause.readable_tests
        if tests and len(tests) == len(cause.tests) and not any(wanted(cause.id, one.value) for one in tests):
            yield Flaw(place=cause.document.place(), text=told)


def _no_expectation(drafts: Drafts) -> Iterator[Flaw]:
    """A test expects something."""
    for test in _tests(drafts):
        if test.value.expect == Expectation():
            yield Flaw(place=test.place("expect"), text="this test expects nothing, so it cannot fail")


def _repeated_test(drafts: Drafts) -> Iterator[Flaw]:
    """The tests of a playbook have different names, so that a failure tells which."""
    for cause in drafts.causes:
        seen: dict[str, int] = {}
        for test in cause.readable_tests:
            name, place = test.value.test, test.place("test")
            if name in seen:
                yield Flaw(place=place, text=f"a test of this name stands in line {seen[name]}")
            seen.setdefault(name, place.line)


def _unknown_source(drafts: Drafts) -> Iterator[Flaw]:
    """Sources that tests give, deny or miss are sources of a bundle."""
    for test in _tests(drafts):
        for name, steps in _sources(test.value):
            if name not in SOURCES:
                told = f"there is no source {name!r}; {nearest(name, SOURCES)}"
                yield Flaw(place=test.place(*steps), text=told)


def _sources(test: PlaybookTest) -> Iterator[tuple[str, Steps]]:
    yield from ((name, ("resources", name)) for name in test.resources)
    yield from ((name, ("denied", index)) for index, name in enumerate(test.denied))
    yield from ((name, ("expect", "gaps", index)) for index, name in enumerate(test.expect.gaps))


def _test_notation(drafts: Drafts) -> Iterator[Flaw]:
    """Times, counts, logs and series of tests can be read."""
    for test in _tests(drafts):
        for steps, check in _notations(test.value):
            try:
                check()
            except (ValueError, OverflowError) as error:
                yield Flaw(place=test.place(*steps), text=str(error))


def _notations(test: PlaybookTest) -> Iterator[tuple[Steps, Callable[[], object]]]:
    """Yield the place of everything that is written short, with what reads it (and raises ValueError)."""
    for index, traffic in enumerate(test.traffic):
        here: Steps = ("traffic", index)
        yield (*here, "start"), partial(moment_of, traffic.start)
        yield (*here, "end"), partial(moment_of, traffic.end)
        yield (*here, "end"), partial(_check_order, traffic.start, traffic.end)
        yield (*here, "per_minute"), partial(_check_count, "per_minute", traffic.per_minute)
        yield (*here, "latency"), partial(_check_latency, traffic.latency)
    for index, entry in enumerate(test.entries):
        here = ("entries", index)
        yield (*here, "log"), partial(_check_word, "log", entry.log, tuple(LOGS))
        yield (*here, "at"), partial(moment_of, entry.at)
        yield (*here, "every"), partial(span_of, entry.every)
        yield (*here, "times"), partial(_check_count, "times", entry.times)
    for index, series in enumerate(test.series):
        here = ("series", index)
        yield (*here, "values"), partial(points_of, series.values)
        resource = partial(_check_word, "resource", series.resource, SERIES_RESOURCES)
        yield (*here, "resource"), resource


def _check_order(start: str, end: str) -> None:
    if _readable(start) and _readable(end) and moment_of(start) >= moment_of(end):
        raise ValueError(f"the traffic ends ({end}) before it starts ({start})")


def _readable(text: str) -> bool:
    try:
        moment_of(text)
    except (ValueError, OverflowError):
        return False
    return True


def _check_count(name: str, count: int) -> None:
    if count < 1:
        raise ValueError(f"{name!r} is at least 1, not {count}")


def _check_latency(text: str) -> None:
    if not _LATENCY.fullmatch(text):
        raise ValueError(f"{text!r} is no latency; the API writes it as 0.120s")


def _check_word(name: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise ValueError(f"there is no {name} {word!r}; {nearest(word, known)}")


def _tests(drafts: Drafts) -> Iterator[Placed[PlaybookTest]]:
    for cause in drafts.causes:
        yield from cause.readable_tests


TEST_RULES = (
    Rule(id="few-tests", severity="error", check=_few_tests),
    Rule(id="no-first-test", severity="error", check=_no_first_test),
    Rule(id="no-unnamed-test", severity="error", check=_no_unnamed_test),
    Rule(id="no-gap-test", severity="error", check=_no_gap_test),
    Rule(id="no-expectation", severity="error", check=_no_expectation),
    Rule(id="repeated-test", severity="warning", check=_repeated_test),
    Rule(id="unknown-source", severity="error", check=_unknown_source),
    Rule(id="test-notation", severity="error", check=_test_notation),
)
