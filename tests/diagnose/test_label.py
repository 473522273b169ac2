"""Labels, and where labelled bundles are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.diagnose.label import label_of, labelled_bundles
from gcpdiag.errors import BundleError, UsageError
from gcpdiag.model.json import JsonObject
from tests.diagnose.labelled import HEALTHY, REDIS_DOWN, quiet, written, zipped


def test_directories_and_zips_are_found_at_any_depth_each_once(tmp_path: Path) -> None:
    near = written(tmp_path / "near", quiet(), HEALTHY)
    deep = written(tmp_path / "a/b/deep", quiet(), HEALTHY)
    packed = zipped(tmp_path / "a/packed.zip", quiet(), HEALTHY)

    assert labelled_bundles([tmp_path, near, packed]) == sorted([near, deep, packed])


def test_what_has_no_label_or_is_no_bundle_is_left_out(tmp_path: Path) -> None:
    only = written(tmp_path / "only", quiet(), HEALTHY)
    unlabelled = written(tmp_path / "unlabelled", quiet(), HEALTHY)
    (unlabelled / "expected.json").unlink()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/expected.json").write_text("{}")
    (tmp_path / "broken.zip").write_bytes(b"no zip")

    assert labelled_bundles([tmp_path]) == [only]


@pytest.mark.parametrize("name", ["", "missing"])
def test_nothing_to_evaluate_is_wrong_usage(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        labelled_bundles([tmp_path / name])


def test_a_label_is_read_from_the_bundle(tmp_path: Path) -> None:
    path = zipped(tmp_path / "one.zip", quiet(), REDIS_DOWN)

    label = label_of(load_bundle(path), path)

    assert label.causes == ["dependency-unreachable/redis"]
    assert label.unlike == ["dependency-unreachable/dns"]


@pytest.mark.parametrize(
    "label",
    [
        {"status": "incident", "causes": []},
        {"status": "healthy", "causes": ["a/b"]},
        {"status": "broken"},
        {"causes": "a/b"},
    ],
)
def test_a_label_that_contradicts_itself_is_told_with_its_path(label: JsonObject, tmp_path: Path) -> None:
    path = written(tmp_path / "one", quiet(), label)

    with pytest.raises(BundleError, match=r"one: expected\.json is no label"):
        label_of(load_bundle(path), path)
