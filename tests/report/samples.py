"""Diagnoses made by hand: an incident, one without an answer, and a healthy project."""

from __future__ import annotations

from dataclasses import replace

from gcpdiag.model.diagnosis import (
    Candidate,
    Diagnosis,
    NamedCause,
    Remedy,
    RuledOut,
    ServiceState,
    Suspect,
    TimelineEvent,
    UnexplainedError,
    Verdict,
    Weight,
)
from gcpdiag.model.finding import Evidence, Gap
from tests.report.scene import API, EGRESS, GRANT, LINK, POOL, ROLLBACK, WINDOW, WORKER, at


def weight(signal: str, decibans: float, text: str, *, count: int | None = None, link: str = LINK) -> Weight:
    """Return a line of evidence out of the logs."""
    evidence = Evidence(
        signal=signal,
        text=text,
        source="logging.entries",
        first_at=at(20, 3, 8),
        last_at=at(20, 24, 59),
        count=count,
        service=API,
        link=link,
    )
    return Weight(signal=signal, decibans=decibans, evidence=evidence)


def egress_blocked() -> NamedCause:
    """Return the root cause of the incident."""
    configured = Evidence(
        signal="public-egress-without-nat",
        text="api sends all traffic into network staging-vpc, which has no Cloud NAT in us-central1:"
        " public addresses cannot be reached",
        source="compute.routers",
        service=API,
    )
    timeout = "412 × in api on 6 instances: dial tcp 34.10.2.7:3307: connect: connection timed out"
    return NamedCause(
        id=EGRESS,
        title="Egress leads into a network without a way out",
        summary="api sends all its traffic into staging-vpc, which has no NAT",
        service=API,
        resource="projects/demo-staging/locations/us-central1/connectors/staging-connector",
        confidence=0.97,
        prior=-15.1,
        evidence=(
            Weight(signal="public-egress-without-nat", decibans=18.2, evidence=configured),
            replace(weight("proxy-dial-timeout", 9.1, timeout, count=412), title="the proxy cannot dial out"),
            weight("proxy-dial-timeout", 0.0, "31 × in worker: dial tcp 34.10.2.7:3307: i/o timeout", count=31),
            weight("slow-answers", 2.4, "p99 latency rose from 0.2 s to 60.0 s", link=""),
        ),
        contradicting=(weight("connector-saturated", -1.2, "throughput of the connector stays below 12%", link=""),),
        remediation=(
            Remedy(command=ROLLBACK, risk="low", why="the revision before the change had a way out"),
            Remedy(
                command="gcloud run services update api --vpc-egress=private-ranges-only",
                risk="medium",
                why="public addresses are then reached directly",
            ),
            Remedy(command="Give staging-vpc a Cloud NAT", risk="medium", why="all-traffic egress needs one"),
        ),
        mistaken_for=(
            RuledOut(id=POOL, reason="no log entry says that the pool is exhausted"),
            RuledOut(id="vpc-connector/not-ready", reason="connector staging-connector exists and is READY"),
        ),
        verification=("20 requests in a row answer 200", "the WebSocket handshake succeeds"),
    )


def incident() -> Diagnosis:
    """Return an incident with everything that a report can show."""
    effect = replace(
        egress_blocked(),
        id="database-connections/unreachable",
        title="The database cannot be reached",
        summary="api cannot reach its database",
        confidence=0.88,
        because_of=EGRESS,
    )
    warning = replace(
        egress_blocked(),
        id="vpc-connector/not-ready",
        title="The connector does not exist",
        summary="worker answers, and yet: it uses connector old-connector, which does not exist",
        service=WORKER,
    )
    return Diagnosis(
        project="demo-staging",
        window=WINDOW,
        status="incident",
        summary=f"{egress_blocked().summary}.",
        services=(
            ServiceState(service=API, health="failing", requests=5000, errors=412, onset=at(20, 3, 1)),
            ServiceState(service=WORKER, health="healthy", requests=1200, errors=0),
        ),
        root_causes=(egress_blocked(),),
        contributing=(effect,),
        warnings=(warning,),
        ruled_out=egress_blocked().mistaken_for,
        suspects=suspects(),
        gaps=gaps(),
        timeline=(
            TimelineEvent(at=at(10, 58, 7, day=14), kind="deploy", text="api: revision api-00042-wiz"),
            TimelineEvent(at=at(20, 3, 1), kind="onset", text="api: first 5xx in the window", source="logging.entries"),
        ),
        unexplained=(
            UnexplainedError(template="worker <id> lost its lease <text>", count=1412, first_at=at(14, 3), service=API),
        ),
        log_entries=5000,
        calls={"logging.entries": 4, "monitoring.time_series": 20},
        problems=("logging/entries.jsonl:17: not JSON",),
    )


def suspects() -> tuple[Suspect, ...]:
    """Return the five suspects of the ticket, one of each verdict."""
    told: tuple[tuple[str, Verdict, str], ...] = (
        ("resource-exhaustion", "ruled out", "memory stays below 41% of its limit"),
        ("health-check-timeout", "no sign", "no start-up probe failed"),
        ("database-connections", "contributing", f"The database cannot be reached: an effect of {EGRESS}"),
        ("vpc-connector", "confirmed", "Egress leads into a network without a way out"),
        ("dependency-unreachable", "out of sight", "Redis does not answer: there is no app log entry"),
    )
    return tuple(Suspect(category=name, verdict=verdict, reason=reason) for name, verdict, reason in told)


def gaps() -> tuple[Gap, ...]:
    """Return a gap that a permission closes, and one that nothing closes."""
    source, permission = "vpcaccess.connectors", "vpcaccess.connectors.list"
    cut = "log entries were cut off at a limit, so what is missing may have been left out"
    return (
        Gap(
            check="VPC connectors",
            reason="permission denied",
            source=source,
            permission=permission,
            fix=GRANT,
        ),
        Gap(check="log entries", reason=cut, source="logging.entries"),
    )


def inconclusive() -> Diagnosis:
    """Return an incident whose evidence carries no cause."""
    return replace(
        incident(),
        status="inconclusive",
        summary="api fails (412 errors), and the evidence carries no cause.",
        root_causes=(),
        contributing=(),
        warnings=(),
        candidates=(
            Candidate(id=EGRESS, title="Egress leads into a network without a way out", confidence=0.41),
            Candidate(id=POOL, title="The application's own pool is empty", confidence=0.004),
        ),
        next_check=f"Look for: VPC connectors (permission denied). {GRANT}",
    )


def healthy() -> Diagnosis:
    """Return a project where nothing is wrong."""
    return Diagnosis(
        project="demo-staging",
        window=WINDOW,
        status="healthy",
        summary="Healthy: 1200 requests to 1 services, no failure that users would notice.",
        services=(ServiceState(service=WORKER, health="healthy", requests=1200, errors=0),),
        root_causes=(),
        log_entries=1,
    )
