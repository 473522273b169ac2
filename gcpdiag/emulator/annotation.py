"""The annotations in which Cloud Run v1 keeps what v2 has fields for.

Keys are from the description of ``ObjectMeta.annotations`` in the Cloud Run Admin API v1 discovery document;
values are as gcloud writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gcpdiag.model.json import Json, JsonObject, field_at, is_too_deep, text_at

CLOUD_SQL = "run.googleapis.com/cloudsql-instances"
CONNECTOR = "run.googleapis.com/vpc-access-connector"
DEPENDENCIES = "run.googleapis.com/container-dependencies"
SECRETS = "run.googleapis.com/secrets"
CPU_THROTTLING = "run.googleapis.com/cpu-throttling"
STARTUP_BOOST = "run.googleapis.com/startup-cpu-boost"

_SYSTEM = ("run.googleapis.com/", "cloud.googleapis.com/", "serving.knative.dev/", "autoscaling.knative.dev/")
_SECONDS_PER_HOUR = 3600

Kind = Literal["text", "count", "flag", "json", "hours"]


class AnnotationError(ValueError):
    """An annotation's value is none that its key may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotation, the v2 field that it stands for, and how its text is written."""

    key: str
    path: str
    kind: Kind = "text"
    words: Mapping[str, str] | None = None

    def text_of(self, value: Json) -> str:
        """Return the annotation's text for a field's value; empty where it says nothing."""
        if self.words is not None:
            return next((word for word, meant in self.words.items() if meant == value), "")
        if self.kind == "flag":
            return "true" if value is True else "false" if value is False else ""
        if self.kind == "json":
            return json.dumps(value, sort_keys=True) if value else ""
        text = text_at({"value": value}, "value")
        return f"{_seconds(text) // _SECONDS_PER_HOUR}" if self.kind == "hours" and text else text

    def value_of(self, text: str) -> Json:
        """Return the field's value for the annotation's text, or raise AnnotationError."""
        try:
            return self._read(text)
        except (KeyError, ValueError, RecursionError):
            raise AnnotationError(f"Invalid value '{text}' of annotation {self.key}.") from None

    def _read(self, text: str) -> Json:
        if self.words is not None:
            return self.words[text.lower()]
        match self.kind:
            case "text":
                return text
            case "count":
                return int(text)
            case "flag":
                return {"true": True, "false": False}[text.lower()]
            case "hours":
                return f"{int(text) * _SECONDS_PER_HOUR}s"
            case "json":
                read: Json = json.loads(text)
                if is_too_deep(read):
                    raise ValueError(text)
                return read


def _seconds(duration: str) -> int:
    return int(float(duration.removesuffix("s")))


_INGRESS = {
    "all": "INGRESS_TRAFFIC_ALL",
    "internal": "INGRESS_TRAFFIC_INTERNAL_ONLY",
    "internal-and-cloud-load-balancing": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
    "none": "INGRESS_TRAFFIC_NONE",
}
# gcloud writes all-traffic and reads all as the same.
_EGRESS = {"all-traffic": "ALL_TRAFFIC", "all": "ALL_TRAFFIC", "private-ranges-only": "PRIVATE_RANGES_ONLY"}
_ENVIRONMENTS = {"gen1": "EXECUTION_ENVIRONMENT_GEN1", "gen2": "EXECUTION_ENVIRONMENT_GEN2"}

