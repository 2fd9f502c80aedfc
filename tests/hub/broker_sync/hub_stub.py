"""What the tests of the broker's sync need of a hub: a real database of JupyterHub, and users with spawners."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from jupyterhub import orm, roles

from rc2hub.broker.reconciler import Reconciler
from rc2hub.errors import ConflictError
from rc2hub.messages import DesiredStateUpdate, RevisionConflict


def accept(reconciler: Reconciler, update: DesiredStateUpdate) -> RevisionConflict | None:
    """What the broker answers to a message, which goes over the wire as JSON."""
    try:
        reconciler.update(DesiredStateUpdate.model_validate_json(update.model_dump_json()))
    except ConflictError as error:
        return RevisionConflict(message=str(error), revision=reconciler.revision)
    return None


def spawner(name: str = "", *, active: bool = True, pending: str | None = None, **services: str) -> Any:
    """A spawner, as far as the desired state looks at it."""
    return SimpleNamespace(name=name, active=active, pending=pending, requested_services=services)


class Users(dict[int, Any]):
    """Users by id; `get` takes a name, as in JupyterHub."""

    def get(self, name: Any, default: Any = None) -> Any:
        return next((user for user in self.values() if user.name == name), default)


class Hub:
    """A hub with these roles; each user has the spawners that the test gives it."""

    def __init__(self, **scopes_of_roles: list[str]) -> None:
        """Take role name to scopes."""
        self.db = orm.new_session_factory("sqlite:///:memory:")()
        self.users = Users()
        self.authenticator = SimpleNamespace(auth_refresh_age=300)
        self.tornado_settings: Mapping[str, Any] = {"services": {}}
        for role in roles.get_default_roles():
            roles.create_role(self.db, role)
        for name, scopes in scopes_of_roles.items():
            roles.create_role(self.db, {"name": name, "scopes": scopes})

    def add(self, name: str, *spawners: Any, groups: tuple[str, ...] = (), role: str = "") -> orm.User:
        """Add a user."""
        user = orm.User(name=name)
        self.db.add(user)
        user.groups = [self.group(group) for group in groups]
        self.db.commit()
        roles.grant_role(self.db, user, orm.Role.find(self.db, role or "user"))
        self.users[user.id] = SimpleNamespace(name=name, spawners={one.name: one for one in spawners})
        return user

    def group(self, name: str, role: str = "") -> orm.Group:
        """The group of this name, made if it does not exist."""
        group = orm.Group.find(self.db, name) or orm.Group(name=name)
        self.db.add(group)
        self.db.commit()
        if role:
            roles.grant_role(self.db, group, orm.Role.find(self.db, role))
        return group
