"""The pages of docs/causes are what the playbooks say today."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gcpdiag.playbook.load import Library, load_library
from gcpdiag.shipped import playbook_root

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "causes"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library([playbook_root()])


def test_every_page_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "docs/make_causes.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)

    assert done.stdout == ""
    assert done.returncode == 0, done.stderr


def test_every_cause_has_a_page_that_tells_all_of_it(library: Library) -> None:
    for cause in library.playbooks:
        page = (PAGES / f"{cause.replace('/', '-')}.md").read_text(encoding="utf-8")
        for heading in ("What it is", "How it is known", "What it is confused with", "What to do", "How to verify"):
            assert f"## {heading}" in page, cause


def test_no_link_leads_nowhere_and_no_placeholder_is_left() -> None:
    for path in PAGES.glob("*.md"):
        page = path.read_text(encoding="utf-8")
        assert all((PAGES / target).is_file() for target in re.findall(r"\]\(([^)]+)\)", page)), path.name
        assert not re.search(r"\{[a-z_]+\}", page), path.name
