"""Permissions: the commands that grant them, and the roles that hold them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from googleapiclient.discovery_cache import get_static_doc

from gcpdiag.bundle.format import PROBES, SOURCES
from gcpdiag.collect.checkup import Caller, Told, grant_command, grant_commands
from gcpdiag.collect.permission import ACT_AS, PERMISSIONS, smallest_roles
from gcpdiag.shipped import role_file
from tests.making import PROJECT


def named(*names: str) -> list[str]:
    found = [one for one in PERMISSIONS if one.name in names]
    who = Caller(kind="user", account=Told(value="ada@example.com", origin="the credentials"))
    return list(grant_commands(found, who, "my project"))


def test_a_command_grants_the_smallest_role_to_the_one_who_asks() -> None:
    (command,) = named("vpcaccess.connectors.list")

    assert command == (
        "gcloud projects add-iam-policy-binding 'my project'"
        " --member=user:ada@example.com --role=roles/vpcaccess.viewer"
    )


def test_one_role_that_includes_another_is_granted_alone() -> None:
    roles = [one.rpartition("=")[2] for one in named("compute.routers.list", "compute.networkEndpointGroups.list")]

    assert roles == ["roles/compute.viewer"]


def test_acting_as_an_account_is_granted_on_that_account_and_not_on_the_project() -> None:
    (command,) = named(ACT_AS)

    assert command.startswith("gcloud iam service-accounts add-iam-policy-binding RUNTIME_SERVICE_ACCOUNT ")
    assert command.endswith("--role=roles/iam.serviceAccountUser")


def test_every_permission_has_a_role_and_a_command() -> None:
    for one in PERMISSIONS:
        assert one.purpose
        assert smallest_roles((one,)) == (one.role,)
        assert one.role in grant_command(one, Caller(), PROJECT)


# --- roles


def role(name: str) -> dict[str, object]:
    found = yaml.safe_load(role_file(name).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def names_needed(*needs: str) -> list[str]:
    return sorted({one.name for one in PERMISSIONS if one.need in needs})


def test_the_triage_role_holds_every_permission_of_the_sources_and_only_reads() -> None:
    held = role("triage")["includedPermissions"]

    assert held == names_needed("triage", "bundle", "discovery")
    assert {one.permission for one in SOURCES.values() if one.id != PROBES} <= set(held)
    assert {one.rpartition(".")[2] for one in held} <= {"list", "get"}


def test_the_actions_role_holds_what_changes_need_but_not_to_act_as_any_account() -> None:
    held = role("actions")["includedPermissions"]

    assert held == [one for one in names_needed("changes") if one != ACT_AS]
    assert ACT_AS in role_file("actions").read_text(encoding="utf-8")


def test_every_permission_and_role_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text(encoding="utf-8")

    assert [one.name for one in PERMISSIONS if f"`{one.name}`" not in text] == []
    assert {one.role for one in PERMISSIONS if one.need in {"triage", "bundle"}} <= set(text.split("`"))


@pytest.mark.parametrize("name", ["triage", "actions"])
def test_a_role_has_the_fields_of_iams_role_and_no_others(name: str) -> None:
    document = yaml.safe_load(get_static_doc("iam", "v1"))
    fields = document["schemas"]["Role"]["properties"]

    assert set(role(name)) == {"title", "description", "stage", "includedPermissions"}
    assert set(role(name)) <= set(fields)
    assert role(name)["stage"] in fields["stage"]["enum"]
    assert len(str(role(name)["title"])) <= 100
