"""Which folders of groups are whose; that they open is tested on a cluster."""

from typing import Any

import pytest
from traitlets.config import Config

from rc2hub.configure import check
from rc2hub.errors import ConfigurationError
from rc2hub.spawners.accounts import FIRST_GID, FIRST_UID, UIDS
from rc2hub.spawners.folders import GroupFolder

FOLDERS = {"stat101": {"read": ["students", "teachers"], "write": ["teachers"]}, "exams": {"write": ["teachers"]}}
STAT101 = GroupFolder.parse("", "stat101", FOLDERS["stat101"])


@pytest.mark.parametrize(
    ("groups", "opens"),
    [
        ((), {}),
        (("others",), {}),
        (("students",), {"stat101": False}),
        (("students", "teachers"), {"stat101": True, "exams": True}),
    ],
)
def test_a_person_gets_what_her_groups_may(spawner: Any, groups: tuple[str, ...], opens: dict[str, bool]) -> None:
    order = spawner(groups=groups, group_folders=FOLDERS).order()
    assert {folder["name"]: folder["writes"] for folder in order.folders} == opens
    assert order.shared == "/shared"


def test_a_folders_groups_are_the_same_on_every_hub_and_nobody_elses() -> None:
    order, again = STAT101.order(["students"]), STAT101.order(["teachers"])
    other = GroupFolder.parse("", "exams", FOLDERS["exams"]).order(["teachers"])
    assert None not in (order, again, other)
    assert (order["readers"], order["writers"]) == (again["readers"], again["writers"])
    numbers = {order["readers"], order["writers"], other["readers"], other["writers"]}
    assert len(numbers) == 4
    assert all(FIRST_UID + UIDS <= FIRST_GID <= number < 2**31 for number in numbers)


@pytest.mark.parametrize(
    ("folders", "says"),
    [
        (["stat101"], "group_folders must be a dictionary such as"),
        ({"../x": {}}, "'../x'.: a name is a lower-case letter"),
        ({"x": ["students"]}, "'x'. must be a dictionary such as"),
        ({"x": {"own": ["students"]}}, "'x'. must be a dictionary such as"),
        ({"x": {"read": "students"}}, "'x'..'read'. must be a list of JupyterHub groups, not 'students'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(folders: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^c.Rc2KubeSpawner.group_folders.*{says}|^c.Rc2KubeSpawner.{says}"):
        check(Config({"Rc2KubeSpawner": {"group_folders": folders}}))


def test_where_no_pod_starts_as_root_there_are_none() -> None:
    c = Config({"Rc2KubeSpawner": {"group_folders": FOLDERS}, "KubeSpawner": {"uid": 1000}})
    with pytest.raises(ConfigurationError, match="group_folders must be empty where c.KubeSpawner.uid is set"):
        check(c)
