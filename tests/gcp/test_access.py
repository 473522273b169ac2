from __future__ import annotations

from pathlib import Path

import pytest

from gcpdiag.errors import UnreachableError, UsageError
from gcpdiag.gcp.access import AccessOptions, open_access


@pytest.fixture
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which nobody ever signed in, and that is none of Google's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


@pytest.mark.usefixtures("_no_credentials")
def test_without_credentials_it_says_how_to_get_some() -> None:
    with pytest.raises(UnreachableError, match="gcloud auth application-default login") as caught:
        open_access(AccessOptions(), {})
    assert caught.value.exit_code == 3


def test_a_key_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "gone.json"))

    with pytest.raises(UnreachableError, match=r"gone\.json"):
        open_access(AccessOptions(), {})


def test_a_key_file_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{"type": "nonsense"}')
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))

    with pytest.raises(UnreachableError, match="credentials"):
        open_access(AccessOptions(), {})


def test_a_token_file_is_enough(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ya29.abc\n")

    access = open_access(AccessOptions(token_file=tmp_path / "token", quota_project="billing"), {})

    assert access.credentials.token == "ya29.abc"  # noqa: S105 - no secret
    assert access.quota_project == "billing"


@pytest.mark.parametrize("content", ["", "   \n", "two words"])
def test_a_token_file_without_one_token_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)

    with pytest.raises(UsageError, match="does not hold one token"):
        open_access(AccessOptions(token_file=tmp_path / "token"), {})


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        open_access(AccessOptions(token_file=tmp_path / "gone"), {})


def test_a_token_cannot_impersonate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        open_access(AccessOptions(token_file=tmp_path / "token", impersonate="a@p.iam.gserviceaccount.com"), {})
