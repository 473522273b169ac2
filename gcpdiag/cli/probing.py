"""How commands probe: with whose credentials, from where, and what they were told to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcpdiag.cli.live import LiveOptions

if TYPE_CHECKING:
    from gcpdiag.bundle.read import Bundle
    from gcpdiag.model.probe import Origin
    from gcpdiag.verify.runner import Prober
    from gcpdiag.verify.target import Target

_DEFAULT_FILE = Path("gcpdiag.toml")


def targets_of_file(file: Path | None) -> list[Target]:
    """Return the targets of a file; without one, those of ``./gcpdiag.toml`` where that exists."""
    from gcpdiag.collect.scope import parse_duration
    from gcpdiag.verify.configuration import load_targets

    if file is None and not _DEFAULT_FILE.is_file():
        return []
    return load_targets(file or _DEFAULT_FILE, parse_duration)


def prober_of(options: LiveOptions, timeout: timedelta, *, inside: bool) -> Prober:
    """Return what probes as the account that the options name; Google is asked only where a target needs it."""
    from gcpdiag.verify.attempt import in_thread
    from gcpdiag.verify.credential import Vault
    from gcpdiag.verify.runner import Prober

    async def identity(audience: str) -> str:
        from gcpdiag.gcp.identity import fetch_identity_token

        return await in_thread(lambda: fetch_identity_token(audience, impersonate=options["impersonate"]))

    def secret(version: str) -> str:
        from gcpdiag.gcp.access import AccessOptions, open_access
        from gcpdiag.gcp.identity import fetch_secret

        access = AccessOptions(
            impersonate=options["impersonate"],
            quota_project=options["quota_project"],
            token_file=options["token_file"],
        )
        return fetch_secret(open_access(access), version)

    return Prober(vault=Vault(read_secret=secret), identity=identity, origin=origin_of(inside=inside), deadline=timeout)


def origin_of(*, inside: bool) -> Origin:
    """Return where probes run: Cloud Run tells its own instances and jobs by these variables."""
    return "inside" if inside or os.environ.get("K_SERVICE") or os.environ.get("CLOUD_RUN_JOB") else "outside"


def probed(bundle: Bundle, options: LiveOptions, services: Sequence[str]) -> Bundle:
    """Return the bundle with what probes of its topology, and of ``./gcpdiag.toml``, saw."""
    from gcpdiag.verify.discovery import find_targets
    from gcpdiag.verify.recording import telling_results, with_probes
    from gcpdiag.verify.runner import DEADLINE, Unprobed

    targets = [*targets_of_file(None), *find_targets(bundle, services)]
    results = prober_of(options, DEADLINE, inside=False).probe_all(targets)
    for reason in sorted({one.reason for one in results if isinstance(one, Unprobed)}):
        click.echo(f"gcpdiag: not probed: {reason}", err=True)
    return with_probes(bundle, telling_results(targets, results))
