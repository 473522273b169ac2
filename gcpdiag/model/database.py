"""What the engine of a Cloud SQL instance means for its metrics."""

from __future__ import annotations

from gcpdiag.model.json import JsonObject, text_at


def has_metric(database: JsonObject, metric: str) -> bool:
    """Tell whether an instance's engine writes a metric type; one that does not say its engine may write any.

    Counts of connections are ``postgresql/…`` of PostgreSQL, and ``network/connections`` of the others (metrics list).
    """
    version = text_at(database, "databaseVersion")
    if not version:
        return True
    of_postgres = version.startswith("POSTGRES")
    return of_postgres if "/postgresql/" in metric else not (of_postgres and metric.endswith("/network/connections"))
