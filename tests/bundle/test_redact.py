"""Nothing secret leaves, and nothing that a terminal would obey."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcpdiag.bundle.redact import HIDDEN, one_line, redacted

SECRET = "hunter2-hunter2"  # noqa: S105 - planted
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJl"
KEY = "-----BEGIN {}PRIVATE KEY{}-----\nMIIEvQIBADANBg\n-----END {}PRIVATE KEY{}-----"
ACCOUNT = "runner@demo-staging.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://app:{SECRET}@10.0.0.5/db",
        f"redis://:{SECRET}@10.0.0.3:6379/0",
        f"postgresql+asyncpg://app:p@{SECRET}@10.0.0.5/db",
        f"smtp://bob@example.com:{SECRET}@mail/x",
        f"jdbc:postgresql://app:{SECRET}@db/x",
        f"password={SECRET}",
        f"DB_PASSWORD={SECRET}",
        f"DB_PASS={SECRET} DB_HOST=10.0.0.5",
        f"host=db user=app password={SECRET} sslmode=disable",
        f"dbPassword: {SECRET}",
        f'password="{SECRET} with blanks"',
        f"'password': 'it\\'s {SECRET}'",
        f'password="{SECRET} cut off here',
        f'"client_secret": "{SECRET}"',
        json.dumps({"api_key": SECRET}),
        json.dumps({"log": json.dumps({"password": f'a "{SECRET}"'})}),
        json.dumps({"log": json.dumps({"log": json.dumps({"token": SECRET})})}),
        f"spring.datasource.password={SECRET}",
        f"x-api-key: {SECRET}",
        f"GET /?access_token={SECRET}&page=2",
        f"AccountName=x;AccountKey={SECRET};Suffix=y",
        f"session_id={SECRET}",
        f"Cookie: {SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}",
        f"passphrase = {SECRET}",
        f"PA\u017f\u017fWORD={SECRET}",
    ],
)
def test_a_planted_secret_does_not_leave(text: str) -> None:
    assert "hunter2" not in redacted(text)
    assert HIDDEN in redacted(text)


@pytest.mark.parametrize(
    "token",
    [
        JWT,
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "ya29.a0AfH6SMBx1234567890",
        "GOCSPX-abcdefghij1234567890",
        "1//0gabcdefghijklmnopqrstu",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "github_pat_11ABCDEFG0abcdefghijkl",
        "glpat-abcdefghij1234567890",
        "xoxb-1234567890-abcdefghij",
        "sk-proj-abcdefghij1234567890",
        "sk_live_abcdefghij1234567890",
        "npm_abcdefghij1234567890abcdef",
        "hf_abcdefghij1234567890abcdef",
        "SG.abcdefghij1234567890.abcdefghij1234567890",
    ],
)
def test_a_token_is_known_by_its_shape_alone(token: str) -> None:
    assert redacted(f"the call with {token} failed") == f"the call with {HIDDEN} failed"


@pytest.mark.parametrize(
    "key",
    [KEY.format("", "", "", ""), KEY.format("RSA ", "", "RSA ", ""), KEY.format("PGP ", " BLOCK", "PGP ", " BLOCK")],
)
def test_a_private_key_does_not_leave(key: str) -> None:
    assert redacted(f"before {key} after") == f"before {HIDDEN} after"
    assert redacted(json.dumps({"x": key})) == f'{{"x": "{HIDDEN}"}}'


def test_a_private_key_that_is_cut_off_hides_all_that_follows() -> None:
    assert redacted("key -----BEGIN PRIVATE KEY-----\nMIIEvQIB") == f"key {HIDDEN}"


@pytest.mark.parametrize("text", ["ask bob.builder+x@mail.example.com now", "ask <bob@example.org> now"])
def test_e_mail_addresses_of_people_do_not_leave(text: str) -> None:
    assert "bob" not in redacted(text)
    assert "[e-mail]" in redacted(text)


def test_service_accounts_stay_because_access_is_granted_to_them() -> None:
    assert redacted(f"{ACCOUNT} lacks run.invoker") == f"{ACCOUNT} lacks run.invoker"


@pytest.mark.parametrize(
    "text", [f"bob@example.com,{ACCOUNT}", f"bob@example.com/{ACCOUNT}", f"bob@evil.com.{ACCOUNT}"]
)
def test_a_service_account_beside_it_does_not_save_a_person(text: str) -> None:
    assert "bob" not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "Permission denied on secret: projects/demo/secrets/db-pass/versions/latest",
        "basic authentication failed for user",
        "Permission 'secretmanager.versions.access' denied",
        "connect ECONNREFUSED 10.0.0.3:6379",
        "https://cloud.google.com/run/docs/troubleshooting#503",
        "http://10.0.0.3:8080/health",
        "tests passed: 12",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


PIECES = st.sampled_from(
    [
        "password",
        "pass",
        "token=",
        "secret: ",
        "'",
        '"',
        "\\",
        "\n",
        " ",
        "bearer ",
        "basic ",
        "authorization:",
        "http://",
        "a:b@",
        "c@d.ee",
        "x.iam.gserviceaccount.com",
        "@",
        ":",
        "=",
        HIDDEN,
        "[e-mail]",
        JWT,
        "AIza" + "x" * 30,
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "projects/",
        "hunter2hunter2",
        "_",
        ".",
        "-",
        ",",
        "[",
    ]
)


@given(st.lists(PIECES, max_size=10).map("".join) | st.text())
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "unit",
    ["a-", "a.", "a", "token", "a@a.", "x://a:", "eyJ", 'password="', "token=\\", "token ", "bearer ", "-----BEGIN "],
)
def test_no_text_takes_more_than_linear_time(unit: str) -> None:
    began = time.perf_counter()
    redacted(unit * (64_000 // len(unit)))
    assert time.perf_counter() - began < 2  # seconds; a quadratic rule took half a minute


@pytest.mark.parametrize(
    "text, shown",
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title", ""),
        ("\x1b\x1b[2J[2Jx", "[2Jx"),
        ("\x9b31mred", "31mred"),
        ("a\x00b\x07c\x7f", "abc"),
        ("over\rwrite", "overwrite"),
        ("admin\u202enimda", "adminnimda"),
        ("a\u061cb\u2066c\u2069d", "abcd"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("line\u2028break\u0085", "linebreak"),
        ("tag\U000e0041", "tag"),
        ("half\ud800", "half"),
        ("two\nlines\tof  text", "two lines of text"),
        ("escaped\\nline", "escaped line"),
        ("日本 é – ok", "日本 é – ok"),
    ],
)
def test_one_line_holds_nothing_that_a_terminal_obeys(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text() | st.text("\x1b[]0;m\x07\\n\u202e\ud800 a"))
def test_one_line_can_always_be_printed(text: str) -> None:
    shown = one_line(text)
    shown.encode()
    assert all(char == " " or not char.isspace() for char in shown)
    assert not any(char < " " or "\x7f" <= char <= "\x9f" for char in shown)


@given(st.text(min_size=200), st.integers(10, 100))
def test_one_line_keeps_to_its_limit(text: str, limit: int) -> None:
    assert len(one_line(text, limit=limit)) <= limit


def test_a_secret_that_hides_behind_invisible_characters_does_not_leave() -> None:
    assert "hunter2" not in one_line("pass\u200bword=\x1b[1mhunter2")


def test_a_secret_that_the_limit_cuts_does_not_leave() -> None:
    assert "hunter2" not in one_line(f'token="{"hunter2 " * 1000}"')
