"""Console pages that show the records behind a finding."""

from __future__ import annotations

from urllib.parse import quote

from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window, rfc3339

_CONSOLE = "https://console.cloud.google.com"
_LOG_IDS = {
    "app": ("run.googleapis.com/stdout", "run.googleapis.com/stderr"),
    "system": ("run.googleapis.com/varlog/system",),
    "request": ("run.googleapis.com/requests",),
    "audit": ("cloudaudit.googleapis.com/activity", "cloudaudit.googleapis.com/system_event"),
}


def logs_link(project: str, service: ServiceRef | None, pattern: str, kinds: list[str], window: Window) -> str:
    """Return the Logs Explorer page with the signature as its query; RE2 is what ``=~`` speaks there, too."""
    query = [f"({' OR '.join(_clauses(kinds))})"] if _clauses(kinds) else []
    if service is not None:
        query += ['resource.type="cloud_run_revision"', f'resource.labels.service_name="{service.name}"']
    if pattern:
        escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
        fields = ("textPayload", "jsonPayload.message", "protoPayload.status.message")
        either = " OR ".join(f'{field}=~"(?i){escaped}"' for field in fields)
        query.append(f"({either})")
    stretch = f"{rfc3339(window.start)}/{rfc3339(window.end)}"
    encoded = quote("\n".join(query), safe="")
    return f"{_CONSOLE}/logs/query;query={encoded};timeRange={quote(stretch, safe='')}?project={quote(project)}"


def service_link(project: str, service: ServiceRef, page: str) -> str:
    """Return a page of the service in the console: ``metrics``, ``revisions`` or ``logs``."""
    return f"{_CONSOLE}/run/detail/{quote(service.region)}/{quote(service.name)}/{page}?project={quote(project)}"


def _clauses(kinds: list[str]) -> list[str]:
    return [f'log_id("{log}")' for kind in kinds for log in _LOG_IDS.get(kind, ())]
