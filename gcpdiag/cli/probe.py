"""``gcpdiag probe``: what runs inside the Cloud Run job of ``gcpdiag verify --from cloud-run-job``."""

from __future__ import annotations

import os
from datetime import timedelta

import click

from gcpdiag.errors import UsageError


def _duration(_context: click.Context, _parameter: click.Parameter, text: str) -> timedelta:
    from gcpdiag.collect.scope import parse_duration

    try:
        return parse_duration(text) if text else timedelta()
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


@click.command(epilog="Example: gcpdiag probe --timeout 5s")
@click.option(
    "--timeout",
    callback=_duration,
    default="10s",
    metavar="DURATION",
    show_default=True,
    help="How long every probe has; all run side by side.",
)
@click.option(
    "--settle",
    callback=_duration,
    default="",
    metavar="DURATION",
    help="Try again for so long what cannot be reached: a new instance's way into the VPC may open late.",
)
def probe(*, timeout: timedelta, settle: timedelta) -> None:
    """Probe the targets of the variable GCPDIAG_TARGETS, and write a line of JSON for each to standard output.

    It is what a job of `gcpdiag verify --from cloud-run-job` runs. Credentials come from environment variables. Exit
    code 0: every target has its line, whatever the line says.
    """
    from gcpdiag.cli.probing import origin_of
    from gcpdiag.verify.attempt import in_thread
    from gcpdiag.verify.job_probe import probe_settled
    from gcpdiag.verify.job_results import lines_of
    from gcpdiag.verify.job_targets import VARIABLE, unpack
    from gcpdiag.verify.runner import Prober

    async def identity(audience: str) -> str:
        from gcpdiag.gcp.identity import fetch_identity_token

        return await in_thread(lambda: fetch_identity_token(audience))

    text = os.environ.get(VARIABLE, "")
    if not text:
        raise UsageError(f"{VARIABLE} is not set", hint="It is set in the job; at a desk, use `gcpdiag verify`")
    prober = Prober(identity=identity, origin=origin_of(inside=False), deadline=timeout)
    for line in lines_of(probe_settled(prober, unpack(text), settle=settle)):
        click.echo(line)
