"""The ``gcpdiag`` command and its entry point; a command's own module is imported when it runs."""

from __future__ import annotations

import importlib
import os
import sys
from typing import NoReturn

import click

from gcpdiag import __version__
from gcpdiag.errors import GcpdiagError

_COMMANDS = {
    "triage": ("gcpdiag.cli.triage", "Find the root cause of 5xx answers, ranked and with evidence."),
    "demo": ("gcpdiag.cli.triage", "Triage a recorded outage; needs nothing to be configured."),
    "doctor": ("gcpdiag.cli.doctor", "Check before an incident: who you are, what you may see, how to get the rest."),
    "collect": ("gcpdiag.cli.collect", "Keep what Google answers about a project, to diagnose it anywhere."),
    "watch": ("gcpdiag.cli.watch", "Watch a project: triage again and again, until it is healthy."),
    "explain": (
        "gcpdiag.cli.playbook",
        "Explain a cause: how it is known, what it is confused with, what to do.",
    ),
    "plan": ("gcpdiag.cli.act", "Plan a change of a service and check it; nothing is changed."),
    "restart": ("gcpdiag.cli.act", "Replace every instance of a service by a fresh one."),
    "scale": ("gcpdiag.cli.act", "Give a service other limits of memory, CPU, concurrency or instances."),
    "rollback": ("gcpdiag.cli.act", "Send all traffic to the last revision that served without 5xx."),
    "traffic": ("gcpdiag.cli.act", "Send all traffic to the latest revision again, after a rollback."),
    "egress": ("gcpdiag.cli.act", "Choose which outgoing requests of a service take the VPC."),
    "apply": ("gcpdiag.cli.apply", "Do exactly what a plan says, or refuse; guards judge it again right before."),
    "verify": ("gcpdiag.cli.verify", "Check whether it is over: real probes, and what records say since the repair."),
    "probe": ("gcpdiag.cli.probe", "What a job of `verify --from cloud-run-job` runs; not for use by hand."),
    "undo": ("gcpdiag.cli.apply", "Take a change back: the last one, one by its id, or all of the incident."),
    "history": ("gcpdiag.cli.history", "List what was changed from here, and how it ended."),
    "resume": ("gcpdiag.cli.history", "Settle what was interrupted, by reading; nothing is done again."),
    "bundle": ("gcpdiag.cli.bundle", "Look into incident bundles."),
    "playbook": ("gcpdiag.cli.playbook", "List, show, lint and test the playbooks of causes."),
    "evaluate": ("gcpdiag.cli.evaluate", "Measure on labelled bundles how often gcpdiag is right."),
    "emulator": ("gcpdiag.cli.emulator", "Play Google's part: serve a bundle over the real protocols."),
}
_EXAMPLES = """\b
Examples:
  gcpdiag demo
  gcpdiag triage --project my-project --region us-central1
  gcpdiag collect --project my-project -o incident.zip
  gcpdiag triage --bundle incident.zip
  gcpdiag triage --bundle files/ --output markdown > ticket.md
  gcpdiag explain vpc-connector/egress-blocked
"""


class _LazyGroup(click.Group):
    """A group that knows its commands' names and help, and imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        """Return the names in the order of a user's day."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click calls it so
        """Return the command, from its own module."""
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click calls it so
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.command(cls=_LazyGroup, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gcpdiag")
def gcpdiag() -> None:
    r"""Diagnose why a Cloud Run service answers 5xx: ranked root causes, with evidence for and against.

    \b
    Exit codes of triage: 0 healthy, 10 incident found, 11 inconclusive,
    2 wrong usage, 3 nothing could be read, 1 gcpdiag itself failed.
    """


def _leave(code: int) -> NoReturn:
    """End the process; at once if Google was asked: nobody waits for a call that hangs, nor for gRPC's tidying up."""
    sys.stdout.flush()
    if "grpc" in sys.modules:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run() -> None:
    """Run the command line; every failure ends in one clear line on standard error."""
    try:
        code = gcpdiag.main(standalone_mode=False)  # what a command gave to Exit, else None
        _leave(code or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except GcpdiagError as error:
        click.echo(f"gcpdiag: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:  # the one catch-all: a person on call needs a line, not a traceback
        if os.environ.get("GCPDIAG_DEBUG"):
            raise
        click.echo(f"gcpdiag: unexpected {type(error).__name__}: {error}", err=True)
        click.echo("Set GCPDIAG_DEBUG=1 to see where; the bundle was not changed.", err=True)
        sys.exit(1)
