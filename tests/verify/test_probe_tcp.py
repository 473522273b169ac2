"""TCP probes."""

from __future__ import annotations

from datetime import timedelta

from gcpdiag.verify.address import Address
from gcpdiag.verify.target import TcpTarget
from tests.verify.faults import OK, Authority, Pages, black_hole, refused, serving, silent
from tests.verify.probing import IMPATIENT, measured, outcome, probed


def test_a_port_that_accepts_connections_passes() -> None:
    with serving(Pages(OK)) as address:
        result = probed(TcpTarget(address=address))

    assert result.passed
    assert result.latency is not None


def test_a_refused_connection_fails_at_tcp() -> None:
    assert outcome(probed(TcpTarget(address=refused()))) == ("tcp", "the connection is refused: nothing listens there")


def test_a_black_hole_fails_at_tcp_when_the_deadline_is_over() -> None:
    with black_hole() as address:
        assert outcome(probed(TcpTarget(address=address), deadline=IMPATIENT))[0] == "tcp"


def test_a_name_that_does_not_resolve_fails_at_the_name() -> None:
    assert probed(TcpTarget(address=Address("no-such-host.invalid", 6379))).failed_at == "name"


def test_a_label_that_is_too_long_for_any_name_fails_at_the_name() -> None:
    assert probed(TcpTarget(address=Address("a" * 80 + ".example", 6379))).failed_at == "name"


def test_a_handshake_is_tried_where_asked_for(authority: Authority) -> None:
    with serving(silent, authority.context()) as address:
        target = TcpTarget(address=Address("localhost", address.port), tls=True, ca_file=authority.file)
        result = probed(target)

    assert result.passed
    assert measured(result, "certificate_days_left") == "90"


def test_a_connection_that_takes_too_long_fails_for_its_latency() -> None:
    with serving(Pages(OK)) as address:
        result = probed(TcpTarget(address=address, within=timedelta(microseconds=1)))

    assert result.failed_at == "latency"
