"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcpdiag.shipped import playbook_root

if TYPE_CHECKING:
    from gcpdiag.playbook.load import Library

playbooks_option = click.option(
    "--playbooks",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A directory of playbooks of your own, besides the shipped ones; may be given again.",
)


def library_of(playbooks: Iterable[Path] = ()) -> Library:
    """Return the shipped playbooks with a user's own besides; PlaybookError names a file that cannot be used."""
    from gcpdiag.playbook.load import load_library

    return load_library([playbook_root(), *playbooks])
