"""The grants of many users at once, from the roles that JupyterHub gives them."""

from collections.abc import Collection
from typing import Any

from jupyterhub import orm
from jupyterhub.scopes import get_scopes_for
from sqlalchemy import select, union_all

from rc2hub.permissions import SCOPE_PREFIX

Scopes = frozenset[str]


class GrantTable:
    """Reads which roles users have, and has JupyterHub expand each distinct set of roles once.

    To ask JupyterHub for each user loads every object of the user and the groups again after each commit, which takes two
    seconds for a thousand users. Roles get their scopes from the configuration when the hub starts, so a set of roles means
    the same scopes for as long as the hub runs. A grant depends on roles only: a custom scope with a filter is none.
    """

    def __init__(self, db: Any) -> None:
        """Take the hub's database session."""
        self._db = db
        self._of_roles: dict[frozenset[int], Scopes] = {}

    def scopes(self, user_ids: Collection[int]) -> dict[int, tuple[str, Scopes]]:
        """User id to user name and custom scopes of Rc², for each of these users who exists."""
        names = self._db.execute(select(orm.User.id, orm.User.name).where(orm.User.id.in_(user_ids))).all()
        roles: dict[int, set[int]] = {user_id: set() for user_id, _ in names}
        for user_id, role_id in self._db.execute(_roles_of(user_ids)).all():
            roles[user_id].add(role_id)
        return {user_id: (name, self._scopes_of(name, frozenset(roles[user_id]))) for user_id, name in names}

    def scopes_of(self, name: str) -> Scopes:
        """The custom scopes of one user; none if there is no such user."""
        user_id = self._db.scalar(select(orm.User.id).where(orm.User.name == name))
        return self.scopes([user_id])[user_id][1] if user_id is not None else frozenset()

    def _scopes_of(self, name: str, roles: frozenset[int]) -> Scopes:
        if roles not in self._of_roles:
            expanded = get_scopes_for(orm.User.find(self._db, name))
            self._of_roles[roles] = frozenset(scope for scope in expanded if scope.startswith(SCOPE_PREFIX))
        return self._of_roles[roles]


def _roles_of(user_ids: Collection[int]) -> Any:
    """User id and role id: the roles of the users themselves, and those of their groups."""
    own = select(orm.User.id, orm.Role.id).join(orm.User.roles).where(orm.User.id.in_(user_ids))
    of_groups = select(orm.User.id, orm.Role.id).join(orm.User.groups).join(orm.Group.roles).where(orm.User.id.in_(user_ids))
    return union_all(own, of_groups)
