"""Restart: one more revision with the same code and configuration, for Cloud Run has no other way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gcpdiag.model.json import JsonObject, object_at, text_at
from gcpdiag.model.plan import Step
from gcpdiag.model.resource import last_segment
from gcpdiag.model.window import rfc3339
from gcpdiag.remediate.action import Outlook, step_of
from gcpdiag.remediate.refusal import RefusedError
from gcpdiag.remediate.template import renewed
from gcpdiag.remediate.traffic import partial_share_warning, require_share_for_new

RESTARTED_AT = "gcpdiag.dev/restarted-at"
"""The annotation that makes the template another one."""


def plan_restart(service: JsonObject, revisions: Sequence[JsonObject], *, now: datetime) -> Step:
    """Return the step that replaces every instance by a fresh one.

    RefusedError when the new revision would get no traffic, or would be one that cannot start.
    """
    require_share_for_new(service)
    _require_working_template(service)
    renewal = renewed(service, revisions)
    template = object_at(renewal.service, "template")
    annotations: JsonObject = {**object_at(template, "annotations"), RESTARTED_AT: rfc3339(now)}
    after: JsonObject = {**renewal.service, "template": {**template, "annotations": annotations}}
    outlook = Outlook(
        risk="high" if renewal.loose_images else "medium",
        is_disruptive=True,
        effect="A new revision with the same configuration replaces every instance: what leaked or hung is gone."
        " Requests under way are finished first; the old revision serves until the new one is ready.",
        cost="same",
        warnings=(
            *renewal.warnings,
            *partial_share_warning(service),
            "All instances start cold, and open their connections to databases at the same time.",
        ),
    )
    return step_of("restart", service, after, ("template.annotations", *renewal.mask), outlook)


def _require_working_template(service: JsonObject) -> None:
    """Raise RefusedError when the template is that of a revision that never became ready."""
    created, ready = (last_segment(text_at(service, f"latest{one}Revision")) for one in ("Created", "Ready"))
    if not created or not ready or created == ready:
        return
    name = last_segment(text_at(service, "name"))
    raise RefusedError(
        f"a restart of {name} would start {created} again, which is not ready",
        cause=text_at(service, "terminalCondition.message") or f"{ready} serves in its place",
        hint="Repair and deploy the new revision; the one that serves is replaced by that deployment",
    )
