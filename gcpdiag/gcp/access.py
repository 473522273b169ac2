"""Who asks: Application Default Credentials, somebody impersonated, or a token in a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.auth import exceptions
from google.auth.credentials import AnonymousCredentials, Credentials

from gcpdiag.errors import UnreachableError, UsageError

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LOG_IN = "Run `gcloud auth application-default login`"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessOptions:
    """How to sign in; all empty means Application Default Credentials as they are."""

    impersonate: str = ""
    quota_project: str = ""
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Credentials that have a token, the project that they bring along, and who they are where that is known."""

    credentials: Credentials
    project: str = ""
    account: str = ""
    quota_project: str = ""


def anonymous_access() -> Access:
    """Return the access that an emulator asks for: none."""
    return Access(credentials=AnonymousCredentials())


def open_access(options: AccessOptions, environ: Mapping[str, str] = os.environ) -> Access:
    """Sign in and return the access; UnreachableError says which way failed, and what to do."""
    if options.token_file is not None:
        if options.impersonate:
            raise UsageError("--access-token-file and --impersonate-service-account exclude each other")
        credentials: Credentials = _from_token_file(options.token_file)
        project = ""
    else:
        credentials, project = _default_credentials()
    account = str(getattr(credentials, "service_account_email", "") or "")
    if options.impersonate:
        credentials, account = _impersonated(credentials, options.impersonate), options.impersonate
    quota_project = options.quota_project or environ.get("GOOGLE_CLOUD_QUOTA_PROJECT", "")
    if quota_project and hasattr(credentials, "with_quota_project"):
        credentials = credentials.with_quota_project(quota_project)
    if options.token_file is None:
        _refresh(credentials, options)
    return Access(credentials=credentials, project=project, account=account, quota_project=quota_project)


def _default_credentials() -> tuple[Credentials, str]:
    import google.auth

    try:
        credentials, project = google.auth.default(scopes=[_SCOPE])
    except exceptions.DefaultCredentialsError as error:
        raise UnreachableError(
            "no Google credentials found",
            cause=_one_line(error),
            hint=f"{_LOG_IN}, set GOOGLE_APPLICATION_CREDENTIALS to a key file, or give --access-token-file",
        ) from error
    except exceptions.GoogleAuthError as error:
        raise UnreachableError("the Google credentials cannot be used", cause=_one_line(error), hint=_LOG_IN) from error
    return credentials, project or ""


def _from_token_file(path: Path) -> Credentials:
    from google.oauth2.credentials import Credentials as TokenCredentials

    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the access token file {path} cannot be read", cause=str(error)) from error
    if not token or len(token.split()) > 1:
        raise UsageError(
            f"the access token file {path} does not hold one token",
            hint=f"Write it with `gcloud auth print-access-token > {path}`",
        )
    return TokenCredentials(token=token)


def _impersonated(source: Credentials, principal: str) -> Credentials:
    from google.auth import impersonated_credentials

    if "@" not in principal:
        raise UsageError(
            f"{principal!r} is not a service account", hint="Give its e-mail, NAME@PROJECT.iam.gserviceaccount.com"
        )
    return impersonated_credentials.Credentials(
        source_credentials=source, target_principal=principal, target_scopes=[_SCOPE]
    )


def _refresh(credentials: Credentials, options: AccessOptions) -> None:
    """Get the token now, so that a failure is told once and not by every call."""
    from google.auth.transport.requests import Request

    try:
        credentials.refresh(Request())
    except exceptions.RefreshError as error:
        if options.impersonate:
            raise UnreachableError(
                f"{options.impersonate} cannot be impersonated",
                cause=_one_line(error),
                hint="Grant yourself roles/iam.serviceAccountTokenCreator on it:"
                f" `gcloud iam service-accounts add-iam-policy-binding {options.impersonate}"
                " --member=user:YOUR_ACCOUNT --role=roles/iam.serviceAccountTokenCreator`",
            ) from error
        raise UnreachableError(
            "the Google credentials have expired or were revoked", cause=_one_line(error), hint=_LOG_IN
        ) from error
    except exceptions.TransportError as error:
        raise UnreachableError(
            "Google cannot be reached to sign in",
            cause=_one_line(error),
            hint="Check the network and HTTPS_PROXY",
        ) from error


def _one_line(error: Exception) -> str:
    """Return the first of an error's arguments on one line; google-auth puts the whole answer into the second."""
    return " ".join(str(error.args[0] if error.args else error).split())[:300].rstrip(".")
