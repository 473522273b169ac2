"""Targets that topology names, criteria made of what their probes saw, and results kept in a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gcpdiag.bundle.format import PROBES
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.probe import Measure, Origin, ProbeResult, ProbeStage
from gcpdiag.signals.probe import probes_of
from gcpdiag.verify.address import Address
from gcpdiag.verify.checklist import criteria_of
from gcpdiag.verify.discovery import find_targets
from gcpdiag.verify.recording import telling_results, with_probes
from gcpdiag.verify.runner import Probed, Unprobed
from gcpdiag.verify.target import HttpTarget, RedisTarget, Target, TcpTarget
from tests.making import DATABASES, REDIS, SERVICES, Files, bundle, service

NOW = datetime(2025, 9, 15, 20, 25, tzinfo=UTC)
CACHE: JsonObject = {"name": "projects/p/locations/r/instances/cache", "host": "10.30.0.3", "port": 6379}


def found(files: Files, services: Sequence[str] = ()) -> list[str]:
    return [one.shown for one in find_targets(bundle(files), services)]


def redis_target(*, named: bool = False) -> RedisTarget:
    return RedisTarget(address=Address("10.30.0.3", 6379), found=not named)


def result(
    failed_at: ProbeStage | None = None, error: str = "", origin: Origin = "outside", **more: object
) -> ProbeResult:
    return ProbeResult(
        target="redis://10.30.0.3:6379/0",
        kind="redis",
        at=NOW,
        failed_at=failed_at,
        error=error or ("broken" if failed_at else ""),
        origin=origin,
        latency=None if failed_at else timedelta(milliseconds=3),
        **more,  # type: ignore[arg-type]
    )


def test_services_are_probed_at_their_own_urls() -> None:
    targets = find_targets(bundle({SERVICES: [service(), service("web")]}))

    assert [one.shown for one in targets] == ["https://api-abc123-uc.a.run.app/", "https://web-abc123-uc.a.run.app/"]
    assert all(isinstance(one, HttpTarget) and one.identity and 404 in one.statuses for one in targets)


def test_the_path_of_a_services_own_probe_must_answer_200() -> None:
    probe: Json = {"httpGet": {"path": "/healthz"}}
    container: Json = {"image": "i", "ports": [{"containerPort": 8080}], "livenessProbe": probe}
    document: JsonObject = {**service(), "template": {"containers": [container]}}
    (target,) = find_targets(bundle({SERVICES: [document]}))

    assert isinstance(target, HttpTarget)
    assert target.shown.endswith("/healthz")
    assert target.statuses == (200,)


def test_services_that_are_not_named_or_not_reachable_from_here_are_left_out() -> None:
    internal = {**service("jobs"), "ingress": "INGRESS_TRAFFIC_INTERNAL_ONLY"}
    disabled = {**service("hidden"), "defaultUriDisabled": True}

    assert found({SERVICES: [service(), service("web"), internal, disabled]}, ["web"]) == [
        "https://web-abc123-uc.a.run.app/"
    ]
    assert found({SERVICES: [internal, disabled]}) == []


def test_hosts_of_load_balancers_are_probed_with_tls_where_there_is_a_certificate() -> None:
    url_map: JsonObject = {"name": "map", "hostRules": [{"hosts": ["api.example.com", "*"]}]}
    proxy: JsonObject = {"name": "proxy", "sslCertificates": ["certificates/main"]}
    files: Files = {"compute/url_maps.json": [url_map]}

    assert found(files) == ["http://api.example.com/"]
    assert found({**files, "compute/target_proxies.json": [proxy]}) == ["https://api.example.com/"]


def test_redis_and_databases_are_probed_at_their_private_addresses() -> None:
    database: JsonObject = {
        "name": "orders",
        "databaseVersion": "POSTGRES_15",
        "ipAddresses": [{"type": "PRIVATE", "ipAddress": "10.20.0.5"}, {"type": "PRIMARY", "ipAddress": "34.1.2.3"}],
    }

    assert found({REDIS: [CACHE], DATABASES: [database]}) == ["redis://10.30.0.3:6379/0", "tcp://10.20.0.5:5432"]
    assert found({REDIS: [{**CACHE, "authEnabled": True}]}) == ["tcp://10.30.0.3:6379"]


def test_a_target_that_passes_is_a_criterion_that_is_met() -> None:
    measures = (Measure(name="clients", value="3 of 100"),)
    (criterion,) = criteria_of([redis_target()], [result(measures=measures, notes=("nearly full",))])

    assert criterion.title == "Redis answers within 2 s and takes writes"
    assert (criterion.verdict, criterion.text) == ("met", "answers, 3 ms at the slowest, 3 of 100 clients")
    assert criterion.notes == ("nearly full",)


def test_a_target_that_fails_is_told_with_its_stage() -> None:
    (criterion,) = criteria_of([redis_target(named=True)], [result("capacity", "writes are refused")])

    assert (criterion.verdict, criterion.text) == ("not met", "failed at capacity: writes are refused")


def test_a_private_address_that_only_topology_named_says_nothing_from_outside() -> None:
    failed = result("tcp")
    inside = result("tcp", origin="inside")

    assert criteria_of([redis_target()], [failed])[0].verdict == "unknown"
    assert criteria_of([redis_target()], [inside])[0].verdict == "not met"
    assert criteria_of([redis_target(named=True)], [failed])[0].verdict == "not met"


def test_what_could_not_be_probed_is_unknown_with_its_reason() -> None:
    target = redis_target()
    (criterion,) = criteria_of([target], [Unprobed(target=target, reason="redis is not installed")])

    assert (criterion.verdict, criterion.text) == ("unknown", "not probed: redis is not installed")


def test_results_are_kept_in_a_bundle_as_the_contract_has_them() -> None:
    good, bad = result(origin="inside"), result("capacity", "full", origin="outside")
    kept = with_probes(bundle({SERVICES: [service()]}), [good, bad])

    assert kept.coverage(PROBES).complete
    assert probes_of(kept) == (good, bad)
    assert probes_of(with_probes(kept, [good])) == (good,)


def test_results_that_say_nothing_about_the_project_are_not_kept() -> None:
    targets: list[Target] = [
        redis_target(),
        redis_target(),
        redis_target(named=True),
        TcpTarget(address=Address("h", 1)),
    ]
    results: list[Probed] = [result("tcp"), result(), result("tcp"), Unprobed(target=targets[3], reason="no")]

    assert telling_results(targets, results) == [results[1], results[2]]
