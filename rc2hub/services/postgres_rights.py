"""Which rights the group roles of a PostgreSQL service have, and how a login role leaves without a trace."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier

log = logging.getLogger("rc2hub.broker")

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


LOCK = 0x726332
"""Advisory lock under which roles are made and dropped: PostgreSQL refuses concurrent changes of one catalogue row."""


async def lock(connection: Connection) -> None:
    """Wait until nobody else changes roles, and hold that until the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


async def exists(connection: Connection, role: str) -> bool:
    """Whether there is a role of this name."""
    known = await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    return await known.fetchone() is not None


async def prepare(connection: Connection, database: str, schemas: Sequence[str], read: str, write: str) -> None:
    """Make the group roles and give them their rights; doing it again changes nothing."""
    async with connection.transaction():
        await lock(connection)
        for group in (read, write):
            if not await exists(connection, group):
                await connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(group)))
        for statement in _grants(schemas, Identifier(read), Identifier(write)):
            await connection.execute(statement)
    await _close_to_everyone(connection, database, Identifier(write))


def _grants(schemas: Sequence[str], read: Identifier, write: Identifier) -> list[Composed]:
    statements: list[Composed] = [
        # the admin must be able to act as the groups: to set their default privileges, and to hand things over to them
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
            later = SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT ").format(owner, schema)
            statements += [
                later + SQL("SELECT ON TABLES TO {}").format(read),
                later + SQL("ALL ON TABLES TO {}").format(write),
                later + SQL("SELECT ON SEQUENCES TO {}").format(read),
                later + SQL("ALL ON SEQUENCES TO {}").format(write),
            ]
    return statements


async def _close_to_everyone(connection: Connection, database: str, write: Identifier) -> None:
    """Take from PUBLIC what would let a reader create something; say what the admin has no right to take."""
    base = Identifier(database)
    doors: dict[str, SQL | Composed] = {
        "new tables in the schema public": SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
        "temporary tables": SQL(
            "REVOKE TEMPORARY ON DATABASE {0} FROM PUBLIC; GRANT TEMPORARY ON DATABASE {0} TO {1}"
        ).format(base, write),
        "large objects": SQL(
            "REVOKE EXECUTE ON FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea) FROM PUBLIC;"
            " GRANT EXECUTE ON FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea) TO {}"
        ).format(write),
    }
    for door, statement in doors.items():
        try:
            await connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            log.warning("database=%s: everyone may create %s; the admin role has no right to change that.", database, door)


async def close_login(connection: Connection, name: str) -> None:
    """Let nobody log in as the role any more."""
    async with connection.transaction():
        await lock(connection)
        if await exists(connection, name):
            await connection.execute(SQL("ALTER ROLE {} NOLOGIN").format(Identifier(name)))


async def drop(connection: Connection, name: str, heir: str) -> None:
    """Drop a login role, if it is still there; what it owns in this database goes to the heir."""
    role = Identifier(name)
    async with connection.transaction():
        await lock(connection)
        if await exists(connection, name):
            await connection.execute(SQL("GRANT {} TO CURRENT_USER").format(role))
            await connection.execute(SQL("REASSIGN OWNED BY {} TO {}").format(role, Identifier(heir)))
            await connection.execute(SQL("DROP OWNED BY {}").format(role))
            await connection.execute(SQL("DROP ROLE {}").format(role))
