"""Rollback: all traffic to the last revision that served well, which is there already and takes it within seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gcpdiag.errors import UsageError
from gcpdiag.model.json import Json, JsonObject, objects_at, text_at
from gcpdiag.model.nearest import nearest
from gcpdiag.model.plan import Step
from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.action import Outlook, step_of
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from gcpdiag.remediate.traffic import all_to, shares_of, tag_only

_ALL = 100  # percent
_SHOWN = 8  # candidates in a refusal

_SUCCEEDED = "CONDITION_SUCCEEDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """How many requests a revision answered lately, and how many of them with 5xx."""

    requests: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOptions:
    """Which revision a person wants (empty: the best), and what revisions served (None: nobody could count)."""

    to: str = ""
    served: Mapping[str, Served] | None = field(default_factory=dict)


def plan_rollback(service: JsonObject, revisions: Sequence[JsonObject], options: RollbackOptions) -> Step:
    """Return the step that sends all traffic to one revision.

    RefusedError when no revision is fit, with the reason for each; UsageError when the one wanted does not exist.
    """
    by_age = sorted(revisions, key=lambda one: text_at(one, "createTime"), reverse=True)
    chosen = _wanted(service, by_age, options.to) if options.to else _best(service, by_age, options.served)
    name = _short(chosen)
    served = (options.served or {}).get(name)
    told = f" It served {_told(served)}." if served else ""
    outlook = Outlook(
        risk="medium" if served and not served.errors else "high",
        is_disruptive=True,
        effect=f"All traffic goes to {name}, created {text_at(chosen, 'createTime')}, within seconds and without a new"
        f" revision.{told}",
        cost="same",
        warnings=(*_doubts(chosen, served, options), *_warnings(service, chosen)),
    )
    after: JsonObject = {**service, "traffic": all_to(service, name)}
    return step_of("rollback", service, after, ("traffic",), outlook)


def _best(service: JsonObject, by_age: Sequence[JsonObject], served: Mapping[str, Served] | None) -> JsonObject:
    name = last_segment(text_at(service, "name"))
    if served is None:
        raise RefusedError(
            f"no revision of {name} can be chosen to go back to",
            cause="the requests of revisions could not be counted (metric run.googleapis.com/request_count)",
            hint=f"Name one that is known to work: `gcpdiag rollback {name} --to REVISION`",
        )
    reasons: dict[str, str] = {}
    for revision in by_age:
        reason = _unfit(revision, service, by_age, served)
        if not reason:
            return revision
        reasons[_short(revision)] = reason
    told = "; ".join(f"{one}: {why}" for one, why in list(reasons.items())[:_SHOWN]) or "it has no revisions"
    more = f"; and {len(reasons) - _SHOWN} older" if len(reasons) > _SHOWN else ""
    raise RefusedError(
        f"no revision of {name} is fit to go back to",
        cause=told + more,
        hint=f"If one of them is known to work, name it: `gcpdiag rollback {name} --to REVISION`",
    )


def _unfit(
    revision: JsonObject, service: JsonObject, by_age: Sequence[JsonObject], served: Mapping[str, Served]
) -> str:
    """Return why a revision is not the one to go back to, or an empty text."""
    name, shares = _short(revision), shares_of(service)
    newest = next((_short(one) for one in by_age if _short(one) in shares), "")
    order = [_short(one) for one in by_age]
    counted = served.get(name)
    if shares.get(name) == _ALL:
        return "serves now"
    if not is_ready(revision):
        return _not_ready(revision)
    if name in tag_only(service):
        return "only a tag leads to it"
    if newest and order.index(name) < order.index(newest):
        return f"is newer than {newest}, which serves now"
    if counted is None or not counted.requests:
        return "carried no traffic lately"
    return f"served {_told(counted)}" if counted.errors else ""


def _wanted(service: JsonObject, by_age: Sequence[JsonObject], to: str) -> JsonObject:
    name, names = last_segment(text_at(service, "name")), [_short(one) for one in by_age]
    found = next((one for one in by_age if _short(one) == last_segment(to)), None)
    if found is None:
        raise UsageError(
            f"{name} has no revision {to}",
            hint=f"Did you mean {nearest(to, names)}?" if nearest(to, names) else f"It has {', '.join(names[:_SHOWN])}",
        )
    if not is_ready(found):
        raise RefusedError(
            f"{_short(found)} cannot take traffic", cause=_not_ready(found), hint="Choose a revision that is ready"
        )
    if shares_of(service).get(_short(found)) == _ALL:
        raise NothingToDoError(f"{_short(found)} gets all traffic of {name} already")
    return found


def is_ready(revision: JsonObject) -> bool:
    """Tell whether a revision can take traffic: its image and its secrets were there when it was made or last woken."""
    return _condition(revision).get("state") == _SUCCEEDED


def _not_ready(revision: JsonObject) -> str:
    ready = _condition(revision)
    reason = text_at(ready, "revisionReason") or text_at(ready, "reason") or text_at(ready, "commonReason")
    told = " ".join(text_at(ready, "message").split()).rstrip(".")
    return "is not ready" + (f" ({reason})" if reason else "") + (f": {told[:160]}" if told else "")


def _condition(revision: JsonObject) -> JsonObject:
    return next((one for one in objects_at(revision, "conditions") if text_at(one, "type") == "Ready"), {})


def _doubts(revision: JsonObject, served: Served | None, options: RollbackOptions) -> tuple[str, ...]:
    """Return what speaks against a revision that a person has named."""
    name = _short(revision)
    if options.served is None:
        return (f"Nobody could count what {name} served.",)
    if served is None or not served.requests:
        return (f"{name} carried no traffic lately: nothing shows that it works.",)
    return (f"{name} served {_told(served)}.",) if served.errors else ()


def _warnings(service: JsonObject, revision: JsonObject) -> tuple[str, ...]:
    name = last_segment(text_at(service, "name"))
    gone = sorted(secrets_of(revision, "containers", "volumes") - secrets_of(service, *_OF_TEMPLATE))
    asked = f"See that {', '.join(gone)} still exist: {_short(revision)} needs them, the newest template does not."
    return (
        "Database schemas and data do not roll back: the older code meets what newer code has migrated and written.",
        f"Traffic stays pinned to {_short(revision)}: later deployments get none until `gcpdiag traffic unpin {name}`.",
        *((asked,) if gone else ()),
    )


_OF_TEMPLATE = ("template.containers", "template.volumes")


def secrets_of(document: JsonObject, containers: str, volumes: str) -> frozenset[str]:
    """Return the secrets that the containers and volumes of a service or revision refer to, as ``SECRET:VERSION``."""
    variables = [one for container in objects_at(document, containers) for one in objects_at(container, "env")]
    named = [(text_at(one, _KEY + ".secret"), text_at(one, _KEY + ".version")) for one in variables]
    for volume in objects_at(document, volumes):
        versions = objects_at(volume, "secret.items") or [{}]
        named += [(text_at(volume, "secret.secret"), text_at(one, "version")) for one in versions]
    return frozenset(f"{secret}:{version or 'latest'}" for secret, version in named if secret)


_KEY = "valueSource.secretKeyRef"


def _told(served: Served) -> str:
    if not served.errors:
        return f"{served.requests:,} requests without a 5xx"
    return f"{served.errors:,} of {served.requests:,} requests with 5xx"


def _short(revision: Json) -> str:
    return last_segment(text_at(revision, "name"))
