"""Egress: whether all outgoing traffic takes the VPC, or only what goes to private addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from gcpdiag.model.json import JsonObject, object_at, text_at
from gcpdiag.model.plan import Step
from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.action import Outlook, step_of
from gcpdiag.remediate.refusal import NothingToDoError, RefusedError
from gcpdiag.remediate.template import renewed
from gcpdiag.remediate.traffic import partial_share_warning, require_share_for_new

EgressSetting = Literal["private-ranges-only", "all-traffic"]

_ENUM: dict[EgressSetting, str] = {"private-ranges-only": "PRIVATE_RANGES_ONLY", "all-traffic": "ALL_TRAFFIC"}
SETTINGS: dict[str, EgressSetting] = {one: one for one in _ENUM}
"""The settings, by the text that names each."""

_DEFAULT = "PRIVATE_RANGES_ONLY"  # what holds where the field is not set: run.v2 VpcAccess.egress
_MASK = "template.vpc_access.egress"
_EFFECTS: dict[EgressSetting, str] = {
    "private-ranges-only": "Only requests to private addresses take the VPC; all others leave directly.",
    "all-traffic": "Every outgoing request takes the VPC, its firewall rules and its routes.",
}
_WARNINGS: dict[EgressSetting, str] = {
    "private-ranges-only": "Public servers see other source addresses than those of Cloud NAT: mind their allow lists.",
    "all-traffic": "Public addresses, Google's APIs among them, can be reached only with Cloud NAT or Private Google"
    " Access in the VPC.",
}


def plan_egress(service: JsonObject, revisions: Sequence[JsonObject], setting: EgressSetting) -> Step:
    """Return the step that changes the egress setting, which takes a new revision.

    RefusedError for a service that has no way into a VPC, or whose new revision would get no traffic.
    """
    name, access = last_segment(text_at(service, "name")), object_at(service, "template.vpcAccess")
    if not access.get("connector") and not access.get("networkInterfaces"):
        raise RefusedError(
            f"{name} has no egress setting",
            cause="it has neither a VPC connector nor direct VPC egress, so that nothing of it takes a VPC",
            hint=f"Give it one first: `gcloud run services update {name} --vpc-connector=CONNECTOR`",
        )
    if (text_at(access, "egress") or _DEFAULT) == _ENUM[setting]:
        raise NothingToDoError(f"the egress setting of {name} is {setting} already")
    require_share_for_new(service)
    renewal = renewed(service, revisions)
    template = object_at(renewal.service, "template")
    after: JsonObject = {
        **renewal.service,
        "template": {**template, "vpcAccess": {**access, "egress": _ENUM[setting]}},
    }
    outlook = Outlook(
        risk="high" if renewal.loose_images else "medium",
        is_disruptive=True,
        effect=f"{_EFFECTS[setting]} This takes a new revision, whose instances start cold.",
        cost="same",
        warnings=(*renewal.warnings, *partial_share_warning(service), _WARNINGS[setting]),
    )
    return step_of("egress", service, after, (_MASK, *renewal.mask), outlook)
