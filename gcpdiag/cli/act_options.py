"""Options of the commands that change a service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NotRequired, TypeVar

import click

from gcpdiag.cli.carry import CarryOptions, carry_options

Command = TypeVar("Command", bound=Callable[..., object])


class ActOptions(CarryOptions):
    """What the options of ``act_options`` give to a command, by parameter.

    `gcpdiag plan` has neither ``--apply`` nor what ``CarryOptions`` names, which is read with ``--apply`` alone.
    """

    project: str
    regions: tuple[str, ...]
    impersonate: str
    quota_project: str
    token_file: Path | None
    output: str
    save: Path | None
    apply: NotRequired[bool]
    reason: str
    causes: tuple[str, ...]
    confidence: float | None
    production: bool


_OPTIONS = (
    click.argument("service"),
    click.option(
        "--project", default="", help="The Google Cloud project; by default gcloud's own, or the credentials'."
    ),
    click.option(
        "--region", "regions", multiple=True, help="The service's region, where more than one has a service so named."
    ),
    click.option(
        "--impersonate-service-account", "impersonate", default="", help="Act as this service account (its e-mail)."
    ),
    click.option("--quota-project", default="", help="The project that the calls are counted against."),
    click.option(
        "--access-token-file",
        "token_file",
        type=click.Path(path_type=Path),
        help="A file with an OAuth access token, instead of Application Default Credentials.",
    ),
    click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="The plan as text for people, or as JSON for programs.",
    ),
    click.option(
        "--save", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Keep the plan, for `gcpdiag apply FILE`."
    ),
    click.option("--reason", default="", help="Why; it stands in the plan and in the journal."),
    click.option(
        "--cause", "causes", multiple=True, help="The cause of a diagnosis that this answers; may be given again."
    ),
    click.option(
        "--confidence", type=click.FloatRange(0, 1), help="How sure the diagnosis is of that cause, from 0 to 1."
    ),
    click.option("--production", is_flag=True, help="Yes, this is a production project."),
)


def apply_option(command: Command) -> Command:
    """Give a command ``--apply``, and the options that go with it."""
    option = click.option("--apply", is_flag=True, help="Carry the plan out; without it nothing is changed.")
    return option(carry_options(command))


def act_options(command: Command) -> Command:
    """Give a command the argument and the options that ``ActOptions`` names, but for ``--apply``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_LIMITS = (
    click.option("--memory", default="", metavar="QUANTITY", help="Memory of an instance, such as 512Mi or 2Gi."),
    click.option("--cpu", default="", metavar="NUMBER", help="CPUs of an instance: 1, 2, 4, 6, 8, or a part of one."),
    click.option("--min-instances", type=int, metavar="N", help="Instances that are kept at least."),
    click.option("--max-instances", type=int, metavar="N", help="Instances that there may be at most."),
    click.option("--concurrency", type=int, metavar="N", help="Requests that one instance serves at once."),
)


def limit_options(command: Command) -> Command:
    """Give a command the options for limits."""
    for option in reversed(_LIMITS):
        command = option(command)
    return command


to_option = click.option("--to", default="", metavar="REVISION", help="Go back to this one; the best by default.")
setting_option = click.option(
    "--setting",
    type=click.Choice(["private-ranges-only", "all-traffic"]),
    required=True,
    help="What takes the VPC: requests to private addresses, or all.",
)
