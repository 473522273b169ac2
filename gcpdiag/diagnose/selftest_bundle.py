"""From the few lines of a playbook's test to an incident bundle of raw API answers, in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec

from gcpdiag.bundle.format import LOG_ENTRIES, MANIFEST, SOURCES, TIME_SERIES, Source
from gcpdiag.bundle.read import Bundle, bundle_of
from gcpdiag.diagnose.selftest_entries import entries_of, revision_of, url_of
from gcpdiag.diagnose.selftest_series import series_of
from gcpdiag.model.json import Json, JsonObject
from gcpdiag.model.window import rfc3339
from gcpdiag.playbook.format import PlaybookTest
from gcpdiag.playbook.notation import END, PROJECT, REGION, START, nearest

_OF_OTHER_RESOURCES = {"cloudsql/postgres", "loadbalancer"}


def bundle_of_test(test: PlaybookTest) -> Bundle:
    """Return the bundle that a test describes.

    Log entries and time series are always there, empty where the test has none; a resource list is there only
    if the test gives it. ``run.services`` that is not given holds a plain service (see ``plain_service``) for
    each one that the test names. A source in ``denied`` has no file, whatever else the test says of it.

    Raises ValueError for a notation that cannot be read.
    """
    return bundle_of(files_of_test(test))


def files_of_test(test: PlaybookTest) -> dict[str, bytes]:
    """Return the files of the bundle by path."""
    denied = [_source(one) for one in test.denied]
    answers = {_source(one).id: list(items) for one, items in test.resources.items()}
    answers.setdefault("run.services", [plain_service(one, test) for one in _services_of(test)])
    answers[LOG_ENTRIES] = [*entries_of(test), *answers.get(LOG_ENTRIES, [])]
    answers[TIME_SERIES] = [*(series_of(one) for one in test.series), *answers.get(TIME_SERIES, [])]
    for source in denied:
        answers.pop(source.id, None)
    files = {SOURCES[one].path: _written(SOURCES[one], items) for one, items in answers.items()}
    files[MANIFEST] = msgspec.json.encode(_manifest(answers, denied))
    return files


def plain_service(name: str, test: PlaybookTest) -> JsonObject:
    """Return a Cloud Run v2 service that is Ready and has nothing special.

    One container on port 8080 with 1 CPU and 512Mi, at most 10 instances of 80 requests, a timeout of 300 s,
    no VPC access; all traffic goes to the newest revision that the test names.
    """
    path = f"projects/{PROJECT}/locations/{REGION}/services/{name}"
    named = {line.revision for line in test.traffic if line.service == name and line.revision}
    revision = f"{path}/revisions/{max(named, default=revision_of(name))}"
    latest: JsonObject = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}
    return {
        "name": path,
        "generation": "1",
        "observedGeneration": "1",
        "createTime": rfc3339(START - timedelta(days=30)),
        "ingress": "INGRESS_TRAFFIC_ALL",
        "launchStage": "GA",
        "template": _plain_template(name),
        "traffic": [latest],
        "trafficStatuses": [latest],
        "uri": url_of(name),
        "urls": [url_of(name)],
        "latestReadyRevision": revision,
        "latestCreatedRevision": revision,
        "terminalCondition": _succeeded("Ready"),
        "conditions": [_succeeded("RoutesReady"), _succeeded("ConfigurationsReady")],
    }


def _plain_template(name: str) -> JsonObject:
    container: JsonObject = {
        "name": f"{name}-1",
        "image": f"{REGION}-docker.pkg.dev/{PROJECT}/images/{name}:1",
        "ports": [{"name": "http1", "containerPort": 8080}],
        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "cpuIdle": True},
    }
    return {
        "containers": [container],
        "scaling": {"maxInstanceCount": 10},
        "timeout": "300s",
        "maxInstanceRequestConcurrency": 80,
        "serviceAccount": f"{name}@{PROJECT}.iam.gserviceaccount.com",
    }


def _succeeded(condition: str) -> JsonObject:
    return {"type": condition, "state": "CONDITION_SUCCEEDED"}


def _services_of(test: PlaybookTest) -> list[str]:
    """Return the Cloud Run services that a test names, sorted."""
    names = {line.service for line in test.traffic}
    names |= {line.service for line in test.entries if line.log not in _OF_OTHER_RESOURCES}
    names |= {line.of for line in test.series if line.resource == "cloud_run_revision"}
    return sorted(names)


def _source(source_id: str) -> Source:
    if source_id not in SOURCES:
        raise ValueError(f"there is no source {source_id!r}; {nearest(source_id, SOURCES)}")
    return SOURCES[source_id]


def _written(source: Source, items: Iterable[Json]) -> bytes:
    if source.path.endswith(".jsonl"):
        return b"".join(msgspec.json.encode(one) + b"\n" for one in items)
    return msgspec.json.encode(list(items))


def _manifest(answers: dict[str, list[Json]], denied: Iterable[Source]) -> JsonObject:
    sources: list[Json] = [{"source": one, "status": "ok", "items": len(items)} for one, items in answers.items()]
    sources += [
        {
            "source": one.id,
            "status": "denied",
            "permission": one.permission,
            "error": f"403 Permission denied on resource project {PROJECT}.",
        }
        for one in denied
    ]
    return {
        "format": "gcpdiag-bundle",
        "version": 1,
        "project": PROJECT,
        "regions": [REGION],
        "window": {"start": rfc3339(START), "end": rfc3339(END)},
        "collected_at": rfc3339(END + timedelta(minutes=1)),
        "sources": sources,
    }
