"""ID tokens and secrets, with Google's own libraries against servers of this machine."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gcpdiag.errors import UnreachableError
from gcpdiag.gcp.access import anonymous_access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.identity import fetch_identity_token, fetch_secret
from tests.verify.faults import Pages, response, serving

ACCOUNT = "probe@demo.iam.gserviceaccount.com"
VERSION = "projects/demo/secrets/redis/versions/latest"


def encoded(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def key_file(home: Path, token_uri: str) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    document = {
        "type": "service_account",
        "client_email": ACCOUNT,
        "private_key": pem.decode(),
        "private_key_id": "1",
        "token_uri": token_uri,
    }
    path = home / "key.json"
    path.write_text(json.dumps(document))
    return path


def test_a_service_accounts_key_makes_an_id_token_for_the_audience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = f"{encoded({'alg': 'none'})}.{encoded({'exp': int(time.time()) + 3600})}.c2ln"
    pages = Pages(response("200 OK", json.dumps({"id_token": token}).encode(), "Content-Type: application/json"))
    with serving(pages) as address:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, f"http://{address}/token")))
        found = fetch_identity_token("https://api-abc123-uc.a.run.app")

    assert found == token
    assert pages.asked[0].startswith(b"POST /token ")


def test_without_credentials_there_is_no_id_token_and_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    with pytest.raises(UnreachableError, match=r"no ID token can be had.*--impersonate-service-account"):
        fetch_identity_token("https://api-abc123-uc.a.run.app")


def secret(answer: bytes) -> str:
    with serving(Pages(answer)) as address:
        emulator = Emulator(http=str(address), grpc=str(address), project="demo")
        return fetch_secret(anonymous_access(), VERSION, emulator=emulator)


def test_a_secret_is_read_whole_but_for_the_line_break_at_its_end() -> None:
    payload = {"name": VERSION, "payload": {"data": base64.b64encode(b"s3cret of redis\n").decode()}}

    assert secret(response("200 OK", json.dumps(payload).encode())) == "s3cret of redis"


@pytest.mark.parametrize(
    "status,body,words",
    [
        ("403 Forbidden", {"error": {"code": 403, "message": "Permission denied"}}, "secretmanager.versions.access"),
        ("200 OK", {"payload": {"data": "%%%"}}, "does not hold a text"),
    ],
)
def test_a_secret_that_cannot_be_read_is_named(status: str, body: object, words: str) -> None:
    with pytest.raises(UnreachableError, match=words) as refusal:
        secret(response(status, json.dumps(body).encode()))

    assert VERSION in str(refusal.value)
