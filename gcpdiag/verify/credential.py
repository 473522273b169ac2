"""Where a password or token comes from: named in a target, read when it is needed, never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from gcpdiag.errors import UsageError

_SECRET_NAME = re.compile(r"projects/[^/]+/secrets/[^/]+(?:/versions/[^/]+)?")
_LARGEST = 64 << 10  # bytes; Secret Manager takes no larger payload
_SHORTEST_HIDDEN = 3  # characters; hiding shorter ones would hide half the text and tell more than it hides


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """The value of an environment variable."""

    name: str


@dataclass(frozen=True, slots=True)
class FromFile:
    """The content of a file, without the line break at its end."""

    path: Path


@dataclass(frozen=True, slots=True)
class FromSecret:
    """A secret's version in Secret Manager, ``projects/P/secrets/S/versions/V``; the latest where none is named."""

    name: str

    def __post_init__(self) -> None:
        if not _SECRET_NAME.fullmatch(self.name):
            raise UsageError(
                "a secret is named as projects/PROJECT/secrets/NAME/versions/VERSION",
                hint="The name, never the value: values do not belong into files or arguments",
            )

    @property
    def version(self) -> str:
        """The full name of the version."""
        return self.name if "/versions/" in self.name else f"{self.name}/versions/latest"


Credential: TypeAlias = FromEnvironment | FromFile | FromSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """Reads credentials; ``read_secret`` asks Secret Manager and raises a GcpdiagError when it may not."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    read_secret: Callable[[str], str] | None = None

    def value_of(self, credential: Credential | None) -> str:
        """Return a credential's value, an empty text for none; UsageError where there is nothing to read."""
        match credential:
            case None:
                return ""
            case FromEnvironment(name):
                value = self.environ.get(name, "")
                if not value:
                    raise UsageError(f"the environment variable {name} is not set")
                return value
            case FromFile(path):
                return _content(path)
            case FromSecret() as secret:
                if self.read_secret is None:
                    raise UsageError(
                        f"{secret.name} cannot be read: there is no access to Secret Manager",
                        hint="Give the value by an environment variable or a file",
                    )
                return self.read_secret(secret.version)


def _content(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
        value = content.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror or "" if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"the credential file {path} cannot be read", cause=cause) from error
    if not value or len(content) > _LARGEST:
        raise UsageError(f"the credential file {path} is {'empty' if not value else 'too large for a credential'}")
    return value


def hidden(text: str, secrets: tuple[str, ...]) -> str:
    """Return the text without any of these secrets, whatever a server chose to repeat of them."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_HIDDEN:
            text = text.replace(secret, "[redacted]")
    return text
