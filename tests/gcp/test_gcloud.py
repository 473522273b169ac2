from __future__ import annotations

from pathlib import Path

from gcpdiag.gcp.gcloud import GcloudSetup, load_gcloud_setup


def configured(home: Path, name: str, content: str, *, active: str = "") -> dict[str, str]:
    (home / "configurations").mkdir(parents=True, exist_ok=True)
    (home / "configurations" / f"config_{name}").write_text(content)
    (home / "active_config").write_text(active or name)
    return {"CLOUDSDK_CONFIG": str(home)}


def test_the_active_configuration_tells_project_region_and_account(tmp_path: Path) -> None:
    text = "[core]\nproject = demo\naccount = me@example.com\n[run]\nregion = europe-west1\n"

    setup = load_gcloud_setup(configured(tmp_path, "work", text))

    assert setup == GcloudSetup(project="demo", region="europe-west1", account="me@example.com")


def test_the_region_of_compute_is_taken_where_run_has_none(tmp_path: Path) -> None:
    environ = configured(tmp_path, "default", "[compute]\nregion = us-east1\n")

    assert load_gcloud_setup(environ).region == "us-east1"


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    environ = configured(tmp_path, "default", "[core]\nproject = demo\n")

    assert load_gcloud_setup({**environ, "CLOUDSDK_CORE_PROJECT": "other"}).project == "other"


def test_another_configuration_may_be_chosen(tmp_path: Path) -> None:
    configured(tmp_path, "other", "[core]\nproject = second\n")
    environ = configured(tmp_path, "default", "[core]\nproject = first\n")

    assert load_gcloud_setup({**environ, "CLOUDSDK_ACTIVE_CONFIG_NAME": "other"}).project == "second"


def test_a_machine_without_gcloud_has_no_setup(tmp_path: Path) -> None:
    assert load_gcloud_setup({"CLOUDSDK_CONFIG": str(tmp_path / "nowhere")}) == GcloudSetup()
    assert load_gcloud_setup({"HOME": str(tmp_path)}) == GcloudSetup()


def test_a_broken_file_is_as_good_as_none(tmp_path: Path) -> None:
    assert load_gcloud_setup(configured(tmp_path, "default", "project = demo with no section")) == GcloudSetup()
