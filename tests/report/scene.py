"""Where the incident of the samples plays: its services, its window, its causes and commands."""

from __future__ import annotations

from datetime import UTC, datetime

from gcpdiag.model.resource import ServiceRef
from gcpdiag.model.window import Window

EGRESS = "vpc-connector/egress-blocked"
POOL = "database-connections/client-pool-exhausted"
ROLLBACK = "gcpdiag rollback api --project demo-staging --region us-central1 --to-revision api-00041-kow --yes"
GRANT = "gcloud projects add-iam-policy-binding demo-staging --member=user:YOUR_ACCOUNT --role=roles/viewer"
LINK = "https://console.cloud.google.com/logs/query;query=severity%3DERROR?project=demo-staging"
API = ServiceRef(name="api", region="us-central1")
WORKER = ServiceRef(name="worker", region="us-central1")
WINDOW = Window(
    start=datetime(2025, 9, 15, 19, 25, tzinfo=UTC),
    end=datetime(2025, 9, 15, 20, 25, tzinfo=UTC),
)


def at(hour: int, minute: int, second: int = 0, *, day: int = 15) -> datetime:
    """Return a moment of the incident."""
    return datetime(2025, 9, day, hour, minute, second, tzinfo=UTC)
