from __future__ import annotations

import pytest

from gcpdiag.bundle.environment import hosts_and_ports, without_values
from gcpdiag.model.json import Json, JsonObject


@pytest.mark.parametrize(
    "value, kept",
    [
        ("postgres://app:s3cr.et@10.12.0.3:5432/orders?sslmode=require", "10.12.0.3:5432"),
        ("postgresql+asyncpg://u:p@db.internal.example:5432/app", "db.internal.example:5432"),
        ("jdbc:postgresql://10.0.0.5:5432/app?user=u&password=hunter2", "10.0.0.5:5432"),
        ("host=10.0.0.5 port=5432 user=app password=hun@ter2", "10.0.0.5"),
        ("Server=10.0.0.9;Database=app;Uid=u;Pwd=secret", "10.0.0.9"),
        ("redis://:hunter2@10.1.2.3:6379/0", "10.1.2.3:6379"),
        ("mongodb://u:p@a.example.com:27017,b.example.com:27017/x", "a.example.com:27017 b.example.com:27017"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3:6379,10.1.2.4:6379", "10.1.2.3:6379 10.1.2.4:6379"),
        ("/cloudsql/demo-staging:us-central1:main-db", "demo-staging:us-central1:main-db"),
        ("acme.com:proj:europe-west1:db", "acme.com:proj:europe-west1:db"),
        ("https://billing-abc123-uc.a.run.app/v1", "billing-abc123-uc.a.run.app"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", ""),
        ("SG.aBcDeFgHiJkLmNoPqRsT.UvWxYz0123456789AbCdEf", ""),
        ("hunter2", ""),
        ("sk-live-0123456789abcdef", ""),
        ("-----BEGIN PRIVATE KEY-----\nMIIE.abc\n-----END PRIVATE KEY-----", ""),
        ("production", ""),
        ("", ""),
    ],
)
def test_only_hosts_and_ports_are_kept(value: str, kept: str) -> None:
    assert hosts_and_ports(value) == kept


def test_what_is_kept_is_kept_again() -> None:
    once = hosts_and_ports("postgres://u:p@10.0.0.1:5432/x,/cloudsql/p-x:us-east1:db")

    assert hosts_and_ports(once) == once


def test_values_are_reduced_wherever_containers_stand() -> None:
    from_secret: Json = {"name": "PASSWORD", "valueSource": {"secretKeyRef": {"secret": "db", "version": "latest"}}}
    variables: Json = [
        {"name": "REDIS_URL", "value": "redis://:pw@10.1.2.3:6379"},
        {"name": "API_KEY", "value": "abc.def.ghi1"},
        from_secret,
    ]
    audit: JsonObject = {
        "protoPayload": {"request": {"service": {"template": {"containers": [{"image": "i", "env": variables}]}}}}
    }

    reduced = without_values(audit)

    assert reduced == {
        "protoPayload": {
            "request": {
                "service": {
                    "template": {
                        "containers": [
                            {
                                "image": "i",
                                "env": [
                                    {"name": "REDIS_URL", "value": "10.1.2.3:6379"},
                                    {"name": "API_KEY"},
                                    from_secret,
                                ],
                            }
                        ]
                    }
                }
            }
        }
    }
