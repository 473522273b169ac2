"""Targets of gcpdiag.toml."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gcpdiag.collect.scope import parse_duration
from gcpdiag.errors import UsageError
from gcpdiag.verify.configuration import load_targets
from gcpdiag.verify.credential import FromEnvironment, FromFile, FromSecret
from gcpdiag.verify.target import HttpTarget, PostgresqlTarget, Target

WHOLE = """
[other]
anything = "goes"

[[verify.targets]]
kind = "http"
url = "https://api.example.com/health"
status = [200, 204]
contains = "ok"
successes = 5
within = "2s"
ca-file = "authority.pem"
token = { env = "API_TOKEN" }

[[verify.targets]]
kind = "websocket"
url = "wss://api.example.com/live"
send = "ping"
expect = "pong"

[[verify.targets]]
kind = "tcp"
address = "10.0.0.3:6379"

[[verify.targets]]
kind = "postgresql"
address = "10.20.0.5"
user = "app"
database = "orders"
password = { file = "password" }

[[verify.targets]]
kind = "redis"
address = "10.30.0.3"
password = { secret = "projects/p/secrets/redis/versions/3" }

[[verify.targets]]
kind = "clickhouse"
address = "10.40.0.9"
native = true
"""


def load(home: Path, text: str) -> list[Target]:
    (home / "gcpdiag.toml").write_text(text)
    return load_targets(home / "gcpdiag.toml", parse_duration)


def test_every_kind_of_target_can_be_written(tmp_path: Path) -> None:
    targets = load(tmp_path, WHOLE)

    assert [one.shown for one in targets] == [
        "https://api.example.com/health",
        "wss://api.example.com/live",
        "tcp://10.0.0.3:6379",
        "postgresql://10.20.0.5:5432/orders",
        "redis://10.30.0.3:6379/0",
        "clickhouse://10.40.0.9:9000",
    ]


def test_what_is_expected_of_a_target_is_read(tmp_path: Path) -> None:
    http, _, _, postgresql, redis, _ = load(tmp_path, WHOLE)

    assert isinstance(http, HttpTarget)
    assert (http.statuses, http.contains, http.successes) == ((200, 204), "ok", 5)
    assert (http.within, http.ca_file) == (timedelta(seconds=2), tmp_path / "authority.pem")
    assert http.token == FromEnvironment("API_TOKEN")
    assert isinstance(postgresql, PostgresqlTarget)
    assert postgresql.password == FromFile(tmp_path / "password")
    assert getattr(redis, "password", None) == FromSecret("projects/p/secrets/redis/versions/3")


def test_a_file_without_targets_has_none(tmp_path: Path) -> None:
    assert load(tmp_path, "[policy]\nlocked = true\n") == []


@pytest.mark.parametrize(
    "text,words",
    [
        ('kind = "redis"\naddress = "h"\npassword = "s3cret"', "password written out"),
        ('kind = "http"\nurl = "https://h/"\ntoken = "s3cret"', "token written out"),
        ('kind = "redis"\naddress = "user:s3cret@h"', "target 1 (redis)"),
        ('kind = "redis"\naddress = "h"\npassword = { env = "A", file = "s3cret" }', "one of `env`, `file`"),
        ('kind = "http"\nurl = "https://h/"\nstatus = 20', "status"),
        ('kind = "http"\nurl = "https://h/"\nsuccesses = 0', "successes"),
        ('kind = "http"\nurl = "https://h/"\nwithin = "soon"', "not a duration"),
        ('kind = "http"\nurl = "ftp://h/"', "must begin with http://"),
        ('kind = "http"\nurl = "https://h/"\nfolow = 1', "folow"),
        ('kind = "mysql"\naddress = "h"', "mysql"),
        ('kind = "redis', "not TOML"),
    ],
)
def test_what_is_wrong_in_it_is_named_and_no_secret_is_repeated(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load(tmp_path, f"[[verify.targets]]\n{text}\n")

    assert words in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_targets(tmp_path / "none.toml", parse_duration)
