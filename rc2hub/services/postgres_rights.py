"""The group roles of a PostgreSQL service and their rights, and dropping a login role without leaving anything behind."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier

log = logging.getLogger("rc2hub.broker")

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

ROLES_LOCK = 0x726332
"""Key of the advisory lock for changes of roles: PostgreSQL refuses concurrent changes of one catalogue row."""


async def lock_roles(connection: Connection) -> None:
    """Take the lock for changes of roles until the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [ROLES_LOCK])


async def role_exists(connection: Connection, role: str) -> bool:
    """Whether a role of this name exists."""
    found = await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    return await found.fetchone() is not None


async def ensure_group_roles(connection: Connection, database: str, schemas: Sequence[str], read: str, write: str) -> None:
    """Create the group roles and grant them their rights; idempotent."""
    async with connection.transaction():
        await lock_roles(connection)
        for group in (read, write):
            if not await role_exists(connection, group):
                await connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(group)))
        for statement in _grants(schemas, Identifier(read), Identifier(write)):
            await connection.execute(statement)
    await _revoke_public_rights(connection, database, Identifier(read), Identifier(write))


def _grants(schemas: Sequence[str], read: Identifier, write: Identifier) -> list[Composed]:
    statements: list[Composed] = [
        # the admin must be a member of the groups: to set their default privileges and to reassign objects to them
        SQL("GRANT {}, {} TO CURRENT_USER").format(read, write),
    ]
    for name in schemas:
        schema = Identifier(name)
        statements += [
            SQL("GRANT USAGE ON SCHEMA {} TO {}, {}").format(schema, read, write),
            SQL("GRANT CREATE ON SCHEMA {} TO {}").format(schema, write),
            SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(schema, read),
            SQL(
                "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA {} TO {}"
            ).format(schema, write),
            SQL("GRANT SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}").format(schema, read),
            SQL("GRANT ALL ON ALL SEQUENCES IN SCHEMA {} TO {}").format(schema, write),
        ]
        for owner in (SQL("CURRENT_USER"), write):
            defaults = SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT ").format(owner, schema)
            statements += [
                defaults + SQL("SELECT ON TABLES TO {}").format(read),
                defaults + SQL("ALL ON TABLES TO {}").format(write),
                defaults + SQL("SELECT ON SEQUENCES TO {}").format(read),
                defaults + SQL("ALL ON SEQUENCES TO {}").format(write),
            ]
    return statements


async def _revoke_public_rights(connection: Connection, database: str, read: Identifier, write: Identifier) -> None:
    """Revoke from PUBLIC the rights to create something; log a warning for those the admin cannot revoke.

    Readers keep temporary tables, which only their own session sees and which touch no shared data: `copy_to()` needs them.
    """
    name = Identifier(database)
    revocations: dict[str, SQL | Composed] = {
        "new tables in the schema public": SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
        "temporary tables": SQL(
            "REVOKE TEMPORARY ON DATABASE {0} FROM PUBLIC; GRANT TEMPORARY ON DATABASE {0} TO {1}, {2}"
        ).format(name, read, write),
        "large objects": SQL(
            "REVOKE EXECUTE ON FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea) FROM PUBLIC;"
            " GRANT EXECUTE ON FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea) TO {}"
        ).format(write),
    }
    for created, statement in revocations.items():
        try:
            await connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            log.warning(
                "database=%s: every role can create %s; the admin role has no right to revoke that.", database, created
            )


async def disable_login(connection: Connection, name: str) -> None:
    """Allow no new session of the role."""
    async with connection.transaction():
        await lock_roles(connection)
        if await role_exists(connection, name):
            await connection.execute(SQL("ALTER ROLE {} NOLOGIN").format(Identifier(name)))


async def drop_role(connection: Connection, name: str, new_owner: str) -> None:
    """Drop a login role if it exists; reassign what it owns in this database to the new owner."""
    role = Identifier(name)
    async with connection.transaction():
        await lock_roles(connection)
        if await role_exists(connection, name):
            await connection.execute(SQL("GRANT {} TO CURRENT_USER").format(role))
            await connection.execute(SQL("REASSIGN OWNED BY {} TO {}").format(role, Identifier(new_owner)))
            await connection.execute(SQL("DROP OWNED BY {}").format(role))
            await connection.execute(SQL("DROP ROLE {}").format(role))
