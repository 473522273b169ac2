"""Where bundles lie: directories and zips, whole, damaged and hostile."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from gcpdiag.bundle.read import load_bundle
from gcpdiag.bundle.tree import UNREADABLE, DirectoryTree, open_tree
from gcpdiag.errors import BundleError, UsageError
from tests.making import ENTRIES, entry, files_of

FILES = files_of({ENTRIES: [entry("boom")], "run/services.json": []})


def directory(root: Path, files: dict[str, bytes] | None = None) -> Path:
    for path, content in (files or FILES).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def archive(root: Path, folder: str = "", *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(root / "bundle.zip", "w", method) as zipped:
        for path, content in FILES.items():
            zipped.writestr(folder + path, content)
    return root / "bundle.zip"


def texts_in(path: Path) -> list[str | None]:
    return [one.text_payload for one in load_bundle(path).entries()]


def test_a_directory_is_read(tmp_path: Path) -> None:
    assert texts_in(directory(tmp_path)) == ["boom"]


@pytest.mark.parametrize("folder", ["", "bundle/", "deep/below/"])
def test_a_zip_is_read_at_its_top_or_in_a_folder(tmp_path: Path, folder: str) -> None:
    assert texts_in(archive(tmp_path, folder)) == ["boom"]


def test_a_zip_that_windows_wrote_with_backslashes_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as zipped:
        for path, content in FILES.items():
            zipped.writestr(f"bundle/{path}".replace("/", "\\"), content)
    assert texts_in(tmp_path / "bundle.zip") == ["boom"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_usual_compression_is_read(tmp_path: Path, method: int) -> None:
    assert texts_in(archive(tmp_path, method=method)) == ["boom"]


def test_a_zip_is_never_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path, "../../escaped/")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert texts_in(path) == ["boom"]
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["bundle.zip", "work"]


def test_a_manifest_is_a_file_of_that_very_name(tmp_path: Path) -> None:
    path = archive(tmp_path, "incident/")
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("a/package-manifest.json", b"{}")
        zipped.writestr("__MACOSX/incident/._manifest.json", b"\x00")
    assert texts_in(path) == ["boom"]


def test_a_zip_of_several_bundles_is_refused_by_name(tmp_path: Path) -> None:
    path = archive(tmp_path, "one/")
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("two/manifest.json", b"{}")
    with pytest.raises(BundleError, match="there are 2 bundles in this zip: one, two"):
        open_tree(path)


def test_paths_of_a_zip_are_those_inside_the_bundle(tmp_path: Path) -> None:
    assert open_tree(archive(tmp_path, "bundle/")).paths() == sorted(FILES)


def test_paths_of_a_directory_are_sorted_and_relative(tmp_path: Path) -> None:
    assert DirectoryTree(directory(tmp_path)).paths() == sorted(FILES)


def test_what_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        open_tree(tmp_path / "nowhere")


def test_a_name_too_long_for_the_file_system_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        open_tree(tmp_path / ("x" * 5000))


def test_an_empty_directory_is_called_empty(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is empty"):
        open_tree(tmp_path)


def test_a_directory_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BundleError, match=r"no manifest\.json in it"):
        open_tree(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"\x00" * 30])
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bundle.zip").write_bytes(content)
    with pytest.raises(BundleError, match="cannot be read as a zip"):
        open_tree(tmp_path / "bundle.zip")


def with_flag(path: Path, member: str) -> Path:
    """Mark one member as encrypted, in its local header and in the directory at the end."""
    content = bytearray(path.read_bytes())
    for signature, flags, name in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        at = content.find(signature)
        while at >= 0:
            if content[at + name :].startswith(member.encode()):
                content[at + flags] |= 1
            at = content.find(signature, at + 4)
    path.write_bytes(content)
    return path


def test_an_encrypted_manifest_is_a_clear_error(tmp_path: Path) -> None:
    path = with_flag(archive(tmp_path), "manifest.json")
    with pytest.raises(BundleError, match=r"manifest\.json cannot be read: .*encrypted, password required"):
        load_bundle(path)


def test_an_encrypted_source_is_a_problem_of_that_file(tmp_path: Path) -> None:
    bundle = load_bundle(with_flag(archive(tmp_path), ENTRIES))
    assert list(bundle.entries()) == []
    assert "logging/entries.jsonl: cannot be read" in str(bundle.problems.problems()[0])


def damaged(tmp_path: Path, method: int) -> Path:
    """A zip in whose log entries one byte has turned."""
    path = archive(tmp_path, method=method)
    with zipfile.ZipFile(path) as zipped:
        start = zipped.getinfo(ENTRIES).header_offset + 30 + len(ENTRIES)
    content = bytearray(path.read_bytes())
    content[start + 40] ^= 0xFF
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_checksum_that_does_not_fit_is_a_problem_of_that_file(tmp_path: Path, method: int) -> None:
    bundle = load_bundle(damaged(tmp_path, method))
    list(bundle.entries())
    assert any("logging/entries.jsonl: cannot be read" in str(one) for one in bundle.problems.problems())


def bomb(tmp_path: Path, content: bytes, times: int, member: str = ENTRIES) -> Path:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, small in FILES.items():
            if name != member:
                zipped.writestr(name, small)
        with zipped.open(member, "w", force_zip64=True) as stream:
            for _ in range(times):
                stream.write(content)
    return path


@pytest.mark.parametrize("filling", [b"\x00", b"\n", b" ", b"["])
def test_a_bomb_is_a_problem_and_is_not_unpacked(tmp_path: Path, filling: bytes) -> None:
    bundle = load_bundle(bomb(tmp_path, filling * (1 << 20), 128))
    assert list(bundle.entries()) == []
    assert "128 MiB squeezed into" in str(bundle.problems.problems()[0])


def test_a_bomb_for_a_manifest_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="a zip bomb"):
        load_bundle(bomb(tmp_path, b" " * (1 << 20), 128, "manifest.json"))


def test_reading_what_is_not_there_is_among_the_errors_that_readers_expect(tmp_path: Path) -> None:
    with pytest.raises(UNREADABLE):
        DirectoryTree(tmp_path).open("nothing")
