"""How many requests each revision of a service answered lately, and how many with 5xx."""

from __future__ import annotations

from datetime import datetime, timedelta

from gcpdiag.errors import UnreachableError
from gcpdiag.gcp.read import Reader
from gcpdiag.model.json import number_at, objects_at, text_at
from gcpdiag.model.resource import last_segment, location_of
from gcpdiag.model.window import Window
from gcpdiag.remediate.action_rollback import Served
from gcpdiag.remediate.target import read_all

LOOK_BACK = timedelta(days=7)
"""How long ago a revision may have served: a fault of Friday's deployment may be found on Monday."""

_METRIC = "run.googleapis.com/request_count"


def count_requests(reader: Reader, service: str, *, now: datetime) -> dict[str, Served] | None:
    """Return what revisions of a service, given by its full name, have served; None when nobody could count."""
    project = service.split("/")[1]
    selected = (
        f'metric.type = "{_METRIC}" AND resource.labels.service_name = "{last_segment(service)}"'
        f' AND resource.labels.location = "{location_of(service)}"'
    )
    try:
        series = read_all(reader.time_series(project, selected, Window(start=now - LOOK_BACK, end=now)))
    except UnreachableError:
        return None
    counts: dict[str, Served] = {}
    for one in series:
        revision = text_at(one, "resource.labels.revision_name")
        total = int(sum(number_at(point, "value.int64Value") or 0 for point in objects_at(one, "points")))
        known = counts.get(revision, Served(requests=0, errors=0))
        failed = total if text_at(one, "metric.labels.response_code_class") == "5xx" else 0
        counts[revision] = Served(requests=known.requests + total, errors=known.errors + failed)
    return counts
