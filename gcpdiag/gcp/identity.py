"""What a probe shows at a door: an ID token for Cloud Run, and what a secret of Secret Manager holds."""

from __future__ import annotations

import base64
import binascii

import google.auth
from google.auth import exceptions, impersonated_credentials
from google.auth.credentials import Credentials
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from gcpdiag.errors import UnreachableError
from gcpdiag.gcp.access import Access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.failure import CallError
from gcpdiag.gcp.rest import RestApi
from gcpdiag.model.json import text_at

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def fetch_identity_token(audience: str, *, impersonate: str = "") -> str:
    """Return an ID token for a Cloud Run service, whose URL is the audience; UnreachableError where none can be had.

    A service account makes one for any audience, whether by its key, on Google's own machines, or impersonated; a
    person's own credentials make none.
    """
    request = Request()
    try:
        if impersonate:
            return _impersonated(audience, impersonate, request)
        credentials = id_token.fetch_id_token_credentials(audience, request=request)
        credentials.refresh(request)
    except exceptions.GoogleAuthError as error:
        raise UnreachableError(
            "no ID token can be had",
            cause=" ".join(str(error.args[0] if error.args else error).split())[:200].rstrip("."),
            hint="Give --impersonate-service-account ACCOUNT, one that may invoke the service",
        ) from error
    return str(credentials.token)


def _impersonated(audience: str, principal: str, request: Request) -> str:
    source: Credentials
    source, _ = google.auth.default(scopes=[_SCOPE])
    account = impersonated_credentials.Credentials(
        source_credentials=source, target_principal=principal, target_scopes=[_SCOPE]
    )
    made = impersonated_credentials.IDTokenCredentials(account, target_audience=audience, include_email=True)
    made.refresh(request)
    return str(made.token)


def fetch_secret(access: Access, version: str, *, emulator: Emulator | None = None, timeout: float = 10.0) -> str:
    """Return what a version of a secret holds (Secret Manager v1, ``versions.access``); UnreachableError if denied."""
    api = RestApi(access, emulator)
    try:
        answer = api.get("secretmanager", f"/v1/{version}:access", {}, timeout=timeout)
        return base64.b64decode(text_at(answer, "payload.data"), validate=True).decode().rstrip("\r\n")
    except CallError as error:
        raise UnreachableError(
            f"the secret {version} cannot be read",
            cause=error.failure.text,
            hint="It takes secretmanager.versions.access (roles/secretmanager.secretAccessor on the secret)",
        ) from error
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnreachableError(f"the secret {version} does not hold a text") from error
    finally:
        api.close()
