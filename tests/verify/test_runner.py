"""Many targets at once, missing libraries and credentials, and nothing secret in any of it."""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from pathlib import Path

import pytest

from gcpdiag.errors import UnreachableError
from gcpdiag.model.probe import ProbeResult
from gcpdiag.verify import probe_redis
from gcpdiag.verify.address import Address
from gcpdiag.verify.attempt import MissingExtraError, require
from gcpdiag.verify.credential import FromEnvironment, FromFile, FromSecret, Vault
from gcpdiag.verify.runner import Prober, Unprobed
from gcpdiag.verify.target import PostgresqlTarget, RedisTarget, Target, TcpTarget
from tests.verify.faults import OK, Pages, black_hole, refused, serving, silent
from tests.verify.probing import http

_SECONDS = 2.0


def test_a_hundred_targets_are_probed_side_by_side_within_one_deadline() -> None:
    prober = Prober(vault=Vault(environ={}), deadline=timedelta(seconds=_SECONDS))
    with serving(Pages(OK)) as good, serving(silent) as mute, black_hole() as hole:
        kinds: list[Target] = [
            http(good, successes=1),
            http(mute),
            TcpTarget(address=hole),
            RedisTarget(address=mute),
            PostgresqlTarget(address=hole),
        ]
        targets = [one for _ in range(20) for one in kinds]
        began = time.monotonic()
        results = prober.probe_all(targets)
        took = time.monotonic() - began

    stages = [one.failed_at if isinstance(one, ProbeResult) else one for one in results]
    assert stages == [None, "protocol", "tcp", "protocol", "tcp"] * 20
    assert took < 3 * _SECONDS  # one after the other they would take eighty deadlines


def test_results_come_in_the_order_of_the_targets() -> None:
    with serving(Pages(OK)) as good:
        closed = refused()
        targets = [TcpTarget(address=one) for one in (closed, good, closed)]
        results = Prober().probe_all(targets)

    assert [isinstance(one, ProbeResult) and one.passed for one in results] == [False, True, False]


def test_a_library_that_is_missing_is_told_with_the_command_that_installs_it() -> None:
    with pytest.raises(MissingExtraError, match=r"redis is not installed; run: pip install 'gcpdiag-triage\[probes\]'"):
        require("no_such_module", "redis")


def test_a_target_whose_library_is_missing_is_not_probed_and_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_module: str, library: str) -> None:
        raise MissingExtraError(library)

    monkeypatch.setattr(probe_redis, "require", missing)  # as if the extra were not there
    with serving(Pages(OK)) as good:
        unprobed, probed = Prober().probe_all([RedisTarget(address=good), TcpTarget(address=good)])

    assert isinstance(unprobed, Unprobed)
    assert unprobed.reason.startswith("redis is not installed")
    assert isinstance(probed, ProbeResult)
    assert probed.passed


def test_a_credential_that_is_missing_leaves_its_target_unprobed() -> None:
    target = RedisTarget(address=Address("127.0.0.1", 1), password=FromEnvironment("NOT_SET"))
    (result,) = Prober(vault=Vault(environ={})).probe_all([target])

    assert result == Unprobed(target=target, reason="the environment variable NOT_SET is not set")


def test_a_credential_of_a_file_or_a_secret_is_read_when_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from-a-file\n")
    asked: list[str] = []

    def read_secret(version: str) -> str:
        asked.append(version)
        return "from-a-secret"

    vault = Vault(environ={"NAME": "from-the-environment"}, read_secret=read_secret)

    assert vault.value_of(FromEnvironment("NAME")) == "from-the-environment"
    assert vault.value_of(FromFile(file)) == "from-a-file"
    assert vault.value_of(FromSecret("projects/p/secrets/s")) == "from-a-secret"
    assert asked == ["projects/p/secrets/s/versions/latest"]
    assert vault.value_of(None) == ""
    assert "from-the-environment" not in repr(vault)


def test_a_secret_that_may_not_be_read_leaves_its_target_unprobed() -> None:
    def read_secret(version: str) -> str:
        raise UnreachableError(f"the secret {version} cannot be read", cause="permission denied")

    target = RedisTarget(address=Address("127.0.0.1", 1), password=FromSecret("projects/p/secrets/s/versions/3"))
    (denied,) = Prober(vault=Vault(read_secret=read_secret)).probe_all([target])
    (without,) = Prober(vault=Vault()).probe_all([target])

    assert isinstance(denied, Unprobed)
    assert "projects/p/secrets/s/versions/3 cannot be read: permission denied" in denied.reason
    assert isinstance(without, Unprobed)
    assert "no access to Secret Manager" in without.reason


def test_whatever_breaks_is_a_verdict_and_never_an_exception() -> None:
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(serving(silent))
        targets: list[Target] = [
            http(address),
            TcpTarget(address=Address("xn--a.invalid", 1)),
            RedisTarget(address=address),
        ]
        results = Prober(deadline=timedelta(seconds=0.2)).probe_all(targets)

    assert all(isinstance(one, ProbeResult) and not one.passed for one in results)
