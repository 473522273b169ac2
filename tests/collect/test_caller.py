"""Who asks, as far as credentials and gcloud tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from google.auth.compute_engine.credentials import Credentials as MachineCredentials
from google.auth.credentials import Credentials
from google.oauth2.credentials import Credentials as UserCredentials

from gcpdiag.collect.caller import caller_of
from gcpdiag.collect.checkup import Caller
from gcpdiag.gcp.access import Access, AccessOptions


def caller(
    credentials: Credentials | None = None,
    *,
    options: AccessOptions | None = None,
    account: str = "",
    gcloud_account: str = "",
    environ: Mapping[str, str] | None = None,
) -> Caller:
    access = Access(credentials=credentials or UserCredentials(token="x"), account=account)  # noqa: S106 - no secret
    told = {"HOME": "/nonexistent"} if environ is None else environ
    return caller_of(access, options or AccessOptions(), told, gcloud_account=gcloud_account)


def test_a_user_whom_the_credentials_do_not_name_is_gclouds_account() -> None:
    found = caller(gcloud_account="ada@example.com")

    assert found.member == "user:ada@example.com"
    assert "gcloud" in found.account.origin


def test_a_service_account_of_gcloud_is_not_taken_for_the_user() -> None:
    assert caller(gcloud_account="bot@p.iam.gserviceaccount.com").member == "user:YOUR_ACCOUNT"


def test_whose_an_access_token_is_nobody_knows() -> None:
    found = caller(options=AccessOptions(token_file=Path("token")), gcloud_account="ada@example.com")

    assert (found.kind, found.account.value, found.credentials) == ("token", "", "access token in token")


def test_an_impersonated_account_is_the_one_to_grant_to() -> None:
    who = "triage@p.iam.gserviceaccount.com"

    found = caller(options=AccessOptions(impersonate=who), account=who, gcloud_account="ada@example.com")

    assert found.member == f"serviceAccount:{who}"
    assert found.credentials.endswith("to impersonate")


def test_a_machine_that_has_not_told_its_account_is_not_named_default() -> None:
    found = caller(MachineCredentials(), account="default")

    assert (found.account.value, found.member) == ("", "serviceAccount:YOUR_SERVICE_ACCOUNT")
    assert found.credentials == "metadata server of this machine"


def test_the_file_of_the_credentials_is_named(tmp_path: Path) -> None:
    (tmp_path / "application_default_credentials.json").write_text("{}")

    of_gcloud = caller(environ={"CLOUDSDK_CONFIG": str(tmp_path)})
    of_variable = caller(environ={"CLOUDSDK_CONFIG": str(tmp_path), "GOOGLE_APPLICATION_CREDENTIALS": "key.json"})

    assert of_gcloud.credentials == f"application default credentials, {tmp_path}/application_default_credentials.json"
    assert of_variable.credentials == "key.json (GOOGLE_APPLICATION_CREDENTIALS)"
