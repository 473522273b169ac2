"""``gcpdiag emulator``."""

from __future__ import annotations

import json
import re
import signal
import threading
from datetime import timedelta
from pathlib import Path

import click

from gcpdiag.bundle.read import load_bundle
from gcpdiag.errors import UsageError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")


@click.group()
def emulator() -> None:
    """Play Google's part: recorded incidents, served over the real protocols."""


@emulator.command(epilog="Example: gcpdiag emulator serve incident.zip --port 18080 --now")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Where REST is served; a free port by default.")
@click.option("--now", is_flag=True, help="Shift all times so that the bundle's window ends now.")
@click.option("--latency", default="0ms", help="Delay of every call, such as 60ms or 1s.")
@click.option("--fault", "faults", multiple=True, metavar="SOURCE=KIND", help="Strike a source; may be given again.")
def serve(path: Path, port: int, now: bool, latency: str, faults: tuple[str, ...]) -> None:  # noqa: FBT001 - click gives it so
    """Serve the bundle at PATH over REST and gRPC on loopback, until interrupted.

    When it is ready, one JSON line on standard output tells the addresses. SOURCE is a source of the manifest
    (logging.entries, vpcaccess.connectors …) or *; KIND is denied, disabled, 429, 500, 503, hang, drip, cut or
    malformed, and KIND:N strikes the first N calls only.
    """
    from gcpdiag.emulator.faults import parse_fault
    from gcpdiag.emulator.serve import serve as emulator_of

    struck = [parse_fault(one) for one in faults]
    with emulator_of(load_bundle(path), port=port, now=now, latency=_duration_of(latency), faults=struck) as running:
        interrupted = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: interrupted.set())
        click.echo(json.dumps(running.describe()))
        running.warm_up(interrupted)
        interrupted.wait()


def _duration_of(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if not found:
        raise UsageError(f"--latency {text!r} is no duration", hint="For example 60ms or 1.5s")
    return timedelta(seconds=float(found[1]) / (1000 if found[2] == "ms" else 1))
