"""The manifest, and the sources that the contract knows."""

from __future__ import annotations

import json

import pytest

from gcpdiag.bundle.format import SOURCES, parse_manifest
from gcpdiag.errors import BundleError
from gcpdiag.model.json import Json
from tests.making import PROJECT, manifest


def manifest_bytes(**more: Json) -> bytes:
    return json.dumps(manifest(**more)).encode()


def window(start: str, end: str) -> bytes:
    return manifest_bytes(window={"start": start, "end": end})


def test_format_version_and_project_are_enough() -> None:
    told = parse_manifest(b'{"format": "gcpdiag-bundle", "version": 1, "project": "p"}')
    assert (told.project, told.window, told.sources) == ("p", None, [])


def test_keys_of_later_versions_are_left_alone() -> None:
    assert parse_manifest(manifest_bytes(colour="blue")).project == PROJECT


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_manifest_that_powershell_wrote_is_read(encoding: str) -> None:
    assert parse_manifest(manifest_bytes().decode().encode(encoding)).project == PROJECT


@pytest.mark.parametrize(
    "content, why",
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xff\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "not an incident bundle"),
        (b"{}", "not an incident bundle"),
        (b'{"format": "other", "version": 1, "project": "p"}', "not an incident bundle"),
        (b'{"format": "gcpdiag-bundle", "version": 2, "project": "p"}', "version 2 is not supported"),
        (b'{"format": "gcpdiag-bundle", "project": "p"}', "version None is not supported"),
        (b'{"format": "gcpdiag-bundle", "version": 1}', "project"),
        (b'{"format": "gcpdiag-bundle", "version": 1, "project": 7}', "project"),
        (manifest_bytes(sources=[{"source": "run.services", "status": "perhaps"}]), "status"),
        (manifest_bytes(window={"start": "today", "end": "tomorrow"}), "start"),
        (window("2025-09-15T20:00:00Z", "2025-09-15T19:00:00Z"), "ends before it starts"),
        (window("2025-09-15T20:00:00Z", "2025-09-15T20:00:00Z"), "ends before it starts"),
        (window("2025-09-15T20:00:00", "2025-09-15T19:00:00Z"), "ends before it starts"),
        (window("2015-09-15T20:00:00Z", "2025-09-15T20:00:00Z"), "longer than 400 days"),
        (window("0001-01-01T00:00:00+14:00", "2025-09-15T20:00:00Z"), "in no year that has logs"),
        (window("2025-09-15T20:00:00Z", "9999-12-31T23:59:59-14:00"), "in no year that has logs"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said(content: bytes, why: str) -> None:
    with pytest.raises(BundleError, match=why):
        parse_manifest(content)


def test_a_window_may_mix_zones() -> None:
    told = parse_manifest(window("2025-09-15T20:00:00", "2025-09-15T22:30:00+02:00"))
    assert told.window is not None


def test_every_source_that_google_answers_names_the_access_that_it_takes() -> None:
    asked = [one for one in SOURCES.values() if one.id != "probes.results"]
    assert all(one.permission.endswith(".list") and one.role.startswith("roles/") for one in asked)


def test_files_lie_where_the_contract_says() -> None:
    paths = {one.path for one in SOURCES.values()}
    assert {"run/services.json", "logging/entries.jsonl", "monitoring/time_series.jsonl"} < paths
    assert len(paths) == len(SOURCES) == 20
