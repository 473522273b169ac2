"""Measure whole processes: start-up, a 5,000-entry triage, and entries a second and memory on many entries.

    python benchmarks/triage.py [--entries 1000000]

Prints medians, and each time as a ratio to starting Python itself, since machines differ.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMALL = 5_000  # entries
OUTAGE = Path(__file__).parents[1] / "fixtures" / "staging-503"


def main() -> None:
    """Run every measurement and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    bare = median_seconds(["-c", "pass"], options.runs)
    print(f"python -c pass              {bare:6.3f} s")
    for title, arguments in (
        ("gcpdiag --version", ["-m", "gcpdiag", "--version"]),
        ("gcpdiag --help", ["-m", "gcpdiag", "--help"]),
        ("gcpdiag demo (text)", ["-m", "gcpdiag", "demo"]),
        ("gcpdiag demo (JSON)", ["-m", "gcpdiag", "demo", "--output", "json"]),
    ):
        seconds = median_seconds(arguments, options.runs)
        print(f"{title:<27} {seconds:6.3f} s  {seconds / bare:5.1f} × bare Python")
    with tempfile.TemporaryDirectory() as folder:
        for title, count in ((f"{SMALL:,} entries", SMALL), (f"{options.entries:,} entries", options.entries)):
            write_bundle(Path(folder), count)
            arguments = ["-m", "gcpdiag", "triage", "--bundle", folder, "--output", "json"]
            seconds = median_seconds(arguments, options.runs if count <= SMALL else 1)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"{title:<27} {seconds:6.3f} s  {count / seconds:9,.0f} entries/s  peak {peak:.0f} MiB")


def median_seconds(arguments: list[str], runs: int) -> float:
    """Return the median time of running Python with these arguments."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def write_bundle(folder: Path, count: int) -> None:
    """Write the recorded outage with its log entries repeated up to a count."""
    for path in OUTAGE.rglob("*.json*"):
        target = folder / path.relative_to(OUTAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    lines = (OUTAGE / "logging" / "entries.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    with (folder / "logging" / "entries.jsonl").open("w", encoding="utf-8") as file:
        for start in range(0, count, len(lines)):
            file.writelines(lines[: count - start])


if __name__ == "__main__":
    main()
