"""A check-up for other programs, ``gcpdiag.checkup/v1``."""

from __future__ import annotations

import json

from gcpdiag.collect.checkup import (
    Api,
    Checkup,
    Holding,
    Told,
    enable_command,
    grant_command,
)
from gcpdiag.collect.limiter import LOG_READS_A_MINUTE
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.window import rfc3339
from gcpdiag.report.wording import plain

SCHEMA = "gcpdiag.checkup/v1"


def render_checkup_json(checkup: Checkup) -> str:
    """Return the document, indented by two, with a newline at its end."""
    return json.dumps(_document(checkup), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _document(checkup: Checkup) -> JsonObject:
    verdict = checkup.verdict
    return {
        "schema": SCHEMA,
        "readiness": verdict.readiness,
        "without": [plain(one) for one in verdict.without],
        "unsure": [plain(one) for one in verdict.unsure],
        "reason": _text(verdict.reason),
        "obstacle": _obstacle(checkup),
        "project": _told(checkup.project),
        "region": _told(checkup.region),
        "emulator": _text(checkup.emulator),
        "caller": _caller(checkup),
        "apis": [_api(one, checkup) for one in checkup.apis],
        "apis_unknown_because": _text(checkup.apis_failure.text if checkup.apis_failure else ""),
        "permissions": [_holding(one, checkup) for one in checkup.holdings],
        "permissions_unknown_because": _text(checkup.holdings_failure.text if checkup.holdings_failure else ""),
        "log_reads": _log_reads(checkup),
        "installation": _installation(checkup),
    }


def _text(text: str) -> str | None:
    return plain(text) if text else None


def _told(told: Told) -> Json:
    return {"value": plain(told.value), "from": told.origin} if told.value else None


def _obstacle(checkup: Checkup) -> Json:
    obstacle = checkup.obstacle
    if obstacle is None:
        return None
    return {"problem": plain(obstacle.problem), "cause": _text(obstacle.cause), "hint": _text(obstacle.hint)}


def _caller(checkup: Checkup) -> JsonObject:
    caller = checkup.caller
    return {
        "kind": caller.kind,
        "account": _told(caller.account),
        "member": plain(caller.member) if caller.account.value else None,
        "credentials": _text(caller.credentials),
        "quota_project": _text(caller.quota_project),
    }


def _api(api: Api, checkup: Checkup) -> JsonObject:
    fix = enable_command(api.name, checkup.project.value) if api.switch == "off" else None
    return {"api": api.name, "state": api.switch, "fix": fix}


def _holding(holding: Holding, checkup: Checkup) -> JsonObject:
    permission = holding.permission
    lacks = permission in checkup.to_grant(permission.need)
    return {
        "permission": permission.name,
        "state": holding.grant,
        "needed_by": permission.need,
        "purpose": permission.purpose,
        "source": permission.source or None,
        "role": permission.role,
        "fix": grant_command(permission, checkup.caller, checkup.project.value) if lacks else None,
    }


def _log_reads(checkup: Checkup) -> JsonObject:
    reads = checkup.log_reads
    return {
        "limit_per_minute": LOG_READS_A_MINUTE,
        "used_in_busiest_minute": reads.used,
        "left": reads.left,
        "known_until": rfc3339(reads.until) if reads.until else None,
    }


def _installation(checkup: Checkup) -> JsonObject:
    installation = checkup.installation
    return {
        "version": installation.version,
        "python": installation.python,
        "libraries": {name: version or None for name, version in installation.libraries.items()},
        "commands": [
            {"name": one.name, "path": one.path or None, "program": one.program} for one in installation.commands
        ],
    }