SERVICE_ANNOTATIONS = (
    Annotation(key="run.googleapis.com/client-name", path="client"),
    Annotation(key="run.googleapis.com/client-version", path="clientVersion"),
    Annotation(key="run.googleapis.com/description", path="description"),
    Annotation(key="run.googleapis.com/ingress", path="ingress", words=_INGRESS),
    # A service in general availability carries no such annotation.
    Annotation(key="run.googleapis.com/launch-stage", path="launchStage", words={"alpha": "ALPHA", "beta": "BETA"}),
    Annotation(key="run.googleapis.com/minScale", path="scaling.minInstanceCount", kind="count"),
    Annotation(key="run.googleapis.com/maxScale", path="scaling.maxInstanceCount", kind="count"),
    Annotation(key="run.googleapis.com/manualInstanceCount", path="scaling.manualInstanceCount", kind="count"),
    Annotation(
        key="run.googleapis.com/scalingMode",
        path="scaling.scalingMode",
        words={"automatic": "AUTOMATIC", "manual": "MANUAL"},
    ),
    Annotation(key="run.googleapis.com/custom-audiences", path="customAudiences", kind="json"),
    Annotation(key="run.googleapis.com/default-url-disabled", path="defaultUriDisabled", kind="flag"),
    Annotation(key="run.googleapis.com/invoker-iam-disabled", path="invokerIamDisabled", kind="flag"),
    Annotation(key="run.googleapis.com/iap-enabled", path="iapEnabled", kind="flag"),
)

TEMPLATE_ANNOTATIONS = (
    Annotation(key="run.googleapis.com/client-name", path="client"),
    Annotation(key="run.googleapis.com/client-version", path="clientVersion"),
    Annotation(key="autoscaling.knative.dev/minScale", path="scaling.minInstanceCount", kind="count"),
    Annotation(key="autoscaling.knative.dev/maxScale", path="scaling.maxInstanceCount", kind="count"),
    Annotation(key="run.googleapis.com/vpc-access-egress", path="vpcAccess.egress", words=_EGRESS),
    Annotation(key="run.googleapis.com/network-interfaces", path="vpcAccess.networkInterfaces", kind="json"),
    Annotation(key="run.googleapis.com/execution-environment", path="executionEnvironment", words=_ENVIRONMENTS),
    Annotation(key="run.googleapis.com/sessionAffinity", path="sessionAffinity", kind="flag"),
    Annotation(key="run.googleapis.com/health-check-disabled", path="healthCheckDisabled", kind="flag"),
    Annotation(key="run.googleapis.com/mesh", path="serviceMesh.mesh"),
    Annotation(key="run.googleapis.com/gpu-zonal-redundancy-disabled", path="gpuZonalRedundancyDisabled", kind="flag"),
    Annotation(key="run.googleapis.com/encryption-key", path="encryptionKey"),
    Annotation(
        key="run.googleapis.com/post-key-revocation-action-type",
        path="encryptionKeyRevocationAction",
        words={"prevent-new": "PREVENT_NEW", "shut-down": "SHUTDOWN"},
    ),
    Annotation(
        key="run.googleapis.com/encryption-key-shutdown-hours", path="encryptionKeyShutdownDuration", kind="hours"
    ),
)


def annotations_of(resource: JsonObject, known: Iterable[Annotation]) -> JsonObject:
    """Return the annotations that say what a v2 resource's fields say, and the user's own."""
    told: JsonObject = user_keys(resource.get("annotations"))
    for one in known:
        if text := one.text_of(field_at(resource, one.path)):
            told[one.key] = text
    return told


def fields_of(annotations: JsonObject, known: Iterable[Annotation]) -> JsonObject:
    """Return the v2 fields that annotations say, with the user's own annotations; raise AnnotationError."""
    fields: JsonObject = {}
    for one in known:
        text = annotations.get(one.key)
        if isinstance(text, str) and text:
            _put(fields, one.path, one.value_of(text))
    if own := user_keys(annotations):
        fields["annotations"] = own
    return fields


def user_keys(labels: Json) -> JsonObject:
    """Return the labels or annotations that are not the system's; v2 has fields instead of those."""
    found = labels if isinstance(labels, dict) else {}
    return {key: value for key, value in found.items() if not key.startswith(_SYSTEM)}


def _put(document: JsonObject, path: str, value: Json) -> None:
    *outer, last = path.split(".")
    here = document
    for step in outer:
        inner = here.setdefault(step, {})
        if not isinstance(inner, dict):
            raise TypeError(path)
        here = inner
    here[last] = value
