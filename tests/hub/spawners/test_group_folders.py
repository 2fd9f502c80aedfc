"""Which group folders a user may use; opening them is tested on a cluster."""

from typing import Any

import pytest
from traitlets.config import Config

from rc2hub.configure import check
from rc2hub.errors import ConfigurationError
from rc2hub.hub.spawners.accounts import FIRST_GID, FIRST_UID, UIDS
from rc2hub.hub.spawners.group_folders import GroupFolder

FOLDERS = {"stat101": {"read": ["students", "teachers"], "write": ["teachers"]}, "exams": {"write": ["teachers"]}}
STAT101 = GroupFolder.parse("", "stat101", FOLDERS["stat101"])


@pytest.mark.parametrize(
    ("groups", "folders"),
    [
        ((), {}),
        (("others",), {}),
        (("students",), {"stat101": False}),
        (("students", "teachers"), {"stat101": True, "exams": True}),
    ],
)
def test_a_user_gets_the_folders_of_the_users_groups(
    spawner: Any, groups: tuple[str, ...], folders: dict[str, bool]
) -> None:
    request = spawner(groups=groups, group_folders=FOLDERS).activation_request()
    assert {folder["name"]: folder["writes"] for folder in request.folders} == folders
    assert request.shared_dir == "/shared"


def test_group_ids_of_a_folder_are_the_same_on_every_hub_and_unique() -> None:
    access, again = STAT101.access(["students"]), STAT101.access(["teachers"])
    other = GroupFolder.parse("", "exams", FOLDERS["exams"]).access(["teachers"])
    assert None not in (access, again, other)
    assert (access["readers"], access["writers"]) == (again["readers"], again["writers"])
    gids = {access["readers"], access["writers"], other["readers"], other["writers"]}
    assert len(gids) == 4
    assert all(FIRST_UID + UIDS <= FIRST_GID <= gid < 2**31 for gid in gids)


@pytest.mark.parametrize(
    ("folders", "says"),
    [
        (["stat101"], "group_folders must be a dict"),
        ({"../x": {}}, "'../x'.: the name must be a lower-case letter"),
        ({"x": ["students"]}, "'x'. must be a dictionary such as"),
        ({"x": {"own": ["students"]}}, "'x'. must be a dictionary such as"),
        ({"x": {"read": "students"}}, "'x'..'read'. must be a list of JupyterHub groups, not 'students'"),
    ],
)
def test_an_error_names_the_place_and_the_accepted_values(folders: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^c.Rc2KubeSpawner.group_folders.*{says}|^c.Rc2KubeSpawner.{says}"):
        check(Config({"JupyterHub": {"spawner_class": "rc2-kube"}, "Rc2KubeSpawner": {"group_folders": folders}}))


def test_group_folders_are_refused_where_pods_do_not_start_as_root() -> None:
    settings = {"Rc2KubeSpawner": {"group_folders": FOLDERS}, "KubeSpawner": {"uid": 1000}}
    c = Config({"JupyterHub": {"spawner_class": "rc2-kube"}, **settings})
    with pytest.raises(ConfigurationError, match="group_folders must be empty where c.KubeSpawner.uid is set"):
        check(c)
