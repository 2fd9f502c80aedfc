"""The folders of users and groups in a store: two users never share one."""

from rc2hub.gateways.user_folders import UserFolders, folder_of
from rc2hub.services.contract import MANY, ODD_NAMES


def test_each_user_has_one_folder_that_is_no_way_to_another():
    names = [*MANY, *ODD_NAMES, "rc2-x", "users/bob", "bob/..", ".", "..", ".hidden"]
    folders = {folder_of(name) for name in names}
    assert len(folders) == len(names)
    for folder in folders:
        assert folder.split("/")[0] == "users"
        assert folder.count("/") == 1
        assert not folder.split("/")[1].startswith(".")


def test_no_user_has_the_name_that_stands_for_another_one():
    assert folder_of(folder_of("ada@example.org").removeprefix("users/")) != folder_of("ada@example.org")


def test_a_user_has_the_folders_of_the_groups_that_are_offered():
    found = UserFolders.of("rc2/", ["staff", "board"], "alice", ["staff", "students"])
    assert found.names == ["rc2/users/alice", "rc2/groups/staff"]
    assert found.holds("rc2/users/alice/x")
    assert found.holds("rc2/groups/staff/x")
    for key in ("rc2/users/alice", "rc2/users/alice2/x", "users/alice/x", "rc2/groups/students/x", "rc2/groups/board/x", ""):
        assert not found.holds(key)
    assert found.group_of("rc2/groups/staff/x") == {"staff"}
    assert found.group_of("rc2/users/alice/x") == frozenset()
