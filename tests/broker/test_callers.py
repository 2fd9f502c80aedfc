import pytest

from rc2hub.broker.callers import Caller
from rc2hub.server_id import ServerId

ALICE, BOB = ServerId("alice"), ServerId("bob")


def model(name, *scopes):
    return {"name": name, "kind": "user", "scopes": ["access:services!service=rc2", *scopes]}


def test_a_token_for_exactly_one_server_is_that_servers_token():
    assert Caller.from_model(model("alice", "access:servers!server=alice/")) == Caller("alice", ALICE)
    assert Caller.from_model(model("alice", "access:servers!server=alice/two")).server_id == ServerId("alice", "two")


@pytest.mark.parametrize(
    "scopes",
    [
        (),
        ("access:servers",),
        ("access:servers!user=alice",),
        ("access:servers!server=alice/", "access:servers!server=alice/2"),
    ],
    ids=["none", "everything", "all servers of the user", "two servers"],
)
def test_a_token_with_wider_scopes_is_a_users_token(scopes):
    assert Caller.from_model(model("alice", *scopes)).server_id is None


def test_a_token_for_another_users_server_is_not_that_servers_token():
    assert Caller.from_model(model("alice", "access:servers!server=bob/")) == Caller("alice", None)


def test_a_servers_token_tells_the_groups_of_its_user():
    found = Caller.from_model(model("alice", "access:servers!server=alice/") | {"groups": ["staff", "board"]})
    assert found.groups == ("board", "staff")


def test_an_admin_is_an_admin_and_an_admins_server_is_not():
    assert Caller.from_model(model("alice") | {"admin": True}).is_admin
    assert not Caller.from_model(model("alice", "access:servers!server=alice/") | {"admin": True}).is_admin


@pytest.mark.parametrize("mark", [{}, {"admin": False}, {"admin": None}, {"admin": "yes"}], ids=str)
def test_a_user_whom_the_hub_does_not_mark_is_not_an_admin(mark):
    assert not Caller.from_model(model("alice") | mark).is_admin


def test_a_user_manages_all_of_the_users_servers_and_no_others():
    assert Caller("alice", None).may_manage(ALICE)
    assert Caller("alice", None).may_manage(ServerId("alice", "two"))
    assert not Caller("alice", None).may_manage(BOB)


def test_a_server_manages_only_itself():
    assert Caller("alice", ALICE).may_manage(ALICE)
    assert not Caller("alice", ALICE).may_manage(ServerId("alice", "two"))
