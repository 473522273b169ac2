"""What Cloud Run takes: our table and the emulator's were written apart, and agree."""

from __future__ import annotations

import pytest

from gcpdiag.emulator.limits import check_service
from gcpdiag.emulator.rest import ApiError
from gcpdiag.errors import UsageError
from gcpdiag.model.json import JsonObject
from gcpdiag.remediate.limits import Resources, require_legal, require_possible
from tests.remediate.services import container, service

CPUS = ("0.08", "0.2", "0.5", "0.9", "1", "2", "3", "4", "6", "8", "16")
MEMORIES = ("64Mi", "128Mi", "256Mi", "512Mi", "1Gi", "2Gi", "4Gi", "5Gi", "8Gi", "16Gi", "24Gi", "32Gi", "33Gi")


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("concurrency", [1, 80])
@pytest.mark.parametrize("cpu", CPUS)
def test_every_combination_is_judged_as_the_server_does(cpu: str, concurrency: int, *, second: bool) -> None:
    environment = "EXECUTION_ENVIRONMENT_GEN2" if second else "EXECUTION_ENVIRONMENT_GEN1"

    for memory in MEMORIES:
        template: JsonObject = {
            "containers": [container(resources={"limits": {"cpu": cpu, "memory": memory}})],
            "executionEnvironment": environment,
            "maxInstanceRequestConcurrency": concurrency,
        }
        asked = service(template=template)
        wanted = Resources(cpu=cpu, memory=memory, concurrency=concurrency, second_generation=second)
        assert _is_ours(wanted) == _is_theirs(asked), (cpu, memory)


def _is_ours(wanted: Resources) -> bool:
    try:
        require_legal(wanted)
    except UsageError:
        return False
    return True


def _is_theirs(asked: JsonObject) -> bool:
    try:
        check_service(asked, asked)
    except ApiError:
        return False
    return True


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("cpu", ["", *CPUS])
def test_what_is_impossible_is_never_legal(cpu: str, memory: str) -> None:
    try:
        require_possible(cpu=cpu, memory=memory, concurrency=None)
    except UsageError:
        assert not any(_is_ours(Resources(cpu=one, memory=memory, concurrency=1)) for one in ([cpu] if cpu else CPUS))
    else:
        assert any(_is_ours(Resources(cpu=one, memory=memory, concurrency=1)) for one in ([cpu] if cpu else CPUS))
