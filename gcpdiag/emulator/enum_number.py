"""Enums that a client sends as numbers, which Google's REST clients do, as the names that the API answers.

Numbers are from the types of google-cloud-run (``run_v2``), and ``google/api/launch_stage.proto``.
"""

from __future__ import annotations

from gcpdiag.model.json import Json

# By field, the names in the order of their numbers; the first is "unspecified", which is the same as absent.
NAMES = {
    "egress": ("VPC_EGRESS_UNSPECIFIED", "ALL_TRAFFIC", "PRIVATE_RANGES_ONLY"),
    "encryptionKeyRevocationAction": ("ENCRYPTION_KEY_REVOCATION_ACTION_UNSPECIFIED", "PREVENT_NEW", "SHUTDOWN"),
    "executionEnvironment": (
        "EXECUTION_ENVIRONMENT_UNSPECIFIED",
        "EXECUTION_ENVIRONMENT_GEN1",
        "EXECUTION_ENVIRONMENT_GEN2",
    ),
    "ingress": (
        "INGRESS_TRAFFIC_UNSPECIFIED",
        "INGRESS_TRAFFIC_ALL",
        "INGRESS_TRAFFIC_INTERNAL_ONLY",
        "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
        "INGRESS_TRAFFIC_NONE",
    ),
    "launchStage": (
        "LAUNCH_STAGE_UNSPECIFIED",
        "EARLY_ACCESS",
        "ALPHA",
        "BETA",
        "GA",
        "DEPRECATED",
        "UNIMPLEMENTED",
        "PRELAUNCH",
    ),
    "medium": ("MEDIUM_UNSPECIFIED", "MEMORY", "DISK"),
    "scalingMode": ("SCALING_MODE_UNSPECIFIED", "AUTOMATIC", "MANUAL"),
    "type": (
        "TRAFFIC_TARGET_ALLOCATION_TYPE_UNSPECIFIED",
        "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST",
        "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION",
    ),
}


def with_names(value: Json, field: str = "") -> Json:
    """Return a document of Cloud Run's with names in place of the numbers of enums; an unknown number stays."""
    if isinstance(value, dict):
        named = ((key, with_names(one, key)) for key, one in value.items())
        return {key: one for key, one in named if one is not None}
    if isinstance(value, list):
        return [with_names(one) for one in value]
    names = NAMES.get(field)
    if names is None or isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(names):
        return value
    return names[value] if value else None
