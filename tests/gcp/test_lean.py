"""Each in a process of its own, since what is imported stays."""

from __future__ import annotations

import subprocess
import sys

import pytest


def told_by(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.parametrize(
    "name, client, unwanted",
    [
        (
            "google.cloud.logging_v2.services.logging_service_v2",
            "LoggingServiceV2Client",
            "google.cloud.logging_v2.handlers",
        ),
        ("google.cloud.monitoring_v3.services.metric_service", "MetricServiceClient", "services.alert_policy_service"),
        ("google.cloud.run_v2.services.services", "ServicesClient", "google.cloud.run_v2.services.builds"),
    ],
)
def test_one_client_is_imported_without_the_others(name: str, client: str, unwanted: str) -> None:
    code = (
        "import sys\n"
        "from gcpdiag.gcp.lean import import_lean\n"
        f"print(hasattr(import_lean({name!r}), {client!r}), any({unwanted!r} in one for one in sys.modules))"
    )

    assert told_by(code) == "True False"


def test_the_rest_of_the_package_is_there_when_somebody_asks() -> None:
    code = (
        "from gcpdiag.gcp.lean import import_lean\n"
        "lean = import_lean('google.cloud.run_v2.services.services').ServicesClient\n"
        "from google.cloud import run_v2\n"
        "print(run_v2.JobsClient.__name__, run_v2.ServicesClient is lean, run_v2.types.Service.__name__)"
    )

    assert told_by(code) == "JobsClient True Service"


def test_a_package_that_is_there_already_is_used_as_it_is() -> None:
    code = (
        "from google.cloud import run_v2\n"
        "from gcpdiag.gcp.lean import import_lean\n"
        "print(import_lean('google.cloud.run_v2.services.services').ServicesClient is run_v2.ServicesClient)"
    )

    assert told_by(code) == "True"


def test_what_does_not_exist_is_an_import_error() -> None:
    code = (
        "from gcpdiag.gcp.lean import import_lean\n"
        "try:\n"
        "    import_lean('google.cloud.run_v2.services.nothing')\n"
        "except ImportError as error:\n"
        "    print('nothing' in str(error))"
    )

    assert told_by(code) == "True"
