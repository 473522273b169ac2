"""Every lint rule, each with one bad file and the line that it names."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.errors import PlaybookError
from gcpdiag.playbook.lint import RULES, Complaint, lint_library
from gcpdiag.playbook.lint_cause import CATEGORIES
from gcpdiag.playbook.load import load_library, load_tests

CAUSE = "resource-exhaustion/memory-limit.yaml"
SIGNALS = "signals/memory.yaml"

GOOD_CAUSE = """\
id: resource-exhaustion/memory-limit
title: The memory limit
summary: "{service} needs more than {memory}"
explanation: Instances are killed.
prior: common
findings:
  - {signal: memory-kill, likelihood: always, specific: true}
  - {signal: memory-full, likelihood: usually}
  - {signal: memory-lowered, likelihood: sometimes}
explains: []
look_alikes: []
remediation:
  - command: "gcloud run services update {service} --memory=MORE"
    risk: low
    why: It gives room.
verification:
  - No instance of {service} is killed.
signals:
  memory-lowered:
    detector: configuration
    title: little memory
    resource: service
    field: template.containers.resources.limits.memory
    equals: [128Mi]
---
test: instances are killed
traffic:
  - {start: +20m, status: 503, per_minute: 4, latency: 0.5s}
entries:
  - {log: varlog/system, at: +20m, every: 30s, times: 9, text: Memory limit of 512 MiB exceeded}
series:
  - {metric: run.googleapis.com/container/memory/utilizations, values: 0.3x20 0.99x40, distribution: true}
expect:
  first: resource-exhaustion/memory-limit
---
test: nothing is killed
traffic:
  - {status: 200}
expect:
  unnamed: [resource-exhaustion/memory-limit]
---
test: no logs
denied: [logging.entries]
expect:
  gaps: [logging.entries]
"""

GOOD_SIGNALS = """\
memory-kill:
  detector: log
  title: killed for memory
  logs: [system]
  any:
    - Memory limit of \\S+ MiB exceeded
  leak: 0.01
