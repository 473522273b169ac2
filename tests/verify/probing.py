"""One probe, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gcpdiag.model.probe import ProbeResult
from gcpdiag.verify.address import parse_url
from gcpdiag.verify.credential import Vault
from gcpdiag.verify.probe_http import IdentityToken
from gcpdiag.verify.runner import Prober
from gcpdiag.verify.target import HttpTarget, Target

PATIENT, IMPATIENT = timedelta(seconds=30), timedelta(seconds=0.5)


def probed(
    target: Target,
    *,
    deadline: timedelta = PATIENT,
    environ: Mapping[str, str] | None = None,
    identity: IdentityToken | None = None,
) -> ProbeResult:
    """The result of one probe, which must have been made."""
    prober = Prober(vault=Vault(environ=environ or {}), deadline=deadline, identity=identity)
    (result,) = prober.probe_all([target])
    assert isinstance(result, ProbeResult), result
    return result


def outcome(result: ProbeResult) -> tuple[str, str]:
    return result.failed_at or "passed", result.error


def measured(result: ProbeResult, name: str) -> str:
    return next(one.value for one in result.measures if one.name == name)


def http(address: object, path: str = "/health", scheme: str = "http", **options: object) -> HttpTarget:
    return HttpTarget(url=parse_url(f"{scheme}://{address}{path}", ("http", "https")), **options)  # type: ignore[arg-type]
