"""Every permission that gcpdiag uses: what for, and the smallest predefined role that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gcpdiag.bundle.format import PROBES, SOURCES, Source

Need = Literal["triage", "bundle", "discovery", "changes"]
"""What goes without it: triage itself, kept bundles alone, finding one's way around, or changes."""

BUNDLE_ONLY = frozenset(
    f"compute.{one}" for one in ("addresses", "forwarding_rules", "routes", "ssl_certificates", "target_proxies")
) | {"compute.url_maps"}
"""Sources that ``gcpdiag collect`` reads, and triage of a live project does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A permission on a project; ``purpose`` is what is seen or done with it, ``source`` empty where it reads none."""

    name: str
    need: Need
    purpose: str
    role: str
    source: str = ""
    api: str = ""
    on_account: bool = False  # belongs on the service account that a service runs as, and may be granted there alone


def _of_source(source: Source, *, name: str = "") -> Permission:
    return Permission(
        name=name or source.permission,
        need="bundle" if source.id in BUNDLE_ONLY else "triage",
        purpose=source.title,
        role=source.role,
        source=source.id,
        api=source.api,
    )


def _discovery(name: str, role: str, purpose: str) -> Permission:
    return Permission(name=name, need="discovery", purpose=purpose, role=role)


def _change(name: str, role: str, purpose: str, *, on_account: bool = False) -> Permission:
    return Permission(name=name, need="changes", purpose=purpose, role=role, on_account=on_account)


ACT_AS = "iam.serviceAccounts.actAs"

# Roles: the IAM role reference. The list of target proxies is two lists, each with a permission of its own.
PERMISSIONS: tuple[Permission, ...] = (
    *(_of_source(source) for source in SOURCES.values() if source.id != PROBES),
    _of_source(SOURCES["compute.target_proxies"], name="compute.targetHttpProxies.list"),
    _discovery("resourcemanager.projects.get", "roles/browser", "suggest a project when a name is mistyped"),
    _discovery(
        "serviceusage.services.list", "roles/serviceusage.serviceUsageViewer", "tell an API that is off from one denied"
    ),
    _change("run.services.get", "roles/run.viewer", "read a service right before and after a change"),
    _change("run.services.update", "roles/run.developer", "restart, scale, roll back"),
    _change("run.revisions.get", "roles/run.viewer", "check the revision to go back to"),
    _change("run.revisions.list", "roles/run.viewer", "find the revision to go back to"),
    _change("run.operations.get", "roles/run.viewer", "follow a change to its end"),
    _change(ACT_AS, "roles/iam.serviceAccountUser", "act as the account that a service runs as", on_account=True),
)

_INCLUDED = {"roles/compute.networkViewer": "roles/compute.viewer", "roles/run.viewer": "roles/run.developer"}


def smallest_roles(permissions: tuple[Permission, ...]) -> tuple[str, ...]:
    """Return the predefined roles that grant all of these, without one whose permissions another of them includes."""
    roles = sorted({one.role for one in permissions})
    return tuple(one for one in roles if _INCLUDED.get(one) not in roles)
