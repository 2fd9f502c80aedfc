"""What PostgreSQL leaves open to every role, and how much of that the broker closes.

Readers could create tables in `public` of an old database, large objects, and connect to every other database of the server.
What is taken from PUBLIC goes by name to each role that owns something or holds a right in that database, so other programs
work on. What the admin role cannot close is named for the operator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from rc2hub.services.postgres_grants import attempt, listed
from rc2hub.services.postgres_names import LABEL_START
from rc2hub.services.postgres_roles import Connection

TABLES, LARGE_OBJECTS, TEMPORARY = "new tables in the schema public", "large objects", "temporary tables"
RIGHTS = SQL("""
    SELECT {tables}, has_schema_privilege('public', oid, 'CREATE'), has_schema_privilege({read}::name, oid, 'CREATE'),
        has_schema_privilege({write}::name, oid, 'CREATE'), has_schema_privilege(oid, 'CREATE WITH GRANT OPTION')
    FROM pg_namespace WHERE nspname = 'public'
    UNION ALL
    SELECT {large_objects}, bool_or(has_function_privilege('public', f, 'EXECUTE')),
        bool_or(has_function_privilege({read}::name, f, 'EXECUTE')),
        bool_and(has_function_privilege({write}::name, f, 'EXECUTE')),
        bool_and(has_function_privilege(f, 'EXECUTE WITH GRANT OPTION'))
    FROM unnest(ARRAY['lo_create(oid)', 'lo_creat(integer)', 'lo_from_bytea(oid, bytea)']) f
    UNION ALL
    SELECT {temporary}, has_database_privilege('public', d, 'TEMPORARY'),
        has_database_privilege({read}::name, d, 'TEMPORARY'),
        has_database_privilege({write}::name, d, 'TEMPORARY'), has_database_privilege(d, 'TEMPORARY WITH GRANT OPTION')
    FROM current_database() d
""")
"""What can be made in this database: whether PUBLIC, readers and writers may, and whether the admin role can change that."""
OPEN_DATABASES = """
    SELECT d.datname::text, d.datdba = r.oid AND NOT r.rolsuper FROM pg_database d, pg_roles r
    WHERE r.rolname = CURRENT_USER AND d.datallowconn AND has_database_privilege('public', d.oid, 'CONNECT')
    ORDER BY 1
"""
"""The databases that PUBLIC may connect to, and whether the broker closes them: those that the admin role owns. A superuser
could close all of them, but may be the owner of everything on a server on which other programs rely on PUBLIC."""
HOLDERS = SQL("""
    SELECT DISTINCT r.rolname::text FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
    LEFT JOIN pg_shdescription c ON c.objoid = r.oid AND c.classoid = 'pg_authid'::regclass
    WHERE s.refclassid = 'pg_authid'::regclass AND NOT r.rolsuper AND NOT starts_with(coalesce(c.description, ''), {label})
    AND s.dbid = (SELECT oid FROM pg_database WHERE datname = {database})
""")
"""The roles that own something or hold a right in a database, without those of Rc²."""


@dataclass(frozen=True)
class Right:
    """Who may make one kind of thing in the database."""

    things: str
    public: bool
    read: bool
    write: bool
    grantable: bool


@dataclass(frozen=True)
class PublicRights:
    """What PUBLIC may do in and beside the database of one service."""

    database: str
    read: str
    write: str
    temporary_tables: bool
    """Whether readers may make temporary tables."""

    async def update(self, connection: Connection) -> list[str]:
        """Close what the admin role may close; what stays open, as parts of sentences.

        Raises:
            psycopg.OperationalError: if the connection is lost.
        """
        for right in await self._rights(connection):
            if right.grantable:
                await self._set(connection, right)
        for database, closes in await self._open_databases(connection):
            if closes:
                await self._close(connection, SQL("CONNECT ON DATABASE {}").format(Identifier(database)), database, [])
        things = [right.things for right in await self._rights(connection) if self._is_open(right)]
        problems = [f"every role can make {listed(things)} in {self.database}"] if things else []
        if names := [name for name, _ in await self._open_databases(connection)]:
            problems.append(f"its users can also connect to {listed(names)}, where PUBLIC has CONNECT")
        return problems

    def _is_open(self, right: Right) -> bool:
        """Whether readers may make things that they should not make."""
        return (right.public or right.read) and not (right.things == TEMPORARY and self.temporary_tables)

    async def _rights(self, connection: Connection) -> list[Right]:
        query = RIGHTS.format(
            tables=Literal(TABLES),
            large_objects=Literal(LARGE_OBJECTS),
            temporary=Literal(TEMPORARY),
            read=Literal(self.read),
            write=Literal(self.write),
        )
        return [Right(*row) for row in await (await connection.execute(query)).fetchall()]

    async def _set(self, connection: Connection, right: Right) -> None:
        statement = {
            TABLES: SQL("CREATE ON SCHEMA public"),
            LARGE_OBJECTS: SQL("EXECUTE ON FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea)"),
            TEMPORARY: SQL("TEMPORARY ON DATABASE {}").format(Identifier(self.database)),
        }[right.things]
        wanted = {} if right.things == TABLES else {self.write: right.write}  # the grants on schemas are not made here
        if right.things == TEMPORARY and self.temporary_tables:
            wanted[self.read] = right.read
        if self._is_open(right):
            await attempt(connection, SQL("REVOKE {} FROM {}").format(statement, Identifier(self.read)))
            await self._close(connection, statement, self.database, list(wanted))
        elif lacking := [group for group, granted in wanted.items() if not granted]:
            await attempt(connection, _grant(statement, lacking))

    async def _open_databases(self, connection: Connection) -> list[tuple[str, bool]]:
        return [(name, closes) for name, closes in await (await connection.execute(OPEN_DATABASES)).fetchall()]

    async def _close(self, connection: Connection, right: Composable, database: str, also: Sequence[str]) -> None:
        query = HOLDERS.format(label=Literal(LABEL_START), database=Literal(database))
        holders = [row[0] for row in await (await connection.execute(query)).fetchall()]
        statements = [SQL("REVOKE {} FROM PUBLIC").format(right)]
        if keep := [*holders, *also]:
            statements.insert(0, _grant(right, keep))
        await attempt(connection, SQL("; ").join(statements))


def _grant(right: Composable, roles: Sequence[str]) -> Composed:
    return SQL("GRANT {} TO {}").format(right, SQL(", ").join(map(Identifier, roles)))
