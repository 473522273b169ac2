"""A check-up for a terminal: what was found first, what to do about it last, and the verdict as its last line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gcpdiag.collect.checkup import (
    Checkup,
    LogReads,
    Readiness,
    Told,
    Verdict,
    enable_command,
    grant_commands,
)
from gcpdiag.collect.installation import NAMES, Command, Installation
from gcpdiag.collect.limiter import LOG_READS_A_MINUTE
from gcpdiag.collect.permission import Need, Permission
from gcpdiag.gcp.failure import Failure
from gcpdiag.model.window import clock_time
from gcpdiag.report.page import Page
from gcpdiag.report.wording import command_line, plain, shortened

_QUIET, _COMMAND, _HEADING, _GOOD, _BAD, _UNSURE = "dim", "cyan", "bold", "green", "bold red", "yellow"
_GROUPS: tuple[tuple[Need, str, str], ...] = (
    ("triage", "TRIAGE", "TRIAGE"),
    ("bundle", "KEPT BUNDLES ONLY", "KEPT BUNDLES"),
    ("discovery", "OPTIONAL", "THE OPTIONAL PART"),
    ("changes", "CHANGES ONLY", "CHANGES"),
)
"""What permissions are for, as it is named over the permissions and over the commands that grant them."""
_VERDICT_STYLES: dict[Readiness, str] = {
    "ready": _GOOD,
    "partial": _UNSURE,
    "unverified": _UNSURE,
    "blocked": _BAD,
}
_ROLE_FILES: dict[Need, str] = {"triage": "gcpdiag doctor --role triage", "changes": "gcpdiag doctor --role actions"}
_INDENT = 2
_MOST_NAMED = 6
_LONGEST_REASON = 160  # characters; the JSON has it whole
_SERVICE_SUFFIX = ".googleapis.com"


def render_checkup(checkup: Checkup, *, width: int, color: bool) -> str:
    """Return the check-up for a terminal of that many columns; without colour it has no escape sequences."""
    page = Page(width)
    _who(page, checkup)
    _program(page, checkup.installation)
    if checkup.apis:
        _apis(page, checkup)
        _permissions(page, checkup)
    _what_to_do(page, checkup, width)
    verdict = checkup.verdict
    page.blank()
    page.prose(Text(verdict_line(verdict), _VERDICT_STYLES[verdict.readiness]), indent=0)
    return page.rendered(color=color)


def verdict_line(verdict: Verdict) -> str:
    """Return whether triage can work, in one sentence."""
    match verdict.readiness:
        case "ready":
            return "Ready: triage sees everything"
        case "blocked":
            return f"Triage cannot work: {plain(verdict.reason)}"
        case "unverified":
            return f"Triage may work: {verdict.reason}"
        case "partial":
            parts = [f"without {_some(verdict.without)}"] if verdict.without else []
            parts += [f"perhaps without {_some(verdict.unsure)}"] if verdict.unsure else []
            return "; ".join([", ".join(["Triage works", *parts]), *([verdict.reason] if verdict.reason else [])])


def _some(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    rest = len(unique) - _MOST_NAMED
    return ", ".join(unique[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _who(page: Page, checkup: Checkup) -> None:
    caller = checkup.caller
    anonymous = "none" if checkup.emulator else "unknown"
    rows = [
        ("project", _told(checkup.project, "none")),
        ("region", _told(checkup.region, "none set: triage looks wherever there are services")),
        ("account", _told(caller.account, anonymous)),
        ("credentials", plain(caller.credentials or "none")),
        ("quota project", plain(caller.quota_project or "none set")),
        ("log reads", _log_reads(checkup.log_reads)),
    ]
    if checkup.emulator:
        rows.insert(0, ("emulator", f"{plain(checkup.emulator)}, not Google (GCPDIAG_EMULATOR_HOST)"))
    page.heading(("WHO ASKS", _HEADING))
    _rows(page, rows)


def _told(told: Told, otherwise: str) -> str:
    if not told.value:
        return otherwise
    return f"{plain(told.value)} ({told.origin})"


def _log_reads(reads: LogReads) -> str:
    limit = f"{LOG_READS_A_MINUTE} a minute for the project"
    if reads.left is None or reads.until is None:
        return f"{limit}; how many are left is unknown"
    return f"{limit}; {reads.left} left in the busiest minute until {clock_time(reads.until)} UTC"


def _program(page: Page, installation: Installation) -> None:
    libraries = [
        f"{name.removeprefix('google-cloud-')} {version or 'missing'}"
        for name, version in installation.libraries.items()
    ]
    page.heading(("PROGRAM", _HEADING))
    _rows(
        page,
        [
            ("gcpdiag-triage", f"{installation.version}, Python {installation.python}"),
            *((one.name, _command(one)) for one in installation.commands),
            ("libraries", ", ".join(libraries)),
        ],
    )


def _command(command: Command) -> str:
    path = plain(command.path)
    match command.program:
        case "this":
            return f"{path}: this program" + (" by its second name" if command.name != NAMES[0] else "")
        case "other-installation":
            return f"{path}: another installation of this program"
        case "other-program":
            return f"{path}: ANOTHER PROGRAM (Google's own has this name); use gcptriage"
        case "none":
            return "not on PATH"


def _apis(page: Page, checkup: Checkup) -> None:
    page.heading(("APIS", _HEADING))
    rows = []
    for switch, style in (("on", _GOOD), ("off", _BAD), ("unknown", _UNSURE)):
        names = [one.name.removesuffix(_SERVICE_SUFFIX) for one in checkup.apis if one.switch == switch]
        if names:
            rows.append((Text(switch, style), Text(", ".join(names))))
    page.columns(rows)
    _reason(page, checkup.apis_failure)


def _permissions(page: Page, checkup: Checkup) -> None:
    if checkup.holdings_failure is not None:
        page.heading(("PERMISSIONS", _HEADING))
        _reason(page, checkup.holdings_failure)
        return
    for need, name, _ in _GROUPS:
        granted = checkup.held(need, "granted")
        total = len(granted) + len(checkup.held(need, "missing")) + len(checkup.held(need, "unknown"))
        page.heading((f"PERMISSIONS: {name}", _HEADING), (f"{len(granted)} of {total} granted", _QUIET))
        rows = [_lacking("missing", _BAD, one) for one in checkup.held(need, "missing")]
        rows += [_lacking("unknown", _UNSURE, one) for one in checkup.held(need, "unknown")]
        page.columns(rows)
        if granted:
            page.columns([(Text("granted", _GOOD), Text(", ".join(one.name for one in granted), _QUIET))])


def _lacking(word: str, style: str, permission: Permission) -> tuple[Text, Text, Text]:
    return Text(word, style), Text(permission.name), Text(permission.purpose, _QUIET)


def _reason(page: Page, failure: Failure | None) -> None:
    if failure is not None:
        page.prose(Text(f"not known: {shortened(plain(failure.text), _LONGEST_REASON)}", _UNSURE))


def _what_to_do(page: Page, checkup: Checkup, width: int) -> None:
    if advice := _advice(checkup):
        page.heading(("WHAT TO DO", _HEADING))
        for sentence in advice:
            page.prose(Text(sentence))
    project = checkup.project.value
    enable = [enable_command(one, project) for one in checkup.apis_that_are("off")]
    _commands(page, "TURN ON, if services here use it", enable, width)
    for need, _, purpose in _GROUPS:
        commands = grant_commands(checkup.to_grant(need), checkup.caller, project)
        _commands(page, f"GRANT FOR {purpose}", commands, width)
        if need in _ROLE_FILES and commands:
            page.prose(Text(f"or one custom role with nothing else in it: {_ROLE_FILES[need]}", _QUIET))


def _advice(checkup: Checkup) -> list[str]:
    """Return what to try when Google could not be asked, or did not let the project be seen."""
    obstacle, failure = checkup.obstacle, checkup.holdings_failure
    if obstacle is not None:
        cause = f"{obstacle.problem}: {obstacle.cause}" if obstacle.cause else obstacle.problem
        return [plain(one) for one in (cause, obstacle.hint) if one]
    if failure is None or checkup.verdict.readiness != "blocked":
        return []
    if failure.kind not in {"denied", "not-found"}:
        return ["Check the network, then try again with a longer --deadline."]
    role = "`gcpdiag doctor --role triage`"
    advice = [f"Check the project's ID (`gcloud projects list`), and ask its owner for the role that {role} prints."]
    if checkup.caller.quota_project:
        quota_project = plain(checkup.caller.quota_project)
        advice.append(f"Quota project {quota_project}: that takes roles/serviceusage.serviceUsageConsumer on it.")
    return advice


def _commands(page: Page, title: str, commands: Sequence[str], width: int) -> None:
    if commands:
        page.heading((title, _HEADING))
        for command in commands:
            for line in _continued(command_line(command), width - 2 * _INDENT):
                page.verbatim(Text(line, _COMMAND), indent=_INDENT)


def _continued(command: str, width: int) -> list[str]:
    """Return the lines of a command that a shell takes as one, broken before options where it is too long."""
    lines = [""]
    for part in command.split(" --"):
        option = f" --{part}" if lines[0] else part
        if lines[-1].strip() and len(lines[-1]) + len(option) > width:
            lines[-1] += " \\"
            option = f"  {option.strip()}"
            lines.append("")
        lines[-1] += option
    return lines


def _rows(page: Page, rows: Sequence[tuple[str, str]]) -> None:
    page.columns([(Text(name, _QUIET), Text(text)) for name, text in rows])
