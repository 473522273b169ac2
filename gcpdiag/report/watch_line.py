"""A round of a watch as one line of text, for logs and scripts: ``key=value`` after the time."""

from __future__ import annotations

from datetime import datetime

from gcpdiag.diagnose.vigil import Sight, Vigil, subjects_of
from gcpdiag.model.window import rfc3339
from gcpdiag.report.canvas import told
from gcpdiag.report.watch_services import known_lately

_UNKNOWN = "unknown"


def line_of(vigil: Vigil, now: datetime) -> str:
    """Return the line of the last round: the time, the status, the share of 5xx, the top cause, and what else there is.

    A round that failed says so, with the status that was known and its age.
    """
    parts: list[tuple[str, str]] = []
    sight = vigil.sight
    if vigil.miss is not None:
        parts.append(("round", "failed"))
    parts.append(("status", sight.diagnosis.status if sight else _UNKNOWN))
    if sight is not None and vigil.miss is None:
        parts += _seen(vigil, sight)
    elif sight is not None:
        parts.append(("age", f"{max(0, round((now - sight.at).total_seconds()))}s"))
    if vigil.miss is not None:
        parts.append(("why", '"' + told(vigil.miss.why).replace('"', "'") + '"'))
    return " ".join([rfc3339(now), *(f"{key}={value}" for key, value in parts)])


def _seen(vigil: Vigil, sight: Sight) -> list[tuple[str, str]]:
    lately = [known_lately(one.beats) for one in subjects_of(vigil)]
    requests = sum(all_ for all_, _ in lately)
    failed = sum(errors for _, errors in lately)
    share = f"{failed / requests:.1%}" if requests else _UNKNOWN
    causes = sight.diagnosis.root_causes
    parts = [("5xx", share), ("requests", str(requests))]
    parts.append(("cause", causes[0].id if causes else "none"))
    if causes:
        parts.append(("confidence", f"{causes[0].confidence:.2f}"))
    if sight.diagnosis.gaps:
        parts.append(("gaps", str(len(sight.diagnosis.gaps))))
    return [*parts, ("calls", str(sum(sight.diagnosis.calls.values())))]
