"""The grants of many users, from JupyterHub's database."""

import pytest
from jupyterhub.scopes import define_custom_scopes, get_scopes_for
from sqlalchemy import event

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


def test_a_changed_group_changes_the_grants_at_once(hub: Hub) -> None:
    user, table = hub.add("alice", groups=("editors",)), GrantTable(hub.db)
    assert table.scopes_of("alice") == {READ, WRITE}
    user.groups = [hub.group("staff")]
    assert table.scopes_of("alice") == {READ}
    user.groups = []
    hub.db.commit()
    assert table.scopes_of("alice") == frozenset()


def test_a_deleted_user_has_no_grants(hub: Hub) -> None:
    hub.db.delete(hub.add("alice", groups=("editors",)))
    hub.db.commit()
    assert GrantTable(hub.db).scopes_of("alice") == frozenset()


def test_jupyterhub_expands_each_set_of_roles_once_for_all_users(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [hub.add(f"user{n}", groups=("staff",) if n % 2 else ("editors",)).id for n in range(60)]
    expanded, statements = [], []
    monkeypatch.setattr(grants, "get_scopes_for", lambda user: (expanded.append(user.name), get_scopes_for(user))[1])
    table = GrantTable(hub.db)
    first = table.scopes(users)
    hub.db.commit()  # JupyterHub's session loads every object again after a commit
    event.listen(hub.db.get_bind(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert table.scopes(users) == first
    assert len(expanded) == 2
    assert len(statements) <= 3  # one is the check that the connection lives
