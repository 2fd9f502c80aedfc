"""The grants and groups of many users at once; grants come from the roles that JupyterHub gives them."""

import time
from collections.abc import Collection
from typing import Any

from jupyterhub import orm
from jupyterhub.scopes import expand_scopes
from sqlalchemy import event, inspect, select, union_all

from rc2hub.permissions import SCOPE_PREFIX

MAX_AGE = 15.0
"""Seconds after which memberships are read again in any case, as another program may change the hub's database."""
Scopes = frozenset[str]
Groups = frozenset[str]


class GrantTable:
    """Reads which roles users have, and has JupyterHub expand each distinct set of roles once.

    To ask JupyterHub for each user loads every object of the user and the groups again after each commit, which takes two
    seconds for a thousand users. Roles get their scopes from the configuration when the hub starts, so a set of roles means
    the same scopes for as long as the hub runs. A grant depends on roles only: a custom scope with a filter is none.
    The memberships are kept until the hub's session changes one.
    """

    def __init__(self, db: Any) -> None:
        """Take the hub's database session."""
        self._db = db
        self._of_roles: dict[frozenset[int], Scopes] = {}
        self._members: dict[int, tuple[str, frozenset[int], Groups]] = {}
        """User id to user name, role ids and names of groups."""
        self._forget_at = 0.0
        event.listen(db, "after_flush", self._after_flush)
        event.listen(db, "after_soft_rollback", lambda _session, _transaction: self._forget())
        event.listen(db, "do_orm_execute", self._before_statement)

    def scopes(self, user_ids: Collection[int]) -> dict[int, tuple[str, Scopes]]:
        """User id to user name and custom scopes of Rc², for each of these users who exists."""
        return {user_id: (name, self._scopes_of(name, roles)) for user_id, (name, roles, _) in self._found(user_ids).items()}

    def groups(self, user_ids: Collection[int]) -> dict[int, Groups]:
        """User id to names of groups, for each of these users who exists."""
        return {user_id: groups for user_id, (_, _, groups) in self._found(user_ids).items()}

    def _found(self, user_ids: Collection[int]) -> dict[int, tuple[str, frozenset[int], Groups]]:
        self._db.flush()
        if time.monotonic() > self._forget_at:
            self._forget()
        if unknown := [user_id for user_id in user_ids if user_id not in self._members]:
            self._read(unknown)
        return {user_id: self._members[user_id] for user_id in user_ids if user_id in self._members}

    def scopes_of(self, name: str) -> Scopes:
        """The custom scopes of one user; none if there is no such user."""
        user_id = self._db.scalar(select(orm.User.id).where(orm.User.name == name))
        return self.scopes([user_id])[user_id][1] if user_id is not None else frozenset()

    def _after_flush(self, session: Any, _context: Any) -> None:
        if _changes_memberships(session):
            self._forget()

    def _before_statement(self, statement: Any) -> None:
        if not statement.is_select:  # it can change many rows, of which the session knows nothing
            self._forget()

    def _forget(self) -> None:
        self._members = {}
        self._forget_at = time.monotonic() + MAX_AGE

    def _read(self, user_ids: Collection[int]) -> None:
        names = self._db.execute(select(orm.User.id, orm.User.name).where(orm.User.id.in_(user_ids))).all()
        roles: dict[int, set[int]] = {user_id: set() for user_id, _ in names}
        for user_id, role_id in self._db.execute(_roles_of(user_ids)).all():
            roles[user_id].add(role_id)
        groups: dict[int, set[str]] = {user_id: set() for user_id, _ in names}
        memberships = select(orm.User.id, orm.Group.name).join(orm.User.groups).where(orm.User.id.in_(user_ids))
        for user_id, group in self._db.execute(memberships).all():
            groups[user_id].add(group)
        self._members |= {user_id: (name, frozenset(roles[user_id]), frozenset(groups[user_id])) for user_id, name in names}

    def _scopes_of(self, name: str, roles: frozenset[int]) -> Scopes:
        if roles not in self._of_roles:
            of_each = self._db.scalars(select(orm.Role).where(orm.Role.id.in_(roles)))
            scopes = {scope for role in of_each for scope in role.scopes}
            expanded = expand_scopes(scopes, owner=orm.User.find(self._db, name))
            self._of_roles[roles] = frozenset(scope for scope in expanded if scope.startswith(SCOPE_PREFIX))
        return self._of_roles[roles]


def _roles_of(user_ids: Collection[int]) -> Any:
    """User id and role id: the roles of the users themselves, and those of their groups."""
    own = select(orm.User.id, orm.Role.id).join(orm.User.roles).where(orm.User.id.in_(user_ids))
    of_groups = select(orm.User.id, orm.Role.id).join(orm.User.groups).join(orm.Group.roles).where(orm.User.id.in_(user_ids))
    return union_all(own, of_groups)


def _changes_memberships(session: Any) -> bool:
    """Whether what the session has just written can change the name or the roles of a user."""
    written = [*session.new, *session.dirty, *session.deleted]
    users = [each for each in written if isinstance(each, orm.User)]
    if any(isinstance(each, orm.Group | orm.Role) for each in written) or any(user in session.deleted for user in users):
        return True
    return any(inspect(user).attrs[name].history.has_changes() for user in users for name in ("name", "groups", "roles"))
