"""The bundle's files and manifest, as the contract lays them down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from gcpdiag.bundle.values import utf8_of
from gcpdiag.errors import BundleError
from gcpdiag.model.window import in_utc, is_credible

MANIFEST = "manifest.json"
EXPECTED = "expected.json"
LOG_ENTRIES = "logging.entries"
TIME_SERIES = "monitoring.time_series"
PROBES = "probes.results"

_LONGEST_WINDOW = timedelta(days=400)  # Google keeps admin activity for that long, and most logs for thirty

SourceState = Literal["ok", "denied", "disabled", "error", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One kind of answer in a bundle: its file, its name, and the access that reading it live takes."""

    id: str
    path: str
    title: str
    permission: str
    role: str
    api: str


def _source(source_id: str, title: str, permission: str, role: str, *, suffix: str = ".json") -> Source:
    return Source(
        id=source_id,
        path=source_id.replace(".", "/", 1) + suffix,
        title=title,
        permission=permission,
        role=role,
        api=f"{source_id.split('.', 1)[0]}.googleapis.com",
    )


# Permissions and smallest predefined roles: the IAM role reference, cross-checked per list method.
_COMPUTE = (
    ("forwarding_rules", "load balancer forwarding rules", "forwardingRules", "networkViewer"),
    ("target_proxies", "load balancer proxies", "targetHttpsProxies", "networkViewer"),
    ("url_maps", "URL maps", "urlMaps", "networkViewer"),
    ("backend_services", "backend services", "backendServices", "networkViewer"),
    ("network_endpoint_groups", "network endpoint groups", "networkEndpointGroups", "viewer"),
    ("ssl_certificates", "TLS certificates", "sslCertificates", "networkViewer"),
    ("subnetworks", "subnetworks", "subnetworks", "networkViewer"),
    ("firewalls", "firewall rules", "firewalls", "networkViewer"),
    ("routers", "Cloud Routers and NAT", "routers", "networkViewer"),
    ("routes", "routes", "routes", "networkViewer"),
    ("addresses", "addresses", "addresses", "networkViewer"),
)

SOURCES: dict[str, Source] = {
    source.id: source
    for source in (
        _source("run.services", "Cloud Run services", "run.services.list", "roles/run.viewer"),
        _source("run.revisions", "Cloud Run revisions", "run.revisions.list", "roles/run.viewer"),
        _source(LOG_ENTRIES, "log entries", "logging.logEntries.list", "roles/logging.viewer", suffix=".jsonl"),
        _source(TIME_SERIES, "metrics", "monitoring.timeSeries.list", "roles/monitoring.viewer", suffix=".jsonl"),
        _source(
            "vpcaccess.connectors",
            "Serverless VPC Access connectors",
            "vpcaccess.connectors.list",
            "roles/vpcaccess.viewer",
        ),
        *(
            _source(f"compute.{name}", title, f"compute.{kind}.list", f"roles/compute.{role}")
            for name, title, kind, role in _COMPUTE
        ),
        _source("sqladmin.instances", "Cloud SQL instances", "cloudsql.instances.list", "roles/cloudsql.viewer"),
        _source("redis.instances", "Memorystore for Redis instances", "redis.instances.list", "roles/redis.viewer"),
        _source(
            "servicehealth.events",
            "Personalized Service Health events",
            "servicehealth.events.list",
            "roles/servicehealth.viewer",
        ),
        _source(PROBES, "active probe results", "", ""),
    )
}


class ManifestSource(msgspec.Struct, frozen=True):
    """What the collector says about one source.

    ``sampled`` (log entries alone): whatever fails or alarms is whole, and of answered requests and routine entries
    there is only a sample.
    """

    source: str
    status: SourceState = "ok"
    items: int | None = None
    truncated: bool = False
    sampled: bool = False
    permission: str = ""
    error: str = ""


class ManifestWindow(msgspec.Struct, frozen=True):
    """The window that was asked for."""

    start: datetime
    end: datetime


class ManifestFile(msgspec.Struct, frozen=True):
    """The checksum of one file, as it was when the bundle was kept."""

    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """``manifest.json``; unknown keys are left alone, so that later versions may add some."""

    format: str
    version: int
    project: str
    regions: list[str] = []
    window: ManifestWindow | None = None
    collected_at: datetime | None = None
    sources: list[ManifestSource] = []
    files: dict[str, ManifestFile] = {}


def parse_manifest(content: bytes) -> Manifest:
    """Return the manifest, or raise BundleError when this is no version 1 bundle."""
    try:
        head = msgspec.json.decode(utf8_of(content))
    except (ValueError, RecursionError) as error:
        raise BundleError("manifest.json is not JSON", cause=str(error)) from error
    if not isinstance(head, dict) or head.get("format") != "gcpdiag-bundle":
        raise BundleError(
            "not an incident bundle",
            cause='manifest.json has no "format": "gcpdiag-bundle"',
            hint="Give a directory or .zip that `gcpdiag` wrote, or add that manifest",
        )
    if head.get("version") != 1:
        raise BundleError(
            f"bundle version {head.get('version')!r} is not supported",
            hint="This gcpdiag reads version 1; a newer one may read it",
        )
    try:
        manifest = msgspec.convert(head, Manifest)
    except msgspec.ValidationError as error:
        raise BundleError("manifest.json is not as the contract says", cause=str(error)) from error
    if manifest.window:
        _check_window(manifest.window)
    return manifest


def _check_window(window: ManifestWindow) -> None:
    if not (is_credible(window.start) and is_credible(window.end)):
        raise BundleError("manifest.json: the window lies in no year that has logs")
    length = in_utc(window.end) - in_utc(window.start)
    if length <= timedelta():
        raise BundleError("manifest.json: the window ends before it starts")
    if length > _LONGEST_WINDOW:
        raise BundleError(
            f"manifest.json: the window is longer than {_LONGEST_WINDOW.days} days",
            hint="Diagnose the hours around the incident",
        )
