"""Write ``docs/causes/``, a page for each cause and a list of them, from the playbooks that ship.

python docs/make_causes.py [--check]

With ``--check`` nothing is written: it says which pages are out of date, and ends with exit code 1 if any is.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from gcpdiag.playbook.format import PROBABILITY, ExpectedFinding, Playbook, Remediation
from gcpdiag.playbook.load import Library, load_library, load_tests
from gcpdiag.shipped import playbook_root

HERE = Path(__file__).parent / "causes"
INDEX = "README.md"
_MADE = "<!-- Made by docs/make_causes.py from playbooks/{id}.yaml: change that file, not this page. -->"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_MARKUP = re.compile(r"([\\`*_|<>\[\]])")


def main() -> None:
    """Write the pages, or tell which of them are out of date."""
    parser = argparse.ArgumentParser(description="Make the pages of docs/causes/ from the playbooks.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when a page is out of date")
    asked = parser.parse_args()
    pages = pages_of(load_library([playbook_root()]))
    known = {path.name: path.read_text(encoding="utf-8") for path in HERE.glob("*.md")}
    stale = sorted(name for name in {*pages, *known} if pages.get(name) != known.get(name))
    if asked.check:
        for name in stale:
            sys.stdout.write(f"docs/causes/{name} is out of date: run `python docs/make_causes.py`\n")
        sys.exit(1 if stale else 0)
    HERE.mkdir(exist_ok=True)
    for name in stale:
        if name in pages:
            (HERE / name).write_text(pages[name], encoding="utf-8")
        else:
            (HERE / name).unlink()


def pages_of(library: Library) -> dict[str, str]:
    """Return the text of every page by its file's name."""
    pages = {_file(cause): "\n".join(_page(one, library)) + "\n" for cause, one in library.playbooks.items()}
    return {**pages, INDEX: "\n".join(_index(library)) + "\n"}


def _index(library: Library) -> Iterator[str]:
    yield "<!-- Made by docs/make_causes.py from the playbooks. -->"
    yield ""
    yield "# The causes that gcpdiag can name"
    yield ""
    yield "`gcpdiag explain CAUSE` prints the same in the terminal."
    category = ""
    for cause, playbook in library.playbooks.items():
        if playbook.category != category:
            category = playbook.category
            yield from ("", f"## {category}", "", "| cause | it is this when |", "|---|---|")
        yield f"| [`{cause}`]({_file(cause)}) | {_said(playbook.title)} |"


def _page(playbook: Playbook, library: Library) -> Iterator[str]:
    yield _MADE.format(id=playbook.id)
    yield ""
    yield f"# {_said(playbook.title)}"
    yield ""
    yield f"`{playbook.id}` · {playbook.prior} among incidents · [all causes]({INDEX})"
    yield ""
    yield "## What it is"
    yield ""
    for paragraph in re.split(r"\n\s*\n", playbook.explanation.strip()):
        yield from (_said(" ".join(paragraph.split())), "")
    yield "## How it is known"
    yield ""
    yield from _findings(playbook, library)
    yield from _look_alikes(playbook, library)
    yield from _effects(playbook, library)
    yield from _steps(playbook.remediation)
    yield from _section("How to verify", (f"- {_said(_filled(one))}" for one in playbook.verification))
    tests = (f"- {_said(one.test)}" for one in load_tests(library.paths[playbook.id]))
    yield from _section("What it is tested with", tests)


def _findings(playbook: Playbook, library: Library) -> Iterator[str]:
    """Yield the findings, most likely first; what may name the cause is set in bold."""
    yield "How often each sign is there when this is the cause. Only what is **bold** may name it; the rest counts."
    yield ""
    yield "| sign | | how often | without it |"
    yield "|---|---|---|---|"
    for one in sorted(playbook.findings, key=lambda one: (not one.specific, -PROBABILITY[one.likelihood])):
        signal = library.catalogue.definitions[one.signal]
        title = f"**{_said(signal.title)}**" if one.specific else _said(signal.title)
        yield f"| {title} | `{one.signal}` | {one.likelihood} | {100 * signal.leak:g}% |"
    yield ""


def _look_alikes(playbook: Playbook, library: Library) -> Iterator[str]:
    lines: list[str] = []
    for other in playbook.look_alikes:
        if other not in library.playbooks:
            continue
        own = {one.signal for one in playbook.findings}
        telling = [one for one in library.playbooks[other].findings if one.specific and one.signal not in own]
        lines.append(f"- {_link(other, library)}. {_would_show(telling, library)}".rstrip())
    yield from _section("What it is confused with", lines)


def _would_show(findings: Iterable[ExpectedFinding], library: Library) -> str:
    """Return what would be seen if it were the other cause."""
    ordered = sorted(findings, key=lambda one: -PROBABILITY[one.likelihood])
    titles = [_said(library.catalogue.definitions[one.signal].title) for one in ordered]
    return f"It would show: {'; '.join(titles[:3])}." if titles else ""


def _effects(playbook: Playbook, library: Library) -> Iterator[str]:
    effects = [f"- {_link(one, library)}" for one in playbook.explains if one in library.playbooks]
    if effects:
        effects = ["Told as effects of this cause, and not as causes, where both are seen:", "", *effects]
    yield from _section("What follows from it", effects)


def _steps(steps: Iterable[Remediation]) -> Iterator[str]:
    lines: list[str] = []
    for number, step in enumerate(steps, start=1):
        lines += [f"{number}. {_said(_filled(step.why))} ({step.risk} risk)", "", "   ```sh"]
        lines += [f"   {line}" for line in _filled(step.command).strip().splitlines()]
        lines += ["   ```", ""]
    yield from _section("What to do, safest first", lines[:-1])


def _section(heading: str, lines: Iterable[str]) -> Iterator[str]:
    told = list(lines)
    if told:
        yield from (f"## {heading}", "", *told, "")


def _link(cause: str, library: Library) -> str:
    return f"[{_said(library.playbooks[cause].title)}]({_file(cause)})"


def _file(cause: str) -> str:
    return f"{cause.replace('/', '-')}.md"


def _filled(text: str) -> str:
    """Return the text with its placeholders in capitals, as a reader fills them in."""
    return _PLACEHOLDER.sub(lambda found: found.group(1).upper(), text)


def _said(text: str) -> str:
    """Return text of a playbook as Markdown that shows it as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


if __name__ == "__main__":
    main()
