"""``gcpdiag verify --from cloud-run-job``: from the plan to the checklist, with real servers for the private ones.

The emulator runs the job's container command as a process of this machine, so that the whole way is tried.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from gcpdiag.bundle.format import SOURCES
from gcpdiag.emulator.serve import Emulator
from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at
from gcpdiag.remediate.document import load_plan
from gcpdiag.verify.address import Address
from tests.emulator.asking import http_answer
from tests.making import PARENT, PROJECT, REDIS, SERVICES, Files, bundle, service
from tests.verify import servers
from tests.verify.faults import black_hole, refused

ROOT = Path(__file__).parents[2]
INSIDE = ("verify", "--from", "cloud-run-job", "--service", "api")
PASSWORD, PLANTED = "s3cret-of-asked", "planted-plain-value"  # the first one is that of the server's own user
ACCOUNT = f"runner@{PROJECT}.iam.gserviceaccount.com"
CONNECTOR = f"{PARENT}/connectors/staging"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    with servers.redis(tmp_path_factory.mktemp("redis") / "home") as running:
        yield running.address


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A PostgreSQL that asks its user ``asked`` for a password."""
    with servers.postgresql(tmp_path_factory.mktemp("postgresql") / "home") as running:
        asyncio.run(_make_role(running.address))
        yield running.address


async def _make_role(address: Address) -> None:
    admin = await asyncpg.connect(host=address.host, port=address.port, user="postgres", ssl=False)
    try:
        await admin.execute(f"CREATE ROLE asked LOGIN PASSWORD '{PASSWORD}'")
    finally:
        await admin.close()


@pytest.fixture
def emulator(redis: Address) -> Iterator[Emulator]:
    """A project with a service that takes a connector and has a secret, and a Redis that topology names."""
    with Emulator(bundle(_files(redis)), now=True) as running:
        http_answer(
            running.http, "/_emulator/secrets", method="POST", body={"secret": "db-password", "value": PASSWORD}
        )
        yield running


def _files(redis: Address) -> Files:
    nothing: Files = {source.path: [] for source in SOURCES.values()}
    access: JsonObject = {"connector": CONNECTOR, "egress": "PRIVATE_RANGES_ONLY"}
    made = service(env={"PLAIN": PLANTED}, vpcAccess=access, serviceAccount=ACCOUNT)
    container = objects_at(made, "template.containers")[0]
    reference: Json = {"secretKeyRef": {"secret": "db-password", "version": "latest"}}
    container["env"] = [*objects_at(container, "env"), {"name": "DB_PASSWORD", "valueSource": reference}]
    made |= {"etag": '"one"', "generation": "1", "ingress": "INGRESS_TRAFFIC_INTERNAL_ONLY"}
    cache: JsonObject = {"name": f"{PARENT}/instances/cache", "host": redis.host, "port": redis.port}
    return {**nothing, SERVICES: [made], REDIS: [cache]}


def environment(emulator: Emulator, home: Path) -> dict[str, str]:
    told = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home), "XDG_STATE_HOME": str(home)}
    return {**told, "GCPDIAG_EMULATOR_HOST": emulator.http}


def gcpdiag(emulator: Emulator, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gcpdiag", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment(emulator, home),
        cwd=home,
        stdin=subprocess.DEVNULL,
    )


