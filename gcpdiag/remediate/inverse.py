"""The way back: the step that undoes another one."""

from __future__ import annotations

from gcpdiag.model.field_mask import with_fields
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at
from gcpdiag.model.plan import Cost, Step
from gcpdiag.remediate.action import Outlook, step_of
from gcpdiag.remediate.template import is_pinned, repository_of

_OPPOSITE: dict[Cost, Cost] = {"higher": "lower", "lower": "higher", "same": "same"}
_REVISION = "template.revision"


def inverse_of(step: Step, service_now: JsonObject) -> Step:
    """Return the step that gives every field under the mask of a step the value that it had before.

    ``service_now`` is the service as it was read after the step. Two things stay: an image keeps its digest, for its
    tag may lead to other code by now; and the next revision has no name, for the old name is taken. NothingToDoError
    when the service is as it was.
    """
    restored = with_fields(service_now, step.before, step.update_mask)
    template = {key: value for key, value in object_at(restored, "template").items() if key != "revision"}
    loose = _tags_kept_pinned(template, service_now)
    mask = step.update_mask
    if step.makes_revision:
        restored["template"] = template
        mask = (*mask, *((_REVISION,) if text_at(service_now, _REVISION) else ()))
    outlook = Outlook(
        risk=step.risk,
        is_disruptive=step.is_disruptive,
        effect=f"Takes {step.kind} back: what it changed is as it was before."
        + (" This takes one more revision, whose instances start cold." if step.makes_revision else ""),
        cost=_OPPOSITE[step.cost],
        warnings=tuple(f"{one} stays pinned by its digest: the tag may lead to other code by now." for one in loose),
    )
    return step_of("undo", service_now, restored, mask, outlook)


def _tags_kept_pinned(template: JsonObject, service_now: JsonObject) -> list[str]:
    """Give containers, in place, the digest back that the service has now; return the images that this is about."""
    now = [text_at(one, "image") for one in objects_at(service_now, "template.containers")]
    containers = objects_at(template, "containers")
    kept: list[Json] = []
    loose = []
    for place, container in enumerate(containers):
        image = text_at(container, "image")
        pinned = now[place] if place < len(now) else ""
        if not is_pinned(image) and is_pinned(pinned) and repository_of(pinned) == repository_of(image):
            loose.append(image)
            container = {**container, "image": pinned}  # noqa: PLW2901 - the container as it shall be
        kept.append(container)
    if loose:
        template["containers"] = kept
    return loose
