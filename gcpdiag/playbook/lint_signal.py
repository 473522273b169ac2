"""Rules about signals: patterns that say something, bounds that can be passed, one definition each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from gcpdiag.playbook.draft import Drafts, Placed
from gcpdiag.playbook.position import Flaw, Place, Steps
from gcpdiag.playbook.rule import Rule
from gcpdiag.signals.definition import (
    ChangeSignal,
    ConfigurationSignal,
    LogSignal,
    MetricSignal,
    ProbeSignal,
    RequestSignal,
    RevisionSignal,
    SignalDefinition,
)
from gcpdiag.signals.matcher import compiled

_HARMLESS = ("Server listening on port 8080", "GET /healthz 200 3ms", "12:30:01 user 17 logged in")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE)
_PROJECT_NUMBER = re.compile(r"(?<![\d.])\d{10,13}(?![\d.])")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_EVERYBODYS_ADDRESSES = ("0.0.0.0", "127.0.0.1", "169.254.169.254")  # noqa: S104 - told apart, not listened on
_MOST_LEAK = 0.5

_RANGES: tuple[tuple[str, Callable[[float], bool], str], ...] = (
    ("leak", lambda value: 0 < value <= _MOST_LEAK, "more than 0 and at most 0.5"),
    ("enough", lambda value: value >= 1, "at least 1"),
    ("points", lambda value: value >= 1, "at least 1"),
    ("quantile", lambda value: 0 < value < 1, "between 0 and 1"),
    ("share_of_errors", lambda value: 0 < value <= 1, "more than 0 and at most 1"),
    ("least_ratio", lambda value: value >= 1, "at least 1"),
    ("slower_than_ms", lambda value: value > 0, "more than 0"),
)


def _doubled_signal(drafts: Drafts) -> Iterator[Flaw]:
    """A signal is defined once, whether in ``signals/`` or in a playbook."""
    seen: dict[str, Place] = {}
    for signal, definition in drafts.signals:
        if signal in seen:
            yield Flaw(place=definition.place(), text=f"{signal!r} is defined already, at {seen[signal]}")
        seen.setdefault(signal, definition.place())


def _unused_signal(drafts: Drafts) -> Iterator[Flaw]:
    """A shared signal is looked for by some playbook."""
    used = {signal for cause in drafts.causes for signal in cause.looked_for}
    for shared in drafts.shared if drafts.whole else ():
        for signal, definition in shared.signals.items():
            if signal not in used:
                yield Flaw(place=definition.place(), text=f"no playbook looks for {signal!r}")


def _bad_pattern(drafts: Drafts) -> Iterator[Flaw]:
    """A pattern is RE2: no look-around, no back-references."""
    for pattern in _patterns(drafts):
        problem = _problem_of(pattern.value)
        if problem:
            yield Flaw(place=pattern.place(), text=f"not an RE2 pattern: {problem}")


def _greedy_pattern(drafts: Drafts) -> Iterator[Flaw]:
    """A pattern matches something that says something: not the empty text, not every line there is."""
    for pattern in _patterns(drafts):
        if pattern.steps[-2] == "matches" or _problem_of(pattern.value):
            continue
        if compiled(pattern.value).search(""):
            yield Flaw(place=pattern.place(), text="this pattern matches the empty text, so it matches all")
        elif all(compiled(pattern.value).search(text) for text in _HARMLESS):
            yield Flaw(place=pattern.place(), text="this pattern matches whatever is logged")


def _particular_pattern(drafts: Drafts) -> Iterator[Flaw]:
    """A pattern names no person, project or address: playbooks serve everybody."""
    for pattern in _patterns(drafts):
        text = pattern.value.replace("\\.", ".")
        addresses = [one for one in _IPV4.findall(text) if one not in _EVERYBODYS_ADDRESSES]
        for found in (*_EMAIL.findall(text), *_PROJECT_NUMBER.findall(text), *addresses):
            yield Flaw(place=pattern.place(), text=f"{found} is something particular; a pattern serves everybody")


def _number_range(drafts: Drafts) -> Iterator[Flaw]:
    """Numbers lie where they mean something; a ``leak`` of a half already says nothing."""
    for _, signal in drafts.signals:
        for name, fits, wanted in _RANGES:
            value = getattr(signal.value, name, None)
            if value is not None and not fits(value):
                yield Flaw(place=signal.place(name), text=f"{name!r} is {wanted}, not {value:g}")


def _metric_bound(drafts: Drafts) -> Iterator[Flaw]:
    """A metric signal has one bound: ``above``, ``below``, ``rise`` or ``fall``; ``of`` goes with the first two."""
    for _, signal in drafts.signals:
        if not isinstance(signal.value, MetricSignal):
            continue
        named = [name for name in ("above", "below", "rise", "fall") if getattr(signal.value, name) is not None]
        if not named:
            yield Flaw(place=signal.place(), text="this metric has no bound: give `above`, `below`, `rise` or `fall`")
        elif len(named) > 1:
            told = f"{' and '.join(named)} contradict each other; keep one"
            yield Flaw(place=signal.place(named[1]), text=told)
        elif signal.value.of and named[0] in {"rise", "fall"}:
            told = f"`of` is a limit for `above` or `below`; a {named[0]} is measured against the calm before it"
            yield Flaw(place=signal.place("of"), text=told)


def _configuration_bound(drafts: Drafts) -> Iterator[Flaw]:
    """A configuration signal says which values it means: by one of ``equals``, ``unlike`` and ``matches``."""
    for _, signal in drafts.signals:
        if not isinstance(signal.value, ConfigurationSignal):
            continue
        named = [name for name in ("equals", "unlike", "matches") if getattr(signal.value, name)]
        if not named:
            told = "this signal means no value: give `equals`, `unlike` or `matches`"
            yield Flaw(place=signal.place(), text=told)
        elif len(named) > 1:
            told = f"only {named[0]!r} counts beside {' and '.join(map(repr, named[1:]))}"
            yield Flaw(place=signal.place(named[1]), text=told)


def _blind_detector(drafts: Drafts) -> Iterator[Flaw]:
    """A detector is told what to look for; without that it can never find anything."""
    for _, signal in drafts.signals:
        told = _blindness(signal.value)
        if told:
            yield Flaw(place=signal.place(), text=told)


def _blindness(  # noqa: C901, PLR0911 - one return for each way of being blind
    definition: SignalDefinition,
) -> str:
    match definition:
        case LogSignal(logs=[]):
            return "`logs` is empty, so no entry is looked at"
        case LogSignal(any=[]):
            return "`any` is empty, so no entry matches"
        case RequestSignal(status=[], at_timeout=False, by_application=False):
            return "give `status`, `at_timeout: true` or `by_application: true`"
        case RevisionSignal(partly=True, never=True):
            return "`partly` and `never` contradict each other; keep one"
        case ProbeSignal(kinds=[]):
            return "`kinds` is empty, so no probe is looked at"
        case ProbeSignal(failed=[], slower_than_ms=None):
            return "give `failed` or `slower_than_ms`"
        case ProbeSignal(failed=[], any=[_, *_]):
            return "`any` are errors of probes that `failed`, and no stage is named"
        case ChangeSignal(field="", to=[_, *_]):
            return "`to` are values of a `field`, and there is none"
        case ChangeSignal(field="", fewer=True):
            return "`fewer` is about the names in a `field`, and there is none"
        case ChangeSignal(field=field, methods=[_, *_]) if field:
            return "`field` does not count beside `methods`; keep one"
        case _:
            return ""


def _patterns(drafts: Drafts) -> Iterator[Placed[str]]:
    """Yield every pattern; its last two steps are the field and the number in it."""
    for _, signal in drafts.signals:
        for name, patterns in _patterns_of(signal.value):
            for index, pattern in enumerate(patterns):
                steps: Steps = (*signal.steps, name, index)
                yield Placed(value=pattern, document=signal.document, steps=steps)


def _patterns_of(definition: SignalDefinition) -> list[tuple[str, list[str]]]:
    match definition:
        case LogSignal():
            return [("any", definition.any), ("unless", definition.unless)]
        case ChangeSignal():
            return [("methods", definition.methods)]
        case ProbeSignal():
            return [("any", definition.any)]
        case ConfigurationSignal() if definition.matches:
            return [("matches", [definition.matches])]
        case _:
            return []


def _problem_of(pattern: str) -> str:
    """Return what RE2 says against a pattern, or an empty text."""
    try:
        compiled(pattern)
    except Exception as error:  # noqa: BLE001 - re2.error is not an exported class in every build of the binding
        return str(error) or type(error).__name__
    return ""


SIGNAL_RULES = (
    Rule(id="doubled-signal", severity="error", check=_doubled_signal),
    Rule(id="unused-signal", severity="warning", check=_unused_signal),
    Rule(id="bad-pattern", severity="error", check=_bad_pattern),
    Rule(id="greedy-pattern", severity="error", check=_greedy_pattern),
    Rule(id="particular-pattern", severity="warning", check=_particular_pattern),
    Rule(id="number-range", severity="error", check=_number_range),
    Rule(id="metric-bound", severity="error", check=_metric_bound),
    Rule(id="configuration-bound", severity="error", check=_configuration_bound),
    Rule(id="blind-detector", severity="error", check=_blind_detector),
)
