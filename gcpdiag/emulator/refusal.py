"""How Google refuses: no permission, an API that is off, a quota that is used up."""

from __future__ import annotations

import re

from gcpdiag.bundle.format import SOURCES
from gcpdiag.bundle.read import Coverage
from gcpdiag.emulator.rest import ApiError
from gcpdiag.emulator.state import State
from gcpdiag.model.json import JsonObject

ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_CODE = re.compile(r"(\d{3})\s+(.*)", re.DOTALL)
_LOCATION = re.compile(r"/(projects/[^/]+/locations/[^/:]+)")

# `title` of the API's discovery document; for Service Health the title of its service configuration (unverified).
TITLES = {
    "run": "Cloud Run Admin API",
    "logging": "Cloud Logging API",
    "monitoring": "Cloud Monitoring API",
    "vpcaccess": "Serverless VPC Access API",
    "compute": "Compute Engine API",
    "sqladmin": "Cloud SQL Admin API",
    "redis": "Google Cloud Memorystore for Redis API",
    "servicehealth": "Service Health API",
    "serviceusage": "Service Usage API",
    "cloudresourcemanager": "Cloud Resource Manager API",
}


def permission_denied(state: State, api: str, permission: str, path: str) -> ApiError:
    """Return the 403 that names a missing permission; Compute words it in its own way."""
    if api == "compute":
        return ApiError(403, message=f"Required '{permission}' permission for 'projects/{state.project}'")
    found = _LOCATION.search(path)
    resource = found[1] if found else f"projects/{state.project}"
    service = f"{api}.googleapis.com"
    return ApiError(
        403,
        message=f"Permission '{permission}' denied on resource '{resource}' (or it may not exist).",
        details=[
            {
                "@type": ERROR_INFO,
                "reason": "IAM_PERMISSION_DENIED",
                "domain": service,
                "metadata": {"permission": permission, "resource": resource},
            }
        ],
    )


def api_disabled(state: State, api: str) -> ApiError:
    """Return the 403 of an API that is not enabled in the project."""
    service, number = f"{api}.googleapis.com", state.project_number
    address = f"https://console.developers.google.com/apis/api/{service}/overview?project={number}"
    message = (
        f"{TITLES.get(api, service)} has not been used in project {number} before or it is disabled. Enable it by "
        f"visiting {address} then retry. If you enabled this API recently, wait a few minutes for the action to "
        "propagate to our systems and retry."
    )
    return ApiError(403, message=message, details=[_disabled_info(state, service)], reason="accessNotConfigured")


def quota_exceeded(api: str, state: State) -> ApiError:
    """Return the answer to too many calls: 429, but 403 ``rateLimitExceeded`` from Compute."""
    if api == "compute":  # https://docs.cloud.google.com/compute/docs/api-rate-limits
        message = f"Quota exceeded for quota group 'ReadGroup' and limit 'Read requests per 100 seconds' of service \
'compute.googleapis.com' for consumer 'project_number:{state.project_number}'."  # unverified wording
        return ApiError(403, message=message, reason="rateLimitExceeded")
    service = f"{api}.googleapis.com"
    message = (  # unverified: the names of metric and limit differ per method
        f"Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service '{service}' "
        f"for consumer 'project_number:{state.project_number}'."
    )
    info: JsonObject = {
        "@type": ERROR_INFO,
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {"service": service, "consumer": f"projects/{state.project_number}"},
    }
    return ApiError(429, "RESOURCE_EXHAUSTED", message, [info])


def other_project(project: str, api: str) -> ApiError:
    """Return the 403 of a project that is not the bundle's."""
    info: JsonObject = {
        "@type": ERROR_INFO,
        "reason": "CONSUMER_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": f"{api}.googleapis.com", "consumer": f"projects/{project}"},
    }
    return ApiError(403, message=f"Permission denied on resource project {project}.", details=[info])


def recorded_refusal(state: State, source_id: str, api: str, permission: str, path: str) -> ApiError | None:
    """Return the error that a source answered with when the bundle was collected, in the words of the manifest.

    A source that was not collected is unknown, so an empty list would be a lie: the answer is that there is none.
    """
    coverage = state.coverage(source_id)
    if coverage.state == "skipped" and state.resources(source_id) is None:
        return ApiError(501, message=f"Not collected: the bundle has no {coverage.source.path}.")
    if coverage.state in ("ok", "skipped"):
        return None
    code, told = _told(coverage)
    if coverage.state == "disabled":
        usual = api_disabled(state, api)
    elif coverage.state == "denied":
        usual = permission_denied(state, api, permission or coverage.permission, path)
    else:
        usual = ApiError(code or 500, message="Internal error encountered.")
    return ApiError(usual.code, usual.status, told or usual.message, usual.details, reason=usual.reason)


def denied_permissions(state: State) -> frozenset[str]:
    """Return the permissions that the manifest says are missing."""
    covered = [state.coverage(source_id) for source_id in SOURCES]
    return frozenset(one.permission for one in covered if one.state == "denied")


def disabled_apis(state: State) -> frozenset[str]:
    """Return the service names of the APIs that the manifest says are off."""
    covered = [state.coverage(source_id) for source_id in SOURCES]
    return frozenset(one.source.api for one in covered if one.state == "disabled")


def _told(coverage: Coverage) -> tuple[int, str]:
    """Return the code and the message of an error such as ``403 Permission denied on …``."""
    told = coverage.reason if coverage.reason[:3].isdecimal() else ""
    found = _CODE.fullmatch(told)
    return (int(found[1]), found[2]) if found else (0, "")


def _disabled_info(state: State, service: str) -> JsonObject:
    metadata: JsonObject = {
        "service": service,
        "consumer": f"projects/{state.project_number}",
        "serviceTitle": TITLES.get(service.partition(".")[0], service),
    }
    return {"@type": ERROR_INFO, "reason": "SERVICE_DISABLED", "domain": "googleapis.com", "metadata": metadata}
