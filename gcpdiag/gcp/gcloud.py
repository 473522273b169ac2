"""What gcloud is set up with: the project and region that a person expects when they give none.

Read from gcloud's own files and variables (``gcloud topic configurations``); nothing is started and nothing written.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class GcloudSetup:
    """The active configuration's project, region and account; empty where it has none."""

    project: str = ""
    region: str = ""
    account: str = ""


def load_gcloud_setup(environ: Mapping[str, str] = os.environ) -> GcloudSetup:
    """Return the active configuration; variables win over its file, as they do for gcloud."""
    active = _active_configuration(environ)

    def told(section: str, name: str) -> str:
        variable = environ.get(f"CLOUDSDK_{section}_{name}".upper(), "")
        return variable or active.get(section, name, fallback="")

    return GcloudSetup(
        project=told("core", "project"),
        region=told("run", "region") or told("compute", "region"),
        account=told("core", "account"),
    )


def _active_configuration(environ: Mapping[str, str]) -> configparser.ConfigParser:
    home = Path(environ.get("CLOUDSDK_CONFIG") or Path(environ.get("HOME", "~")).expanduser() / ".config" / "gcloud")
    parser = configparser.ConfigParser(interpolation=None)
    try:
        name = environ.get("CLOUDSDK_ACTIVE_CONFIG_NAME") or (home / "active_config").read_text(encoding="utf-8")
        parser.read(home / "configurations" / f"config_{name.strip()}", encoding="utf-8")
    except (OSError, UnicodeDecodeError, configparser.Error):
        return configparser.ConfigParser()  # gcloud was never set up here, or in a way that it would not read either
    return parser
