"""Where the files that ship with the package lie: in the wheel, or in the checkout that it is run from."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def playbook_root() -> Path:
    """Return the directory of the playbooks that ship with gcpdiag."""
    return _shipped("playbooks", "playbooks")


def demo_bundle() -> Path:
    """Return the recorded incident that ``gcpdiag demo`` diagnoses."""
    return _shipped("demo", "fixtures/staging-503")


def role_file(name: str) -> Path:
    """Return the custom IAM role that ``gcloud iam roles create --file`` takes: ``triage`` or ``actions``."""
    return _shipped("roles", "roles") / f"{name}.yaml"


def _shipped(in_wheel: str, in_checkout: str) -> Path:
    installed = _PACKAGE / "_shipped" / in_wheel
    return installed if installed.is_dir() else _PACKAGE.parent / in_checkout
