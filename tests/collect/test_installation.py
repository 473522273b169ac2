"""What is installed here, and what a shell starts by its names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gcpdiag.collect.installation import load_installation


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """Write an executable file of a name into a folder."""

    def write(folder: str, name: str, text: str) -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    return write


OURS = "#!/usr/bin/python3\nfrom gcpdiag.cli.main import run\nrun()\n"
GOOGLES = "#!/bin/bash\nexec docker run us-docker.pkg.dev/gcpdiag-dist/release/gcpdiag\n"


def test_the_first_command_on_path_is_told_for_what_it_is(script: Callable[[str, str, str], Path]) -> None:
    theirs = script("theirs", "gcpdiag", GOOGLES)
    ours = script("ours", "gcpdiag", OURS)
    second = script("ours", "gcptriage", OURS)

    def programs(*folders: Path, running: Path) -> list[str]:
        path = ":".join(map(str, folders))
        return [one.program for one in load_installation({"PATH": path}, running=str(running)).commands]

    assert programs(theirs.parent, ours.parent, running=second) == ["other-program", "this"]
    assert programs(ours.parent, theirs.parent, running=ours) == ["this", "this"]
    assert programs(ours.parent, running=theirs) == ["other-installation", "other-installation"]
    assert programs(theirs.parent, running=ours) == ["other-program", "none"]


def test_versions_are_told_without_importing_a_library() -> None:
    found = load_installation({})

    assert found.libraries["google-cloud-run"]
    assert [one.program for one in found.commands] == ["none", "none"]
