"""Google's own clients, over channels that can only ask; each is imported when it is opened."""

from __future__ import annotations

from dataclasses import dataclass

from gcpdiag.gcp.access import Access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.lean import import_lean


@dataclass(frozen=True, slots=True)
class Client:
    """One client class of Google's libraries, its gRPC transport, and the host that it calls."""

    package: str
    service: str
    name: str
    host: str

    def open(self, access: Access, emulator: Emulator | None) -> object:
        """Import the client and open it over a channel that can only ask."""
        from gcpdiag.gcp.rpc import read_only_channel

        home = f"{self.package}.services.{self.service}"
        client = getattr(import_lean(home), f"{self.name}Client")
        transport = getattr(import_lean(f"{home}.transports"), f"{self.name}GrpcTransport")
        channel = read_only_channel(transport.create_channel, self.host, access, emulator)
        opened: object = client(transport=transport(channel=channel))
        return opened


SERVICES = Client("google.cloud.run_v2", "services", "Services", "run.googleapis.com")
REVISIONS = Client("google.cloud.run_v2", "revisions", "Revisions", "run.googleapis.com")
LOGGING = Client("google.cloud.logging_v2", "logging_service_v2", "LoggingServiceV2", "logging.googleapis.com")
METRICS = Client("google.cloud.monitoring_v3", "metric_service", "MetricService", "monitoring.googleapis.com")
CONNECTORS = Client("google.cloud.vpcaccess_v1", "vpc_access_service", "VpcAccessService", "vpcaccess.googleapis.com")
REDIS = Client("google.cloud.redis_v1", "cloud_redis", "CloudRedis", "redis.googleapis.com")
HEALTH = Client("google.cloud.servicehealth_v1", "service_health", "ServiceHealth", "servicehealth.googleapis.com")

ALL = (LOGGING, METRICS, CONNECTORS, REDIS, SERVICES, REVISIONS, HEALTH)
"""In the order in which their answers are waited for longest."""
