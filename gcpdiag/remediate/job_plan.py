"""The plan of a probe from inside: a short Cloud Run job where a service is, and as who it is.

Region, way into the VPC, egress setting and service account are the service's; nothing of the service is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gcpdiag import __version__
from gcpdiag.gcp.failure import CallError, FailureKind
from gcpdiag.gcp.jobs import PREFIX
from gcpdiag.model.json import JsonObject, object_at, objects_at, text_at
from gcpdiag.model.plan import VALIDITY, BlastRadius, Plan, Step
from gcpdiag.model.window import in_utc
from gcpdiag.remediate.planning import Occasion
from gcpdiag.remediate.validate import ACCEPTED, Verdict
from gcpdiag.verify.job_targets import VARIABLE, Luggage, pack, unpack
from gcpdiag.verify.target import Target

SERVICE = "gcpdiag.dev/service"
"""The annotation of the job that names the service."""

_SPARE = timedelta(seconds=60)  # for the container to start and to end, besides the probes' own deadline
_SETTLE = timedelta(seconds=90)  # direct VPC egress: "a minute or more" until a new instance connects
_REFUSALS: frozenset[FailureKind] = frozenset(
    {"rejected", "denied", "conflict", "not-found", "disabled", "not-offered", "malformed"}
)


class Jobs(Protocol):
    """What makes, runs and deletes jobs; ``gcpdiag.gcp.jobs.JobWriter`` is one."""

    def create_job(self, name: str, job: JsonObject, *, validate_only: bool = False) -> JsonObject:
        """Ask for a job, or only for a check of it, and return the operation."""
        ...

    def run_job(self, name: str) -> JsonObject:
        """Start a job and return the operation."""
        ...

    def get_execution(self, name: str) -> JsonObject:
        """Return an execution as it stands now."""
        ...

    def delete_job(self, name: str) -> JsonObject:
        """Delete a job and return the operation."""
        ...

    def wait_operation(self, operation: JsonObject, *, within: float) -> JsonObject:
        """Return an operation when it is done, or when the time is over."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """A plan of one step, the making of a job; what it takes along, and all that was asked to be probed."""

    plan: Plan
    targets: tuple[Target, ...]
    luggage: Luggage
    service: JsonObject

    @property
    def name(self) -> str:
        """The full name of the job."""
        return self.plan.steps[0].target

    @property
    def job(self) -> JsonObject:
        """The job as it is asked for."""
        return self.plan.steps[0].after

    @property
    def packed(self) -> tuple[Target, ...]:
        """The targets that the job probes, in its own order."""
        return tuple(self.targets[place] for place in self.luggage.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """How the job shall be: its image (empty: the default one), and how long each probe has."""

    image: str = ""
    probe_deadline: timedelta


def default_image(project: str, region: str) -> str:
    """Return the image that is run where none is named: of this version, in the project's own Artifact Registry."""
    return f"{region}-docker.pkg.dev/{project.replace(':', '/')}/gcpdiag/gcpdiag:{__version__}"


def plan_job(
    service: JsonObject,
    targets: Sequence[Target],
    options: JobOptions,
    occasion: Occasion,
    *,
    plan_id: str,
    now: datetime,
) -> JobPlan:
    """Return the plan of probing targets from where a service is; UsageError where they are too many for one job."""
    name = text_at(service, "name")
    template = object_at(service, "template")
    luggage = pack(targets, _secrets(template))
    parent, _, short = name.partition("/services/")
    _, project, _, region = parent.split("/")
    image = options.image or default_image(project, region)
    step = Step(
        kind="probe",
        target=f"{parent}/jobs/{PREFIX}{plan_id}",
        before={},
        after=_job(f"{parent}/jobs/{PREFIX}{plan_id}", name, template, luggage, image, options),
        update_mask=("template", "labels", "annotations"),
        etag="",
        generation="",
        risk="low",
        is_reversible=True,
        is_disruptive=False,
        effect=f"A job of one task runs for a minute or two where {short} is: as its service account, by its way into"
        f" the VPC. It probes {_counted(len(luggage.places))}, and is deleted again. {short} itself is not touched.",
        cost="same",
        warnings=_warnings(short, template, luggage, targets, image),
    )
    moment = in_utc(now).replace(microsecond=0)
    plan = Plan(
        id=plan_id,
        project=project,
        steps=(step,),
        created_at=moment,
        expires_at=moment + VALIDITY,
        author=occasion.author,
        host=occasion.host,
        reason=occasion.reason,
        production=occasion.production,
        radius=BlastRadius(services=(), traffic_percent=0.0, instances=1),
    )
    return JobPlan(plan=plan, targets=tuple(targets), luggage=luggage, service=service)


