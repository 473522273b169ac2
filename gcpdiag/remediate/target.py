"""Which service a person means: a full name, or a short one that there is once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gcpdiag.errors import UnreachableError, UsageError
from gcpdiag.gcp.failure import CallError
from gcpdiag.gcp.read import PageCall, Reader, region_of
from gcpdiag.model.json import JsonObject, text_at
from gcpdiag.model.nearest import nearest
from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.session import Session

_FULL = re.compile(r"projects/([^/]+)/locations/([^/]+)/services/([^/]+)")
_WAIT = 15.0  # seconds for one page
_MOST_PAGES = 50
_SHOWN = 8


def find_target(session: Session, service: str, regions: Sequence[str] = ()) -> str:
    """Return the full name of a service; nothing is changed.

    A short name is looked for in the regions given, or else wherever the project has services; of several, the one in
    gcloud's own region is meant. UsageError, with the choices or the nearest name, when it is not the name of one.
    """
    full = _FULL.fullmatch(service)
    if full:
        _require_project(service, full[1], session)
        service, regions = full[3], (full[2],)
    elif "/" in service or not service:
        raise UsageError(
            f"{service!r} is not a service", hint="Give its name, or projects/PROJECT/locations/REGION/services/NAME"
        )
    there = _services(session.reader, session.project, regions)
    found = sorted(region for region, name in there if name == service)
    if session.region in found:
        found = [session.region]
    if len(found) == 1:
        return f"projects/{session.project}/locations/{found[0]}/services/{service}"
    if found:
        raise UsageError(
            f"there are {len(found)} services named {service}, in {', '.join(found)}",
            hint=f"Give --region {found[0]}, or another of them",
        )
    raise _missing(service, there, session.project, regions)


def read_all(call: PageCall) -> list[JsonObject]:
    """Return the resources of every page; UnreachableError when one does not come."""
    resources: list[JsonObject] = []
    token = ""
    for _ in range(_MOST_PAGES):
        try:
            page = call(token, _WAIT)
        except CallError as error:
            raise unreachable(error) from error
        resources += page.resources
        token = page.next_token
        if not token:
            break
    return resources


def unreachable(error: CallError) -> UnreachableError:
    """Return the error that ends a command whose question was not answered."""
    failure = error.failure
    passes = failure.is_transient or failure.kind == "timeout"
    hint = "Try again" if passes else "Run `gcpdiag doctor` to see what is missing"
    return UnreachableError("the service cannot be read", cause=failure.text, hint=hint)


def _require_project(service: str, project: str, session: Session) -> None:
    if project != session.project:
        raise UsageError(
            f"{service} is not in project {session.project}", hint=f"Give --project {project} if you mean that one"
        )


def _services(reader: Reader, project: str, regions: Sequence[str]) -> list[tuple[str, str]]:
    """Return the region and the short name of each service."""
    if regions:
        listed = [(region, one) for region in regions for one in read_all(reader.services(project, region))]
        return [(region, last_segment(text_at(one, "name"))) for region, one in listed]
    everywhere = read_all(reader.services_everywhere(project))
    return [(region_of(one), text_at(one, "metadata.name")) for one in everywhere]


def _missing(service: str, there: Sequence[tuple[str, str]], project: str, regions: Sequence[str]) -> UsageError:
    where = f" in {', '.join(regions)}" if regions else ""
    names = sorted({name for _, name in there})
    meant = nearest(service, names)
    if meant:
        hint = f"Did you mean {meant}?"
    elif names:
        more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        hint = f"There are {', '.join(names[:_SHOWN])}{more}"
    else:
        hint = "There are no services at all; check --project and --region"
    return UsageError(f"project {project} has no service {service}{where}", hint=hint)