def inside(emulator: Emulator, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the job without being asked, over what is named."""
    return gcpdiag(emulator, home, *INSIDE, "--no-discover", "--apply", "--yes", *arguments)


def deny(emulator: Emulator, *permissions: str) -> None:
    http_answer(emulator.http, "/_emulator/deny", method="POST", body={"permissions": [*permissions]})


def jobs(emulator: Emulator) -> list[JsonObject]:
    return objects_at(http_answer(emulator.http, f"/v2/{PARENT}/jobs", host="run.googleapis.com")[1], "jobs")


def changes(emulator: Emulator) -> list[tuple[str, str]]:
    """The method and last part of the path of each call that changes something, in the project."""
    found = [one for one in emulator.requests if one.mutates and one.api]
    return [(one.method, one.path.rpartition("/")[2].rpartition(":")[2]) for one in found]


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    """The verdict and text of each target."""
    criteria = json.loads(done.stdout)["criteria"]
    return {one["subject"]: (one["verdict"], one["text"]) for one in criteria}


# --- the plan


def test_the_plan_is_shown_and_nothing_is_run(emulator: Emulator, redis: Address, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, *INSIDE, "--no-discover", "--redis", str(redis))

    assert done.returncode == 0
    assert "A short Cloud Run job that probes from inside, and is deleted again" in done.stdout
    assert "nothing was probed or changed" in done.stderr
    assert "Cloud Run accepts this change" in done.stdout
    assert jobs(emulator) == []
    assert not (tmp_path / "gcpdiag").exists()


def test_the_job_is_where_the_service_is_and_as_who_it_is_and_no_value_goes_along(
    emulator: Emulator, postgresql: Address, tmp_path: Path
) -> None:
    target = f"asked@{postgresql}/postgres?password_env=DB_PASSWORD"
    kept = tmp_path / "plan.json"
    gcpdiag(emulator, tmp_path, *INSIDE, "--no-discover", "--postgresql", target, "--save", str(kept))

    step = load_plan(kept).steps[0]
    task = object_at(step.after, "template.template")
    assert step.target.startswith(f"{PARENT}/jobs/gcpdiag-probe-")
    assert task["vpcAccess"] == {"connector": CONNECTOR, "egress": "PRIVATE_RANGES_ONLY"}
    assert task["serviceAccount"] == ACCOUNT
    assert (task["maxRetries"], task["timeout"]) == (0, "80s")
    reference = {"secretKeyRef": {"secret": "db-password", "version": "latest"}}
    assert objects_at(objects_at(task, "containers")[0], "env")[1:] == [
        {"name": "DB_PASSWORD", "valueSource": reference}
    ]
    assert PLANTED not in kept.read_text()


def test_a_plan_that_was_kept_is_carried_out_by_apply_as_it_is(
    emulator: Emulator, redis: Address, tmp_path: Path
) -> None:
    gcpdiag(emulator, tmp_path, *INSIDE, "--no-discover", "--redis", str(redis), "--save", str(tmp_path / "p.json"))
    done = gcpdiag(emulator, tmp_path, "apply", str(tmp_path / "p.json"), "--yes", "--output", "json")

    assert done.returncode == 0
    assert verdicts(done)[f"redis://{redis}/0"][0] == "met"
    assert jobs(emulator) == []


def test_a_plan_that_was_edited_is_refused(emulator: Emulator, redis: Address, tmp_path: Path) -> None:
    kept = tmp_path / "p.json"
    gcpdiag(emulator, tmp_path, *INSIDE, "--no-discover", "--redis", str(redis), "--save", str(kept))
    edited = tmp_path / "edited.json"
    edited.write_text(kept.read_text().replace('"--timeout"', '"--nothing"'))
    done = gcpdiag(emulator, tmp_path, "apply", str(edited), "--yes")

    assert done.returncode == 4
    assert "was edited" in done.stderr
    assert jobs(emulator) == []


def test_nobody_to_ask_means_no(emulator: Emulator, redis: Address, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, *INSIDE, "--no-discover", "--redis", str(redis), "--apply")

    assert done.returncode == 4
    assert "nobody can be asked" in done.stderr
    assert [one for one in changes(emulator) if one[0] != "POST"] == []
    assert jobs(emulator) == []


def test_production_takes_the_services_name(emulator: Emulator, redis: Address, tmp_path: Path) -> None:
    refusal = inside(emulator, tmp_path, "--redis", str(redis), "--production")
    done = inside(emulator, tmp_path, "--redis", str(redis), "--production", "--confirm", "api")

    assert refusal.returncode == 4
    assert "the service's name was not typed" in refusal.stderr
    assert "Redis answers" in done.stdout


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("verify", "--from", "cloud-run-job"), "which service's network?"),
        ((*INSIDE, "--service", "web"), "which service's network?"),
        ((*INSIDE, "--bundle", "."), "--bundle has no meaning with --from cloud-run-job"),
        (("verify", "--tcp", "h:1", "--image", "mine"), "--image has no meaning without --from cloud-run-job"),
        (("verify", "--tcp", "h:1", "--from", "mars"), "'mars' is not a time"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    emulator: Emulator, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = gcpdiag(emulator, tmp_path, *arguments)

    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())


# --- the run


def test_private_servers_are_probed_from_inside_and_the_job_is_gone(
    emulator: Emulator, redis: Address, postgresql: Address, tmp_path: Path
) -> None:
    down = refused()
    done = inside(
        emulator,
        tmp_path,
        *("--redis", str(redis), "--redis", str(down), "--output", "json"),
        *("--postgresql", f"asked@{postgresql}/postgres?password_env=DB_PASSWORD"),
    )

    seen = verdicts(done)
    assert done.returncode == 10
    assert seen[f"redis://{redis}/0"][0] == "met"
    assert seen[f"postgresql://{postgresql}/postgres"][0] == "met"
    assert seen[f"redis://{down}/0"] == ("not met", "failed at TCP: the connection is refused: nothing listens there")
    assert "connections" in seen[f"postgresql://{postgresql}/postgres"][1]
    assert [one["from"] for one in json.loads(done.stdout)["probes"]] == ["inside"] * 3
    assert jobs(emulator) == []
    assert [method for method, _ in changes(emulator)] == ["POST", "POST", "POST", "DELETE"]  # checked, made, run
    assert PASSWORD not in done.stdout + done.stderr + (tmp_path / "gcpdiag" / "journal.jsonl").read_text()


def test_what_topology_names_is_probed_too(emulator: Emulator, redis: Address, tmp_path: Path) -> None:
    done = gcpdiag(emulator, tmp_path, *INSIDE, "--apply", "--yes", "--output", "json")

    assert verdicts(done)[f"redis://{redis}/0"][0] == "met"


def test_the_checklist_is_that_of_a_local_verify(emulator: Emulator, redis: Address, tmp_path: Path) -> None:
    done = inside(emulator, tmp_path, "--redis", str(redis), "--output", "markdown")

    assert "- [x] **Redis answers within 2 s and takes writes**" in done.stdout


def test_credentials_of_this_machine_stay_here_and_the_line_says_so(
    emulator: Emulator, redis: Address, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(PLANTED)
    by_file, by_value = f"{redis}/1?password_file={tmp_path}/password", f"{redis}/2?password_env=PLAIN"
    done = inside(emulator, tmp_path, "--redis", by_file, "--redis", by_value, "--output", "json")

    seen = verdicts(done)
    assert "in a file of this machine" in seen[f"redis://{redis}/1"][1]
    assert "its value is not put into a job" in seen[f"redis://{redis}/2"][1]
    assert PLANTED not in done.stdout + done.stderr


def test_a_secret_that_is_missing_fails_the_job_and_is_named(
    emulator: Emulator, redis: Address, tmp_path: Path
) -> None:
    target = f"{redis}?password_secret=projects/{PROJECT}/secrets/none"
    done = inside(emulator, tmp_path, "--redis", target, "--output", "json")

    verdict, told = verdicts(done)[f"redis://{redis}/0"]
    assert verdict == "unknown"
    assert f"the job failed: Secret projects/{PROJECT}/secrets/none/versions/latest was not found" in told
    assert jobs(emulator) == []


# --- refused, failed, interrupted


def test_a_job_that_may_not_be_made_is_refused_and_the_permission_is_named(
    emulator: Emulator, redis: Address, tmp_path: Path
) -> None:
    deny(emulator, "run.jobs.create")
    planned = gcpdiag(emulator, tmp_path, *INSIDE, "--no-discover", "--redis", str(redis))
    done = inside(emulator, tmp_path, "--redis", str(redis))

    assert (planned.returncode, done.returncode) == (4, 4)
    assert "Cloud Run refuses this job" in planned.stderr
    assert "run.jobs.create" in done.stderr
    assert "nothing was changed" in done.stderr


@pytest.mark.parametrize("permission", ["run.jobs.run", "run.executions.get"])
def test_a_job_that_was_made_and_does_not_run_is_deleted(
    emulator: Emulator, redis: Address, tmp_path: Path, permission: str
) -> None:
    deny(emulator, permission)
    done = inside(emulator, tmp_path, "--redis", str(redis), "--output", "json")

    verdict, told = verdicts(done)[f"redis://{redis}/0"]
    assert verdict == "unknown"
    assert permission in told
    assert jobs(emulator) == []


def test_a_job_that_cannot_be_deleted_is_told_and_the_next_run_does_it(
    emulator: Emulator, redis: Address, tmp_path: Path
) -> None:
    deny(emulator, "run.jobs.delete")
    done = inside(emulator, tmp_path, "--redis", str(redis))
    left = [text_at(one, "name") for one in jobs(emulator)]
    deny(emulator)
    again = inside(emulator, tmp_path, "--redis", str(redis))

    assert "the job could not be deleted" in done.stderr
    assert f"gcloud run jobs delete {left[0].rpartition('/')[2]} --region=us-central1" in done.stderr
    assert f"an earlier job was left, {left[0]}" in again.stderr
    assert jobs(emulator) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_deletes_its_job(emulator: Emulator, tmp_path: Path, number: signal.Signals) -> None:
    with black_hole() as address, running(emulator, tmp_path, address) as process:
        process.send_signal(number)
        _, told = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "deleting the job" in told
    assert jobs(emulator) == []
    assert emulator.state.job_store.running == {}


def test_a_killed_run_leaves_its_job_to_the_next_one(emulator: Emulator, redis: Address, tmp_path: Path) -> None:
    with black_hole() as address, running(emulator, tmp_path, address) as process:
        process.kill()
        process.communicate(timeout=60)
    left = len(jobs(emulator))
    inside(emulator, tmp_path, "--redis", str(redis))

    assert left == 1
    assert jobs(emulator) == []


@contextmanager
def running(emulator: Emulator, home: Path, address: Address) -> Iterator[subprocess.Popen[str]]:
    """A run whose job has been started and probes something that does not answer."""
    targets = ("--redis", str(address), "--timeout", "50s")
    with subprocess.Popen(
        [sys.executable, "-m", "gcpdiag", *INSIDE, "--no-discover", "--apply", "--yes", *targets],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(emulator, home),
        cwd=home,
        stdin=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stderr is not None
            assert any("running it" in line for line in process.stderr)
            until = time.monotonic() + 60
            while not emulator.state.job_store.running:
                assert time.monotonic() < until, "the job was not started"
                time.sleep(0.01)
            yield process
        finally:
            process.kill()
