from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from gcpdiag.bundle.check import check_bundle
from gcpdiag.bundle.read import Bundle, bundle_of, load_bundle
from gcpdiag.bundle.write import files_of, save_bundle
from gcpdiag.errors import UsageError

FIXTURES = Path(__file__).parents[2] / "fixtures"


def small_bundle(**files: str) -> Bundle:
    manifest = '{"format": "gcpdiag-bundle", "version": 1, "project": "demo"}'
    named = {path.replace("__", "/").replace("_json", ".json"): text for path, text in files.items()}
    return bundle_of({path: text.encode() for path, text in {"manifest.json": manifest, **named}.items()})


@pytest.mark.parametrize("name", ["incident.zip", "incident"])
def test_a_saved_bundle_is_read_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / "deep" / name

    save_bundle(load_bundle(FIXTURES / "redis"), path)

    again = load_bundle(path)
    assert again.project == load_bundle(FIXTURES / "redis").project
    assert len(list(again.entries())) == len(list(load_bundle(FIXTURES / "redis").entries()))
    assert again.resources("run.services") is not None
    assert list(tmp_path.rglob(".*")) == []


def test_the_truth_of_a_labelled_bundle_is_not_copied(tmp_path: Path) -> None:
    save_bundle(load_bundle(FIXTURES / "redis"), tmp_path / "copy")

    assert not (tmp_path / "copy" / "expected.json").exists()


def test_secrets_stay_behind(tmp_path: Path) -> None:
    planted = ["hunter2pass", "AIzaSyA1234567890abcdefghijklmnopqrstu", "jane.doe@example.com", "tops3cretvalue"]
    services = json.dumps(
        [
            {
                "name": "projects/demo/locations/r/services/api",
                "creator": "jane.doe@example.com",
                "annotations": {
                    "db-password": "tops3cretvalue",
                    "note": "password=hunter2pass key AIzaSyA1234567890abcdefghijklmnopqrstu",
                },
            }
        ]
    )

    save_bundle(small_bundle(run__services_json=services), tmp_path / "out.zip")

    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        content = "".join(archive.read(name).decode() for name in archive.namelist())
    assert [one for one in planted if one in content] == []
    assert "services/api" in content


def test_names_of_secrets_are_kept(tmp_path: Path) -> None:
    reference = {"secretKeyRef": {"secret": "db-password", "version": "latest"}}
    services = json.dumps([{"template": {"containers": [{"env": [{"name": "DB", "valueSource": reference}]}]}}])

    save_bundle(small_bundle(run__services_json=services), tmp_path / "out")

    assert "db-password" in (tmp_path / "out" / "run" / "services.json").read_text()


def test_every_file_has_its_checksum_in_the_manifest(tmp_path: Path) -> None:
    save_bundle(load_bundle(FIXTURES / "redis"), tmp_path / "out")

    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    for path, told in manifest["files"].items():
        assert hashlib.sha256((tmp_path / "out" / path).read_bytes()).hexdigest() == told["sha256"]
    assert set(manifest["files"]) == set(load_bundle(tmp_path / "out").tree.paths()) - {"manifest.json"}


def test_the_same_bundle_makes_the_same_zip(tmp_path: Path) -> None:
    bundle = load_bundle(FIXTURES / "redis")

    save_bundle(bundle, tmp_path / "a.zip")
    save_bundle(bundle, tmp_path / "b.zip")

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_saving_twice_changes_nothing_more(tmp_path: Path) -> None:
    save_bundle(load_bundle(FIXTURES / "staging-503"), tmp_path / "once")
    save_bundle(load_bundle(tmp_path / "once"), tmp_path / "twice")

    assert files_of(load_bundle(tmp_path / "once")) == files_of(load_bundle(tmp_path / "twice"))


@pytest.mark.parametrize("name", ["incident.zip", "incident"])
def test_what_is_there_already_is_never_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(UsageError, match="exists already"):
        save_bundle(load_bundle(FIXTURES / "redis"), tmp_path / name)
    assert (tmp_path / name).read_text() == "mine"


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    save_bundle(load_bundle(FIXTURES / "redis"), tmp_path / "out.zip")

    assert (tmp_path / "out.zip").stat().st_mode & 0o077 == 0


def test_a_file_that_was_changed_after_all_is_noticed(tmp_path: Path) -> None:
    save_bundle(load_bundle(FIXTURES / "redis"), tmp_path / "out")
    assert check_bundle(load_bundle(tmp_path / "out")).problems == ()

    (tmp_path / "out" / "redis" / "instances.json").write_text("[]")
    (tmp_path / "out" / "run" / "revisions.json").unlink()

    told = [str(one) for one in check_bundle(load_bundle(tmp_path / "out")).problems]
    assert told == [
        "redis/instances.json: was changed after the bundle was kept: its checksum is another",
        "run/revisions.json: is missing, and the manifest has its checksum",
    ]
