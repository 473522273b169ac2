"""Where a service's requests go: shares of revisions, tags, and traffic that a rollback has pinned."""

from __future__ import annotations

from gcpdiag.model.json import Json, JsonObject, number_at, objects_at, text_at
from gcpdiag.model.resource import last_segment
from gcpdiag.remediate.refusal import RefusedError

LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
PINNED = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
_ALL = 100  # percent


def share_of_latest(service: JsonObject) -> float:
    """Return the percentage of requests that a new revision gets; no traffic targets at all mean everything."""
    targets = objects_at(service, "traffic")
    if not targets:
        return _ALL
    return sum(number_at(one, "percent") or 0 for one in targets if text_at(one, "type") != PINNED)


def shares_of(service: JsonObject) -> dict[str, float]:
    """Return the percentage of requests of each revision that gets some, by its short name, the greatest first."""
    shares: dict[str, float] = {}
    for target in objects_at(service, "traffic") or [{"type": LATEST, "percent": _ALL}]:
        name = _revision_of(target, service)
        shares[name] = shares.get(name, 0) + (number_at(target, "percent") or 0)
    by_share = sorted(shares.items(), key=lambda one: -one[1])
    return {name: share for name, share in by_share if name and share > 0}


def tag_only(service: JsonObject) -> frozenset[str]:
    """Return the short names of revisions to which a tag leads, and no share of the traffic."""
    tagged = {_revision_of(one, service) for one in objects_at(service, "traffic") if text_at(one, "tag")}
    return frozenset(tagged - shares_of(service).keys())


def all_to(service: JsonObject, revision: str) -> list[Json]:
    """Return traffic targets that send everything to one revision; tags stay where they are."""
    return [{"type": PINNED, "revision": revision, "percent": _ALL}, *_tags(service)]


def all_to_latest(service: JsonObject) -> list[Json]:
    """Return traffic targets that send everything to the latest ready revision; tags stay where they are."""
    return [{"type": LATEST, "percent": _ALL}, *_tags(service)]


def require_share_for_new(service: JsonObject) -> None:
    """Raise RefusedError when a new revision would get no request, so that making one would change nothing."""
    if share_of_latest(service) > 0:
        return
    name = last_segment(text_at(service, "name"))
    serving = ", ".join(shares_of(service))
    raise RefusedError(
        f"a new revision of {name} would get 0 % of the traffic",
        cause=f"a rollback or a split has pinned all of it to {serving}",
        hint=f"Run `gcpdiag traffic unpin {name}` first; it sends all traffic to the latest revision",
    )


def partial_share_warning(service: JsonObject) -> tuple[str, ...]:
    """Return a warning when a new revision gets only a part of the traffic."""
    share = share_of_latest(service)
    if share >= _ALL:
        return ()
    return (f"Only {share:g} % of the traffic goes to the latest revision; the rest is pinned and sees no change.",)


def _revision_of(target: JsonObject, service: JsonObject) -> str:
    if text_at(target, "type") == PINNED:
        return last_segment(text_at(target, "revision"))
    return last_segment(text_at(service, "latestReadyRevision"))


def _tags(service: JsonObject) -> list[Json]:
    return [
        {key: value for key, value in target.items() if key != "percent"}
        for target in objects_at(service, "traffic")
        if text_at(target, "tag")
    ]
