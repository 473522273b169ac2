from __future__ import annotations

import pytest

from gcpdiag.gcp.failure import FailureKind, failure_of_answer
from gcpdiag.model.json import Json, JsonObject


def error(code: int, message: str = "no", *, reason: str = "", details: list[Json] | None = None) -> JsonObject:
    errors: list[Json] = [{"reason": reason}] if reason else []
    return {"error": {"code": code, "message": message, "errors": errors, "details": details or []}}


DISABLED: Json = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "SERVICE_DISABLED",
    "metadata": {"service": "redis.googleapis.com"},
}


@pytest.mark.parametrize(
    "code, body, kind",
    [
        (403, error(403), "denied"),
        (401, error(401), "denied"),
        (403, error(403, details=[DISABLED]), "disabled"),
        (403, error(403, reason="accessNotConfigured"), "disabled"),
        (403, error(403, reason="rateLimitExceeded"), "quota"),
        (429, error(429), "quota"),
        (500, error(500), "unavailable"),
        (503, {}, "unavailable"),
        (501, error(501), "not-offered"),
        (400, error(400), "rejected"),
        (404, error(404), "not-found"),
        (504, error(504), "timeout"),
    ],
)
def test_an_error_answer_is_told_apart_by_what_it_means(code: int, body: JsonObject, kind: FailureKind) -> None:
    assert failure_of_answer(code, body).kind == kind


@pytest.mark.parametrize(
    "message, permission",
    [
        (
            "Permission 'run.services.list' denied on resource 'projects/p/locations/r' (or it may not exist).",
            "run.services.list",
        ),
        ("Required 'compute.routers.list' permission for 'projects/p'", "compute.routers.list"),
        ("Permission monitoring.timeSeries.list denied (or the resource may not exist).", "monitoring.timeSeries.list"),
        ("The caller does not have permission", ""),
        ("Access to www.googleapis.com was refused", ""),
    ],
)
def test_the_missing_permission_is_read_from_the_message(message: str, permission: str) -> None:
    assert failure_of_answer(403, error(403, message)).permission == permission


def test_the_permission_in_the_details_wins() -> None:
    details: list[Json] = [
        {"reason": "IAM_PERMISSION_DENIED", "metadata": {"permission": "cloudsql.instances.list", "resource": "p"}}
    ]

    assert failure_of_answer(403, error(403, details=details)).permission == "cloudsql.instances.list"


def test_retry_after_is_read_in_seconds() -> None:
    assert failure_of_answer(429, error(429), retry_after="17").retry_after == 17.0
    assert failure_of_answer(429, error(429), retry_after="Wed, 21 Oct 2026 07:28:00 GMT").retry_after is None


@pytest.mark.parametrize(
    "kind, passes", [("quota", True), ("unavailable", True), ("denied", False), ("timeout", False)]
)
def test_only_what_may_pass_is_transient(kind: FailureKind, *, passes: bool) -> None:
    code = {"quota": 429, "unavailable": 503, "denied": 403, "timeout": 504}[kind]

    assert failure_of_answer(code, {}).is_transient is passes
