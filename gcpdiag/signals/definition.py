"""What a signal file may say. Detectors are a closed vocabulary; there are no expressions in YAML."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from gcpdiag.model.probe import ProbeKind, ProbeStage

LogKind = Literal["app", "system", "request", "audit", "load-balancer", "database"]
ResourceKind = Literal["service", "revision", "connector", "database", "redis", "event", "project"]
Relation = Literal[
    "connector-missing",
    "public-egress-without-nat",
    "egress-denied-by-firewall",
    "egress-denied-to-dependency",
    "upstream-service-failing",
    "backend-without-service",
    "services-fail-together",
    "subnetwork-full",
    "balancer-fails-alone",
]
Limit = Literal["max-instances", "connector-max-instances", "max-connections", "concurrency"]


class _Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="detector"):
    """What every signal has.

    ``title`` names the finding, ``absent`` is the sentence for a report when it was looked for and is not there,
    ``leak`` is how often it is present though none of the causes that list it holds (a probability). ``stand_in`` marks
    what is looked for only where logs could not be read, for they tell the same better.
    """

    title: str
    absent: str = ""
    leak: float = 0.02
    stand_in: bool = False


class LogSignal(_Definition, frozen=True, kw_only=True, tag="log"):
    """Entries whose text matches one of ``any`` and none of ``unless`` (RE2, case folded, blanks match any space).

    ``severity: quiet`` also takes entries that say of themselves that they are DEBUG or INFO. With
    ``destination`` the address that the pattern captured as ``ip`` must be a public or a private one. ``enough``
    matches make a finding of full strength, fewer a weaker one. With ``other_port`` the port that the pattern captured
    as ``port`` must not be the one that the container was given.
    """

    logs: list[LogKind]
    any: list[str]
    unless: list[str] = []
    severity: Literal["alarming", "quiet"] = "alarming"
    destination: Literal["public", "private", ""] = ""
    other_port: bool = False
    enough: int = 3


class RequestSignal(_Definition, frozen=True, kw_only=True, tag="requests"):
    """Failed requests of one kind, as a share of all that failed.

    Those that ended in one of ``status``, ran into the service's own timeout, or were answered by the application.
    """

    status: list[int] = []
    at_timeout: bool = False
    by_application: bool = False
    share_of_errors: float = 0.2


class MetricSignal(_Definition, frozen=True, kw_only=True, tag="metric"):
    """A metric that stays beyond a bound for ``points`` of the window's points, or leaves its baseline.

    ``above`` and ``below`` are in the metric's own unit; with ``of`` they are a share of a configured limit.
    ``labels`` picks series by metric label. ``rise`` is a robust z-score against the calm stretch before the onset;
    ``fall`` is the share of the level of that stretch to which the metric falls.
    """

    metric: str
    resource: ResourceKind | Literal["nat"]
    labels: dict[str, str] = {}
    above: float | None = None
    below: float | None = None
    of: Limit | None = None
    rise: float | None = None
    fall: float | None = None
    points: int = 3
    quantile: float = 0.99
    combine: Literal["max", "sum"] = "max"


class ConfigurationSignal(_Definition, frozen=True, kw_only=True, tag="configuration"):
    """A field of a resource that the failing service uses has (or has not) one of the given values."""

    resource: ResourceKind
    field: str
    equals: list[str] = []
    unlike: list[str] = []
    matches: str = ""


class ChangeSignal(_Definition, frozen=True, kw_only=True, tag="change"):
    """A change in the audit log before the onset: to the service's configuration, or to another resource.

    ``field`` is a path in the Cloud Run v2 service; with ``to`` the new value must be one of these, with ``fewer``
    something that a list of names had must be gone from it. Without a field any deployment counts. ``methods`` are RE2
    patterns for audit method names of other resources.
    """

    field: str = ""
    to: list[str] = []
    fewer: bool = False
    methods: list[str] = []


class RevisionSignal(_Definition, frozen=True, kw_only=True, tag="revision"):
    """The newest revision fails at least ``least_ratio`` times as often as the older ones.

    With ``partly`` it must also answer some requests well, as code does that starts and serves; with ``never`` it must
    not. With ``dying`` not its requests count, but the matches of these log signals, of which older revisions must have
    none.
    """

    least_ratio: float = 5.0
    partly: bool = False
    never: bool = False
    dying: list[str] = []


class TopologySignal(_Definition, frozen=True, kw_only=True, tag="topology"):
    """A relation between resources that is broken by itself."""

    relation: Relation


class ProbeSignal(_Definition, frozen=True, kw_only=True, tag="probe"):
    """A probe of one of ``kinds`` that failed at one of the stages in ``failed``, or took longer than it may.

    With ``any`` its error must match one of these (RE2); ``destination`` is where the probed address lies. Bundles
    without probes do without these signals: nobody has to probe.
    """

    kinds: list[ProbeKind]
    failed: list[ProbeStage] = []
    any: list[str] = []
    slower_than_ms: float | None = None
    destination: Literal["public", "private", ""] = ""


SignalDefinition: TypeAlias = (
    LogSignal
    | RequestSignal
    | MetricSignal
    | ConfigurationSignal
    | ChangeSignal
    | RevisionSignal
    | TopologySignal
    | ProbeSignal
)
