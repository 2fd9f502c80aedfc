import pytest

from rc2hub.broker.callers import Caller
from rc2hub.services.base import Server

ALICE, BOB = Server("alice"), Server("bob")


def model(name, *scopes):
    return {"name": name, "kind": "user", "scopes": ["access:services!service=rc2", *scopes]}


def test_a_servers_own_token_is_known_by_its_only_server():
    assert Caller.from_model(model("alice", "access:servers!server=alice/")) == Caller("alice", ALICE)
    assert Caller.from_model(model("alice", "access:servers!server=alice/two")).own_server == Server("alice", "two")


@pytest.mark.parametrize(
    "scopes",
    [
        (),
        ("access:servers",),
        ("access:servers!user=alice",),
        ("access:servers!server=alice/", "access:servers!server=alice/2"),
    ],
    ids=["none", "everything", "all her servers", "two servers"],
)
def test_anything_wider_is_a_person(scopes):
    assert Caller.from_model(model("alice", *scopes)).own_server is None


def test_a_token_for_somebody_elses_server_is_not_that_servers_own():
    assert Caller.from_model(model("alice", "access:servers!server=bob/")) == Caller("alice", None)


def test_an_admin_of_the_hub_is_one_herself_and_what_runs_in_her_server_is_not():
    assert Caller.from_model(model("alice") | {"admin": True}).is_admin
    assert not Caller.from_model(model("alice", "access:servers!server=alice/") | {"admin": True}).is_admin


@pytest.mark.parametrize("said", [{}, {"admin": False}, {"admin": None}, {"admin": "yes"}], ids=str)
def test_nobody_else_is_an_admin(said):
    assert not Caller.from_model(model("alice") | said).is_admin


def test_a_person_manages_all_her_servers_and_nobody_elses():
    assert Caller("alice", None).may_manage(ALICE)
    assert Caller("alice", None).may_manage(Server("alice", "two"))
    assert not Caller("alice", None).may_manage(BOB)


def test_a_server_manages_only_itself():
    assert Caller("alice", ALICE).may_manage(ALICE)
    assert not Caller("alice", ALICE).may_manage(Server("alice", "two"))