def service_of(plan: Plan) -> str:
    """Return the full name of the service whose place the plan of a job takes."""
    return str(object_at(plan.steps[0].after, "annotations").get(SERVICE, ""))


def job_plan_of(plan: Plan, service: JsonObject) -> JobPlan:
    """Return the plan of a job as it was written down; UsageError when its targets cannot be read."""
    containers = objects_at(plan.steps[0].after, "template.template.containers")
    environment = tuple(objects_at(containers[0], "env")) if containers else ()
    text = next((text_at(one, "value") for one in environment if text_at(one, "name") == VARIABLE), "")
    targets = tuple(unpack(text))
    luggage = Luggage(environment=environment, places=tuple(range(len(targets))), left={})
    return JobPlan(plan=plan, targets=targets, luggage=luggage, service=service)


def validate_job(jobs: Jobs, made: JobPlan) -> Verdict:
    """Return what Cloud Run says to the job; nothing is made."""
    try:
        jobs.create_job(made.name, made.job, validate_only=True)
    except CallError as error:
        return Verdict(text=error.failure.text, is_refusal=error.failure.kind in _REFUSALS)
    return Verdict(text=ACCEPTED, is_refusal=False)


def _job(
    name: str, service: str, template: JsonObject, luggage: Luggage, image: str, options: JobOptions
) -> JsonObject:
    settle = _SETTLE if object_at(template, "vpcAccess").get("networkInterfaces") else timedelta()
    seconds = round((2 * options.probe_deadline + settle + _SPARE).total_seconds())
    arguments = ["probe", "--timeout", _seconds(options.probe_deadline)]
    container: JsonObject = {
        "image": image,
        "args": [*arguments, *(["--settle", _seconds(settle)] if settle else [])],
        "env": [*luggage.environment],
        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
    }
    task: JsonObject = {"containers": [container], "maxRetries": 0, "timeout": f"{seconds}s"}
    for field in ("serviceAccount", "vpcAccess"):
        if template.get(field):
            task[field] = template[field]
    return {
        "name": name,
        "labels": {"managed-by": "gcpdiag"},
        "annotations": {SERVICE: service},
        "client": "gcpdiag",
        "clientVersion": __version__,
        "template": {"taskCount": 1, "parallelism": 1, "template": task},
    }


def _seconds(length: timedelta) -> str:
    return f"{max(1, round(length.total_seconds()))}s"


def _secrets(template: JsonObject) -> Mapping[str, JsonObject]:
    """Return the references to secrets in a service's environment, by variable."""
    return {
        text_at(variable, "name"): object_at(variable, "valueSource.secretKeyRef")
        for container in objects_at(template, "containers")
        for variable in objects_at(container, "env")
        if object_at(variable, "valueSource.secretKeyRef")
    }


def _warnings(
    short: str, template: JsonObject, luggage: Luggage, targets: Sequence[Target], image: str
) -> tuple[str, ...]:
    told = [f"The image must be there, and the account that runs {short} able to read its secrets: {image}"]
    access = object_at(template, "vpcAccess")
    if not access.get("connector") and not access.get("networkInterfaces"):
        told.append(f"{short} has no way into a VPC, so neither has the job: private addresses stay out of reach.")
    told += [f"{targets[place].shown} is not probed: {reason}." for place, reason in luggage.left.items()]
    return tuple(told)


def _counted(count: int) -> str:
    return "one target" if count == 1 else f"{count} targets"
