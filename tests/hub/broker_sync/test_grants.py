"""The grants of many users, from JupyterHub's database."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.roles import grant_role, strip_role
from jupyterhub.scopes import define_custom_scopes, expand_scopes, get_scopes_for
from sqlalchemy import delete, event, text

from rc2hub.hub.broker_sync import grants
from rc2hub.hub.broker_sync.grants import GrantTable
from rc2hub.permissions import custom_scopes, grants_in
from tests.hub.broker_sync.hub_stub import Hub

READ, WRITE = "custom:rc2:flights:read", "custom:rc2:flights:write"


@pytest.fixture
def hub() -> Hub:
    define_custom_scopes(custom_scopes({"flights": ["read", "write"]}))
    hub = Hub(readers=[READ], writers=[WRITE])
    hub.group("staff", "readers")
    hub.group("editors", "writers")
    return hub


def test_the_grants_of_roles_and_groups_are_those_that_jupyterhub_gives(hub: Hub) -> None:
    users = [
        hub.add("none"),
        hub.add("own", role="readers"),
        hub.add("by_group", groups=("staff",)),
        hub.add("both", groups=("staff", "editors"), role="readers"),
    ]
    found = GrantTable(hub.db).scopes([user.id for user in users])
    assert dict(found.values()) == {
        "none": frozenset(),
        "own": {READ},
        "by_group": {READ},
        "both": {READ, WRITE},
    }
    for user in users:
        assert grants_in(found[user.id][1]) == grants_in(get_scopes_for(user))


def test_a_changed_group_is_known_at_once(hub: Hub) -> None:
    user, table = hub.add("alice", groups=("editors", "staff")), GrantTable(hub.db)
    assert table.groups([user.id]) == {user.id: {"editors", "staff"}}
    user.groups = [hub.group("staff")]
    assert table.groups([user.id]) == {user.id: {"staff"}}
    user.groups = []
    hub.db.commit()
    assert table.groups([user.id]) == {user.id: frozenset()}


def test_a_changed_group_changes_the_grants_at_once(hub: Hub) -> None:
    user, table = hub.add("alice", groups=("editors",)), GrantTable(hub.db)
    assert table.scopes_of("alice") == {READ, WRITE}
    user.groups = [hub.group("staff")]
    assert table.scopes_of("alice") == {READ}
    user.groups = []
    hub.db.commit()
    assert table.scopes_of("alice") == frozenset()


CHANGES: dict[str, Callable[[Any, orm.User, orm.Group, orm.Role], object]] = {
    "the user leaves the group": lambda _db, user, group, _role: user.groups.remove(group),
    "the group drops the user": lambda _db, user, group, _role: group.users.remove(user),
    "the group is deleted": lambda db, _user, group, _role: db.delete(group),
    "the group loses the role": lambda _db, _user, group, role: group.roles.remove(role),
    "the role drops the group": lambda _db, _user, group, role: role.groups.remove(group),
    "the role is deleted": lambda db, _user, _group, role: db.delete(role),
    "JupyterHub strips the role": lambda db, _user, group, role: strip_role(db, group, role.name),
    "JupyterHub grants another role": lambda db, user, _group, _role: grant_role(db, user, "writers"),
    "the user has another name": lambda _db, user, _group, _role: setattr(user, "name", "alicia"),
    "the user is deleted": lambda db, user, _group, _role: db.delete(user),
    "a query deletes the group": lambda db, _user, group, _role: db.query(orm.Group).filter_by(id=group.id).delete(),
    "a statement on the table": lambda db, _user, _group, _role: db.execute(delete(orm.user_group_map)),
    "a statement as text": lambda db, _user, _group, _role: db.execute(text("DELETE FROM user_group_map")),
}


@pytest.mark.parametrize("is_committed", [True, False], ids=["committed", "pending"])
@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_a_membership_changes_the_grants_at_once(hub: Hub, change: str, is_committed: bool) -> None:
    user, group = hub.add("alice", groups=("staff",)), hub.group("staff")
    table, role, ids = GrantTable(hub.db), orm.Role.find(hub.db, "readers"), [user.id]
    before = table.scopes(ids)
    hub.db.commit()  # the objects are not loaded any more when they change
    CHANGES[change](hub.db, user, group, role)
    if is_committed:
        hub.db.commit()
    found = table.scopes(ids)
    assert found == GrantTable(hub.db).scopes(ids)
    assert found != before


def test_a_change_that_is_taken_back_changes_no_grants(hub: Hub) -> None:
    user, table = hub.add("alice", groups=("editors",)), GrantTable(hub.db)
    hub.db.commit()
    user.groups = []
    assert table.scopes_of("alice") == frozenset()
    hub.db.rollback()
    assert table.scopes_of("alice") == {READ, WRITE}


def test_a_change_by_another_program_counts_within_15_seconds(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    user, table = hub.add("alice", groups=("editors",)), GrantTable(hub.db)
    hub.db.commit()
    assert table.scopes([user.id])[user.id][1] == {READ, WRITE}
    hub.db.connection().exec_driver_sql("DELETE FROM user_group_map")  # the session does not see it
    assert grants.MAX_AGE <= 15
    later = time.monotonic() + grants.MAX_AGE
    monkeypatch.setattr(grants.time, "monotonic", lambda: later)
    assert table.scopes([user.id])[user.id][1] == frozenset()


def test_memberships_are_not_read_again_for_the_requests_of_users(hub: Hub) -> None:
    user, table, statements = hub.add("alice", groups=("editors",)), GrantTable(hub.db), []
    table.scopes([user.id])
    user.last_activity = orm.utcnow()
    hub.db.commit()
    event.listen(hub.db.get_bind(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    table.scopes([user.id])
    assert statements == []


def test_a_deleted_user_has_no_grants(hub: Hub) -> None:
    hub.db.delete(hub.add("alice", groups=("editors",)))
    hub.db.commit()
    assert GrantTable(hub.db).scopes_of("alice") == frozenset()


def test_jupyterhub_expands_each_set_of_roles_once_for_all_users(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [hub.add(f"user{n}", groups=("staff",) if n % 2 else ("editors",)).id for n in range(60)]
    expanded, statements = [], []
    monkeypatch.setattr(
        grants, "expand_scopes", lambda scopes, owner: (expanded.append(owner.name), expand_scopes(scopes, owner=owner))[1]
    )
    table = GrantTable(hub.db)
    first = table.scopes(users)
    hub.db.commit()  # JupyterHub's session loads every object again after a commit
    event.listen(hub.db.get_bind(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert table.scopes(users) == first
    assert len(expanded) == 2
    assert len(statements) <= 3  # one is the check that the connection lives
