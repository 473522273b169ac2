"""Who asks Google, as far as credentials and gcloud's configuration tell; no token is ever looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gcpdiag.collect.checkup import Caller, CallerKind, Told
from gcpdiag.gcp.access import Access, AccessOptions

_KEY_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
_SERVICE_ACCOUNT_SUFFIX = ".gserviceaccount.com"
# The modules of google-auth, by the kind of caller whose credentials they hold.
_KINDS: dict[str, CallerKind] = {
    "google.oauth2.credentials": "user",
    "google.oauth2.service_account": "service-account",
    "google.auth.impersonated_credentials": "service-account",
    "google.auth.compute_engine.credentials": "service-account",
    "google.auth.aws": "workload",
    "google.auth.identity_pool": "workload",
    "google.auth.pluggable": "workload",
    "google.auth.external_account_authorized_user": "workload",
}


def caller_of(access: Access, options: AccessOptions, environ: Mapping[str, str], *, gcloud_account: str) -> Caller:
    """Return who the credentials are of; of a user whom they do not name, what gcloud says."""
    kind: CallerKind = "token" if options.token_file else _KINDS.get(type(access.credentials).__module__, "user")
    account = _account_named(access, options)
    # Whose a token is nobody can tell without asking; the default credentials of a user are gcloud's, as a rule.
    if not account.value and kind == "user" and gcloud_account and not gcloud_account.endswith(_SERVICE_ACCOUNT_SUFFIX):
        account = Told(value=gcloud_account, origin="gcloud's account; the credentials name none")
    quota_project = access.quota_project or str(getattr(access.credentials, "quota_project_id", "") or "")
    return Caller(kind=kind, account=account, credentials=_source(options, kind, environ), quota_project=quota_project)


def refused_caller(options: AccessOptions, environ: Mapping[str, str], *, gcloud_account: str) -> Caller:
    """Return who asked when signing in failed: the credentials that were tried, and gcloud's account."""
    tried = bool(environ.get(_KEY_VARIABLE)) or _default_file(environ).is_file()
    return Caller(
        account=Told(value=gcloud_account, origin="gcloud's account") if gcloud_account else Told(),
        credentials=f"{_source(options, 'nobody', environ)}, which cannot be used" if tried else "",
        quota_project=options.quota_project,
    )


def _account_named(access: Access, options: AccessOptions) -> Told:
    if options.impersonate:
        return Told(value=options.impersonate, origin="impersonated")
    # Credentials of a metadata server know their account only after the first refresh; "default" is no account.
    told = (
        getattr(access.credentials, "service_account_email", ""),
        access.account,
        getattr(access.credentials, "account", ""),
    )
    name = next((str(one) for one in told if one and "@" in str(one)), "")
    return Told(value=name, origin="the credentials") if name else Told()


def _source(options: AccessOptions, kind: CallerKind, environ: Mapping[str, str]) -> str:
    """Return where the credentials are from, in the order in which google.auth.default looks for them."""
    if options.token_file:
        return f"access token in {options.token_file}"
    own_file = _default_file(environ)
    if environ.get(_KEY_VARIABLE):
        found = f"{environ[_KEY_VARIABLE]} ({_KEY_VARIABLE})"
    elif own_file.is_file():
        found = f"application default credentials, {own_file}"
    else:
        found = "metadata server of this machine" if kind == "service-account" else "application default credentials"
    return f"{found}, to impersonate" if options.impersonate else found


def _default_file(environ: Mapping[str, str]) -> Path:
    home = Path(environ.get("CLOUDSDK_CONFIG") or Path(environ.get("HOME", "~")).expanduser() / ".config" / "gcloud")
    return home / "application_default_credentials.json"
