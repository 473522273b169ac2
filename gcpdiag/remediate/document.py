"""Plans as JSON documents, ``gcpdiag.plan/v1``: complete, readable, and worthless once edited."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import get_args

from gcpdiag.errors import UsageError
from gcpdiag.model.field_mask import FieldDiff
from gcpdiag.model.json import (
    Json,
    JsonObject,
    field_at,
    is_too_deep,
    number_at,
    object_at,
    objects_at,
    text_at,
    texts_at,
)
from gcpdiag.model.plan import ActionKind, BlastRadius, Cost, Plan, Risk, Step, contents_of, digest_of
from gcpdiag.model.window import in_utc
from gcpdiag.remediate.action import ACTIONS
from gcpdiag.remediate.inverse import inverse_of
from gcpdiag.remediate.refusal import NothingToDoError, PlanError

SCHEMA = "gcpdiag.plan/v1"
_READABLE_BY_OWNER = 0o600
_LARGEST = 8 * 2**20  # bytes; a service has some ten thousand
_AGAIN = "Make the plan again; what a plan does cannot be changed by hand"

_KINDS: Mapping[str, ActionKind] = {one: one for one in get_args(ActionKind)}
_RISKS: Mapping[str, Risk] = {one: one for one in get_args(Risk)}
_COSTS: Mapping[str, Cost] = {one: one for one in get_args(Cost)}


def plan_to_json(plan: Plan) -> JsonObject:
    """Return a plan as a document: its contents, and what follows from them (differences, inverse, digest)."""
    contents = contents_of(plan)
    steps: list[Json] = [
        {**told, "diff": _diff_to_json(step.diff), "inverse": _inverse_to_json(plan, step)}
        for told, step in zip(objects_at(contents, "steps"), plan.steps, strict=True)
    ]
    return {"schema": SCHEMA, **contents, "steps": steps, "digest": plan.digest}


def plan_from_json(document: Json) -> Plan:
    """Return the plan of a document; PlanError when it is none, is damaged, or is not as gcpdiag has written it."""
    if not isinstance(document, dict) or is_too_deep(document):
        raise PlanError("this is not a plan", hint="Make one with `gcpdiag plan … -o plan.json`")
    if document.get("schema") != SCHEMA:
        raise PlanError(
            "this is not a plan of a kind that is known here",
            cause=f"its schema is {text_at(document, 'schema')[:60] or 'missing'}, not {SCHEMA}",
            hint="Make one with `gcpdiag plan … -o plan.json`",
        )
    try:
        plan = _plan(document)
        same = digest_of(plan_to_json(plan)) == digest_of(document)
    except (ValueError, KeyError, TypeError, OverflowError, NothingToDoError) as error:
        raise PlanError("the plan is damaged", cause=" ".join(str(error).split())[:200], hint=_AGAIN) from error
    if not same:
        cause = "its digest is another one" if text_at(document, "digest") != plan.digest else "its parts disagree"
        raise PlanError("the plan was edited after it was made", cause=cause, hint=_AGAIN)
    return plan


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan to a new file that its owner alone may read; UsageError where there is one, or none can be."""
    content = json.dumps(plan_to_json(plan), indent=2, ensure_ascii=False) + "\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _READABLE_BY_OWNER)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError as error:
        raise UsageError(
            f"{path} exists already", hint="Choose another name; a plan that is there is never replaced"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written", cause=error.strerror or str(error)) from error


def load_plan(path: Path) -> Plan:
    """Return the plan of a file; UsageError when it cannot be read, PlanError when it is no sound plan."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read", cause=error.strerror or str(error)) from error
    if len(content) > _LARGEST:
        raise PlanError(f"{path} is too large for a plan", hint="Make one with `gcpdiag plan … -o plan.json`")
    try:
        document: Json = json.loads(content.decode("utf-8", "surrogatepass"), object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{path} is not JSON", cause=" ".join(str(error).split())[:200], hint=_AGAIN) from error
    return plan_from_json(document)


def _once_each(pairs: list[tuple[str, Json]]) -> JsonObject:
    """Return an object; ValueError when a key stands there twice, for readers differ in which one they take."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _plan(document: JsonObject) -> Plan:
    radius = object_at(document, "radius")
    instances = number_at(radius, "instances")
    return Plan(
        id=text_at(document, "id"),
        project=text_at(document, "project"),
        steps=tuple(_step(one) for one in objects_at(document, "steps")),
        created_at=_moment(document, "created_at"),
        expires_at=_moment(document, "expires_at"),
        author=text_at(document, "author"),
        host=text_at(document, "host"),
        reason=text_at(document, "reason"),
        causes=tuple(texts_at(document, "causes")),
        confidence=number_at(document, "confidence"),
        production=field_at(document, "production") is True,
        radius=BlastRadius(
            services=tuple(texts_at(radius, "services")),
            traffic_percent=number_at(radius, "traffic_percent") or 0.0,
            instances=None if instances is None else int(instances),
        ),
        validation=text_at(document, "validation"),
    )


def _step(document: JsonObject) -> Step:
    return Step(
        kind=_KINDS[text_at(document, "kind")],
        target=text_at(document, "target"),
        before=object_at(document, "before"),
        after=object_at(document, "after"),
        update_mask=tuple(texts_at(document, "update_mask")),
        etag=text_at(document, "etag"),
        generation=text_at(document, "generation"),
        risk=_RISKS[text_at(document, "risk")],
        is_reversible=document.get("is_reversible") is True,
        is_disruptive=document.get("is_disruptive") is True,
        effect=text_at(document, "effect"),
        cost=_COSTS[text_at(document, "cost")],
        warnings=tuple(texts_at(document, "warnings")),
    )


def _moment(document: JsonObject, name: str) -> datetime:
    return in_utc(datetime.fromisoformat(text_at(document, name)))


def _inverse_to_json(plan: Plan, step: Step) -> JsonObject:
    """Return the way back as it is known before the step: from what the service shall be to what it was."""
    inverse = inverse_of(step, step.after)
    return {
        "command": "" if step.kind == "probe" else f"gcpdiag undo {plan.id}",
        "summary": ACTIONS[step.kind].inverse,
        "update_mask": [*inverse.update_mask],
        "diff": _diff_to_json(inverse.diff),
        "warnings": [*inverse.warnings],
    }


def _diff_to_json(diff: tuple[FieldDiff, ...]) -> list[Json]:
    return [{"path": one.path, "before": one.before, "after": one.after} for one in diff]