memory-full:
  detector: metric
  title: memory full
  metric: run.googleapis.com/container/memory/utilizations
  resource: service
  above: 0.95
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A good text, a bad text in its place, and how the line begins that the rule must name."""

    rule: str
    old: str
    new: str
    at: str
    file: str = CAUSE
    says: str = ""


CASES = (
    Case(rule="yaml-syntax", old="prior: common", new="prior: [common", at="prior: [common"),
    Case(rule="yaml-syntax", old="prior: common", new="prior: common: [", at="prior: common:"),
    Case(rule="yaml-syntax", old="test: no logs", new="test: 'no logs", at="test: 'no", says="quoted"),
    Case(rule="yaml-extras", old="prior: common", new="prior: &p common", at="prior:", says="an anchor"),
    Case(rule="duplicate-key", old="prior: common", new="title: again", at="title: again", says="line 2"),
    Case(rule="unknown-field", old="prior:", new="piror:", at="piror:", says="did you mean 'prior'?"),
    Case(rule="unknown-field", old="per_minute: 4", new="per_minit: 4", at="  - {start", says="per_minute"),
    Case(rule="unknown-field", old="leak:", new="leek:", at="  leek:", file=SIGNALS, says="'leak'"),
    Case(rule="missing-field", old="title: The memory limit\n", new="", at="id:", says="'title'"),
    Case(
        rule="missing-field",
        old="  detector: metric\n",
        new="",
        at="memory-full:",
        file=SIGNALS,
        says="detector",
    ),
    Case(
        rule="wrong-value",
        old="usually}",
        new="usualy}",
        at="  - {signal: memory-full",
        says="did you mean 'usually'?",
    ),
    Case(rule="wrong-value", old="title: The memory limit", new="title: 12", at="title:", says="Expected `str`"),
    Case(
        rule="wrong-value",
        old="detector: log",
        new="detector: logs",
        at="  detector:",
        file=SIGNALS,
        says="did you mean 'log'?",
    ),
    Case(rule="empty-text", old="why: It gives room.", new='why: " "', at="    why:", says="'why'"),
    Case(rule="empty-text", old="test: no logs", new="test: ''", at="test: ''"),
    Case(rule="id-form", old="exhaustion/memory-limit\ntitle", new="exhaustion/Memory\ntitle", at="id:"),
    Case(rule="id-path", old="exhaustion/memory-limit\ntitle", new="exhaustion/memory\ntitle", at="id:"),
    Case(
        rule="new-category",
        old="id: resource-exhaustion",
        new="id: resource-exhausted",
        at="id:",
        says="did you mean 'resource-exhaustion'?",
    ),
    Case(
        rule="no-findings",
        old=GOOD_CAUSE[GOOD_CAUSE.index("findings:") : GOOD_CAUSE.index("explains")],
        new="findings: []\n",
        at="findings:",
    ),
    Case(
        rule="unknown-signal",
        old="signal: memory-full",
        new="signal: memory-ful",
        at="  - {signal: memory-ful,",
        says="did you mean 'memory-full'?",
    ),
    Case(
        rule="repeated-finding",
        old="signal: memory-full",
        new="signal: memory-kill",
        at="  - {signal: memory-kill, likelihood: usually",
        says="line 7",
    ),
    Case(rule="nothing-specific", old=", specific: true", new="", at="findings:"),
    Case(
        rule="unknown-cause",
        old="look_alikes: []",
        new="look_alikes:\n  - resource-exhaustion/memory-limits",
        at="  - resource-exhaustion/memory-limits",
        says="did you mean 'resource-exhaustion/memory-limit'?",
    ),
    Case(rule="unknown-cause", old="unnamed: [", new="unnamed: [a/b, ", at="  unnamed:", says="'a/b'"),
    Case(
        rule="own-look-alike",
        old="explains: []",
        new="explains: [resource-exhaustion/memory-limit]",
        at="explains:",
    ),
    Case(
        rule="unknown-placeholder",
        old="{memory}",
        new="{memroy}",
        at="summary:",
        says="did you mean 'memory'?",
    ),
    Case(rule="unknown-placeholder", old="of {service} is", new="of {svc} is", at="  - No instance"),
    Case(
        rule="no-remedy",
        old='"gcloud run services update {service} --memory=MORE"',
        new="''",
        at="  - command:",
    ),
    Case(
        rule="doubled-signal",
        old="  memory-lowered:\n    detector",
        new="  memory-full:\n    detector",
        at="  memory-full:",
        says="memory.yaml:8",
    ),
    Case(
        rule="unused-signal",
        old="  - {signal: memory-full, likelihood: usually}\n",
        new="",
        at="memory-full:",
        file=CAUSE,
    ),
    Case(rule="bad-pattern", old="\\S+ MiB", new="(?=x) MiB", at="    - Memory", file=SIGNALS),
    Case(rule="greedy-pattern", old="Memory limit of \\S+ MiB exceeded", new="x*", at="    - x*", file=SIGNALS),
    Case(rule="greedy-pattern", old="Memory limit of \\S+ MiB exceeded", new=".+", at="    - .+", file=SIGNALS),
    Case(
        rule="particular-pattern",
        old="MiB exceeded",
        new="MiB of eve@example\\.com",
        at="    - Memory",
        file=SIGNALS,
        says="eve@example.com",
    ),
    Case(rule="particular-pattern", old="MiB exc", new="10\\.1\\.2\\.3", at="    - Mem", file=SIGNALS),
    Case(rule="particular-pattern", old="MiB exc", new="411205768213", at="    - Mem", file=SIGNALS),
    Case(rule="number-range", old="leak: 0.01", new="leak: 0.6", at="  leak:", file=SIGNALS, says="0.6"),
    Case(rule="number-range", old="leak: 0.01", new="leak: 0", at="  leak:", file=SIGNALS),
    Case(rule="metric-bound", old="  above: 0.95\n", new="", at="memory-full:", file=SIGNALS, says="no bound"),
    Case(
        rule="metric-bound",
        old="  above: 0.95\n",
        new="  above: 0.95\n  below: 0.1\n",
        at="  below:",
        file=SIGNALS,
        says="contradict",
    ),
    Case(rule="configuration-bound", old="    equals: [128Mi]\n", new="", at="  memory-lowered:"),
    Case(rule="blind-detector", old="logs: [system]", new="logs: []", at="memory-kill:", file=SIGNALS),
    Case(
        rule="few-tests",
        old=GOOD_CAUSE[GOOD_CAUSE.index("---\ntest: no logs") :],
        new="",
        at="id:",
        says="2 tests",
    ),
    Case(
        rule="no-first-test",
        old="  first: resource-exhaustion/memory-limit",
        new="  named: [resource-exhaustion/memory-limit]",
        at="id:",
    ),
    Case(rule="no-unnamed-test", old="  unnamed: [resource", new="  named: [resource", at="id:"),
    Case(
        rule="no-gap-test",
        old="denied: [logging.entries]\nexpect:\n  gaps: [logging.entries]",
        new="expect:\n  status: healthy",
        at="id:",
    ),
    Case(rule="no-expectation", old="expect:\n  gaps: [logging.entries]", new="expect: {}", at="expect: {}"),
    Case(rule="repeated-test", old="test: no logs", new="test: nothing is killed", at="test: nothing is killed"),
    Case(
        rule="unknown-source",
        old="denied: [logging.entries]",
        new="denied: [logging.entrys]",
        at="denied:",
        says="did you mean 'logging.entries'?",
    ),
    Case(rule="test-notation", old="start: +20m", new="start: 20 minutes", at="  - {start"),
    Case(rule="test-notation", old="start: +20m", new="start: +70m", at="  - {start", says="before it starts"),
    Case(rule="test-notation", old="latency: 0.5s", new="latency: 500ms", at="  - {start", says="0.120s"),
    Case(rule="test-notation", old="log: varlog/system", new="log: system", at="  - {log: system"),
    Case(rule="test-notation", old="times: 9", new="times: 0", at="  - {log"),
    Case(rule="test-notation", old="0.3x20 0.99x40", new="0.3*20", at="  - {metric", says="0.3x20"),
)
"""Rules about whole files (``unreadable``, ``ignored-file``) have tests of their own below."""


def write(root: Path, **changed: str) -> Path:
    """Write the good library, with some of its files changed."""
    texts = {CAUSE: GOOD_CAUSE, SIGNALS: GOOD_SIGNALS} | changed
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def lint(root: Path, **changed: str) -> list[Complaint]:
    """Return the complaints about the good library with some of its files changed."""
    return lint_library([write(root, **changed)])


def test_a_good_library_gives_no_complaint(tmp_path: Path) -> None:
    assert lint(tmp_path) == []


def test_the_good_library_loads(tmp_path: Path) -> None:
    assert list(load_library([write(tmp_path)]).playbooks) == ["resource-exhaustion/memory-limit"]


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.rule}:{one.new[:20]!r}")
def test_a_rule_names_the_line_of_the_mistake(case: Case, tmp_path: Path) -> None:
    good = GOOD_CAUSE if case.file == CAUSE else GOOD_SIGNALS
    assert good.count(case.old) == 1
    bad = good.replace(case.old, case.new)

    found = [one for one in lint(tmp_path, **{case.file: bad}) if one.rule == case.rule]

    named = [one.path.read_text(encoding="utf-8").splitlines()[one.line - 1] for one in found]
    assert len(found) == 1
    assert named[0].startswith(case.at)
    assert case.says in found[0].text


def test_every_rule_has_a_case() -> None:
    assert {rule.id for rule in RULES} == {case.rule for case in CASES} | {"unreadable", "ignored-file"}


@pytest.mark.parametrize("rule", RULES, ids=lambda one: one.id)
def test_every_rule_says_what_it_asks_for(rule: object) -> None:
    description = getattr(rule, "description", "")
    assert description.endswith(".")


def test_rule_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"  \n"])
def test_a_file_that_cannot_be_read_is_named(content: bytes, tmp_path: Path) -> None:
    path = write(tmp_path) / CAUSE
    path.write_bytes(content)

    found = lint_library([tmp_path])

    assert [(one.path, one.line) for one in found if one.rule == "unreadable"] == [(path, 1)]


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    (complaint,) = lint_library([tmp_path / "nowhere"])

    assert complaint.rule == "unreadable"


def test_a_file_that_nobody_reads_is_named(tmp_path: Path) -> None:
    path = write(tmp_path) / "resource-exhaustion/cpu.yml"
    path.write_text("id: x")

    assert [(one.path, one.rule) for one in lint_library([tmp_path])] == [(path, "ignored-file")]


def test_one_bad_file_does_not_hide_the_mistakes_of_another(tmp_path: Path) -> None:
    write(tmp_path, **{CAUSE: GOOD_CAUSE.replace("prior: common", "piror: common")})
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform/quota.yaml").write_text("id: [")

    rules = {(one.path.name, one.rule) for one in lint_library([tmp_path])}

    assert {("memory-limit.yaml", "unknown-field"), ("quota.yaml", "yaml-syntax")} <= rules


@pytest.mark.parametrize("file", [CAUSE, SIGNALS])
def test_a_broken_file_is_the_only_complaint(file: str, tmp_path: Path) -> None:
    assert {one.rule for one in lint(tmp_path, **{file: "a: ["})} == {"yaml-syntax"}


def test_all_mistakes_of_one_file_are_told(tmp_path: Path) -> None:
    bad = GOOD_CAUSE.replace("usually}", "usualy}").replace("prior:", "piror:").replace("{memory}", "{mem}")

    found = lint(tmp_path, **{CAUSE: bad})

    assert {one.rule for one in found} >= {"wrong-value", "unknown-field", "unknown-placeholder"}


def test_a_later_directory_may_replace_a_cause(tmp_path: Path) -> None:
    shipped = write(tmp_path / "shipped")
    own = tmp_path / "own"
    (own / "resource-exhaustion").mkdir(parents=True)
    (own / CAUSE).write_text(GOOD_CAUSE.replace("The memory limit", "Our memory limit"))

    assert lint_library([shipped, own]) == []


def test_complaints_read_like_a_compilers(tmp_path: Path) -> None:
    (complaint,) = lint(tmp_path, **{CAUSE: GOOD_CAUSE.replace("usually}", "usualy}")})

    told = str(complaint)

    assert re.search(r"memory-limit\.yaml:8: error: .* \[wrong-value\]$", told)


def test_the_contracts_categories_are_the_known_ones() -> None:
    assert len(CATEGORIES) == 9


@contextmanager
def _library(text: str) -> Iterator[Path]:
    """A directory with the good library, its cause replaced by a text."""
    with tempfile.TemporaryDirectory() as home:
        yield write(Path(home), **{CAUSE: text})


@given(text=st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#?,%@` \n\t0\x07\u2028é"), max_size=80))
def test_no_text_makes_lint_raise(text: str) -> None:
    with _library(text) as root:
        assert lint_library([root])


@st.composite
def _damaged(draw: st.DrawFn) -> str:
    """The good file with some lines lost, doubled, swapped or spoilt."""
    lines = GOOD_CAUSE.splitlines()
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        at = draw(st.integers(min_value=0, max_value=len(lines) - 1))
        match draw(st.sampled_from(["drop", "double", "swap", "spoil", "indent"])):
            case "drop":
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "swap":
                lines[at], lines[at - 1] = lines[at - 1], lines[at]
            case "spoil":
                lines[at] = lines[at].replace(":", draw(st.sampled_from(["", ": 7 #", ": []", ": {x: y} #"])), 1)
            case _:
                lines[at] = f"  {lines[at]}"
    return "\n".join(lines) + "\n"


@given(text=_damaged())
def test_what_the_loader_refuses_lint_explains(text: str) -> None:
    with _library(text) as root:
        complaints = lint_library([root])
        try:
            load_library([root])
            load_tests(root / CAUSE)
        except PlaybookError:
            assert any(one.severity == "error" for one in complaints)
