"""Draw ``docs/demo.svg``, the picture in the README, from what ``gcpdiag demo`` really prints.

python docs/picture.py
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from gcpdiag.bundle.read import load_bundle
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.playbook.load import load_library
from gcpdiag.report.to_text import render_text
from gcpdiag.shipped import demo_bundle, playbook_root

WIDTH = 104
SHOWN = "SERVICES"  # the picture ends before this heading


def main() -> None:
    """Write the picture beside this script."""
    report = render_text(diagnose(load_bundle(demo_bundle()), load_library([playbook_root()])), width=WIDTH, color=True)
    lines = report.splitlines()
    end = next(number for number, line in enumerate(lines) if SHOWN in line)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi("$ gcpdiag demo\n" + "\n".join(lines[:end]).rstrip()), highlight=False)
    drawing = console.export_svg(title="gcpdiag demo", unique_id="gcpdiag")
    drawing = re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL)  # the reader's own monospace font
    (Path(__file__).parent / "demo.svg").write_text(drawing.replace("Fira Code", "monospace"), encoding="utf-8")


if __name__ == "__main__":
    main()
