"""Google's own clients, over channels that can only ask; each is imported when it is opened."""

from __future__ import annotations

from gcpdiag.gcp.access import Access
from gcpdiag.gcp.endpoint import Emulator
from gcpdiag.gcp.rpc import read_only_channel


def services_client(access: Access, emulator: Emulator | None) -> object:
    """Return a client of Cloud Run's services."""
    from google.cloud.run_v2.services.services import ServicesClient
    from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport as Transport

    channel = read_only_channel(Transport.create_channel, "run.googleapis.com", access, emulator)
    return ServicesClient(transport=Transport(channel=channel))


def revisions_client(access: Access, emulator: Emulator | None) -> object:
    """Return a client of Cloud Run's revisions."""
    from google.cloud.run_v2.services.revisions import RevisionsClient
    from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport as Transport

    channel = read_only_channel(Transport.create_channel, "run.googleapis.com", access, emulator)
    return RevisionsClient(transport=Transport(channel=channel))


def logging_client(access: Access, emulator: Emulator | None) -> object:
    """Return a client of Cloud Logging."""
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.services.logging_service_v2.transports import (
        LoggingServiceV2GrpcTransport as Transport,
    )

    channel = read_only_channel(Transport.create_channel, "logging.googleapis.com", access, emulator)
    return LoggingServiceV2Client(transport=Transport(channel=channel))


def metric_client(access: Access, emulator: Emulator | None) -> object:
    """Return a client of Cloud Monitoring's metrics."""
    from google.cloud.monitoring_v3.services.metric_service import MetricServiceClient
    from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport as Transport

    channel = read_only_channel(Transport.create_channel, "monitoring.googleapis.com", access, emulator)
    return MetricServiceClient(transport=Transport(channel=channel))


def connector_client(access: Access, emulator: Emulator | None) -> object:
    """Return a client of Serverless VPC Access."""
    from google.cloud.vpcaccess_v1.services.vpc_access_service import VpcAccessServiceClient
    from google.cloud.vpcaccess_v1.services.vpc_access_service.transports import (
        VpcAccessServiceGrpcTransport as Transport,
    )

    channel = read_only_channel(Transport.create_channel, "vpcaccess.googleapis.com", access, emulator)
    return VpcAccessServiceClient(transport=Transport(channel=channel))


def redis_client(access: Access, emulator: Emulator | None) -> object:
    """Return a client of Memorystore for Redis."""
    from google.cloud.redis_v1.services.cloud_redis import CloudRedisClient
    from google.cloud.redis_v1.services.cloud_redis.transports import CloudRedisGrpcTransport as Transport

    channel = read_only_channel(Transport.create_channel, "redis.googleapis.com", access, emulator)
    return CloudRedisClient(transport=Transport(channel=channel))


def health_client(access: Access, emulator: Emulator | None) -> object:
    """Return a client of Personalized Service Health."""
    from google.cloud.servicehealth_v1.services.service_health import ServiceHealthClient
    from google.cloud.servicehealth_v1.services.service_health.transports import ServiceHealthGrpcTransport as Transport

    channel = read_only_channel(Transport.create_channel, "servicehealth.googleapis.com", access, emulator)
    return ServiceHealthClient(transport=Transport(channel=channel))
