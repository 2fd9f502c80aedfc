"""What the group roles of a PostgreSQL service may do in its schemas, brought up to date by short passes.

A pass asks the catalogue which rights are missing, and grants those that the admin role may grant: an owner's, and those it
holds WITH GRANT OPTION. It never fails because of one table: tables of other owners, of extensions, or locked by a running
load stay as they are, and `GroupRights.update` names them. So it is run often, and finds what a loader has made anew.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from rc2hub.services.postgres_roles import Connection, encodable, role_changes

READ_RIGHTS = {"SCHEMA": ("USAGE",), "TABLE": ("SELECT",), "SEQUENCE": ("SELECT",)}
WRITE_RIGHTS = {
    "SCHEMA": ("USAGE", "CREATE"),
    "TABLE": ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"),
    "SEQUENCE": ("SELECT", "USAGE", "UPDATE"),
}
CHUNK = 200
"""Tables in one GRANT; if one of them is refused, they are granted one by one."""
LOCK_TIMEOUT = "500ms"
"""How long a GRANT waits for a transaction that changes the same table, such as a load."""
PASS_SECONDS = 5.0
"""Seconds after which a pass leaves what is still missing to the next one: the start of a server waits for it."""
SHOWN = 5
"""Names in a sentence."""
MISSING = """
    WITH wanted (role, kind, privilege) AS (
        SELECT * FROM unnest(%(roles)s::text[], %(kinds)s::text[], %(privileges)s::text[])
    ),
    objects (kind, oid, name) AS (
        SELECT 'SCHEMA', oid, ARRAY[nspname::text] FROM pg_namespace WHERE nspname::text = ANY (%(schemas)s::text[])
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid, ARRAY[nspname::text, relname::text]
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE nspname::text = ANY (%(schemas)s::text[]) AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    ),
    missing AS (
        SELECT * FROM objects JOIN wanted USING (kind) WHERE NOT CASE kind
            WHEN 'SCHEMA' THEN has_schema_privilege(role::name, oid, privilege)
            WHEN 'SEQUENCE' THEN has_sequence_privilege(role::name, oid, privilege)
            ELSE has_table_privilege(role::name, oid, privilege) END
    )
    SELECT kind, role, name, array_agg(privilege ORDER BY privilege), CASE kind
        WHEN 'SCHEMA' THEN has_schema_privilege(oid, privilege || ' WITH GRANT OPTION')
        WHEN 'SEQUENCE' THEN has_sequence_privilege(oid, privilege || ' WITH GRANT OPTION')
        ELSE has_table_privilege(oid, privilege || ' WITH GRANT OPTION') END AS may
    FROM missing GROUP BY kind, role, name, may ORDER BY kind, name, role
"""
"""Kind, role and name of each object, with the privileges that the role lacks, and whether the admin role may grant them."""
SCHEMAS = """
    SELECT nspname::text, (
        SELECT count(DISTINCT (defaclrole, defaclobjtype, grantee)) FROM pg_default_acl, aclexplode(defaclacl)
        WHERE defaclnamespace = n.oid AND defaclobjtype IN ('r', 'S')
        AND pg_get_userbyid(defaclrole) IN (CURRENT_USER, %(write)s) AND pg_get_userbyid(grantee) IN (%(read)s, %(write)s)
    ) = 8 FROM pg_namespace n WHERE nspname::text = ANY (%(schemas)s::text[])
"""
"""The schemas, and whether they have all default privileges: for tables and sequences of two owners, each for two groups."""


@dataclass(frozen=True)
class Missing:
    """Rights on one object that a group role lacks."""

    kind: str
    role: str
    name: tuple[str, ...]
    privileges: tuple[str, ...]
    grantable: bool


@dataclass
class GroupRights:
    """The rights of the two group roles in the schemas of one service."""

    admin: str
    schemas: Sequence[str]
    read: str
    write: str
    _deadline: float = field(default=0.0, init=False)

    async def update(self, connection: Connection) -> list[str]:
        """Grant what is missing; what is still missing then, as parts of sentences.

        Raises:
            psycopg.OperationalError: if the connection is lost.
        """
        self._deadline = time.monotonic() + PASS_SECONDS
        schemas = encodable(connection, self.schemas)
        values = {"schemas": schemas, "read": self.read, "write": self.write}
        found: dict[str, bool] = dict(await (await connection.execute(SCHEMAS, values)).fetchall())
        refusals = await self._set_defaults(connection, [schema for schema, complete in found.items() if not complete])
        if missing := await self._missing(connection):
            refusals += await self._grant(connection, [each for each in missing if each.grantable])
            missing = await self._missing(connection)
        return self._problems([schema for schema in schemas if schema not in found], missing, refusals)

    async def _missing(self, connection: Connection) -> list[Missing]:
        wanted = [
            (role, kind, privilege)
            for role, privileges in ((self.read, READ_RIGHTS), (self.write, WRITE_RIGHTS))
            for kind, names in privileges.items()
            for privilege in names
        ]
        roles, kinds, privileges = map(list, zip(*wanted, strict=True))
        values = {"roles": roles, "kinds": kinds, "privileges": privileges, "schemas": encodable(connection, self.schemas)}
        rows = await (await connection.execute(MISSING, values)).fetchall()
        return [Missing(kind, role, tuple(name), tuple(lacking), may) for kind, role, name, lacking, may in rows]

    async def _grant(self, connection: Connection, missing: Sequence[Missing]) -> list[str]:
        """Grant in chunks, and one by one where a chunk is refused; the reasons of what was refused."""
        groups: dict[tuple[str, str, tuple[str, ...]], list[tuple[str, ...]]] = defaultdict(list)
        for each in missing:
            groups[each.kind, each.role, each.privileges].append(each.name)
        reasons: list[str] = []
        for (kind, role, privileges), names in groups.items():
            for chunk in _chunks(names, CHUNK):
                if time.monotonic() < self._deadline and not await attempt(
                    connection, _grant(kind, role, privileges, chunk)
                ):
                    continue
                for name in chunk:
                    if time.monotonic() > self._deadline:
                        return [*reasons, "the rest follows"]
                    reasons += await attempt(connection, _grant(kind, role, privileges, [name]))
        return reasons

    async def _set_defaults(self, connection: Connection, schemas: Sequence[str]) -> list[str]:
        """Have tables that the admin role and writers make later be readable and writable at once."""
        reasons: list[str] = []
        for schema in schemas:
            for owner in (SQL("CURRENT_USER"), Identifier(self.write)):
                defaults = SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT ").format(owner, Identifier(schema))
                read, write = Identifier(self.read), Identifier(self.write)
                statements = [
                    defaults + SQL("SELECT ON TABLES TO {}").format(read),
                    defaults + SQL("ALL ON TABLES TO {}").format(write),
                    defaults + SQL("SELECT ON SEQUENCES TO {}").format(read),
                    defaults + SQL("ALL ON SEQUENCES TO {}").format(write),
                ]
                reasons += await attempt(connection, SQL("; ").join(statements))
        return reasons

    def _problems(self, unknown: Sequence[str], missing: Sequence[Missing], reasons: Sequence[str]) -> list[str]:
        problems = [f"there is no schema {listed(unknown)}"] if unknown else []
        for role, who in ((self.read, "readers cannot read"), (self.write, "writers cannot change")):
            names = {".".join(each.name): None for each in missing if each.role == role and not each.grantable}
            if names:
                problems.append(f"{who} {listed(list(names))}, as the role {self.admin} may not grant that")
        if reasons:
            problems.append(f"some rights are not granted yet ({reasons[-1]})")
        return problems


async def attempt(connection: Connection, statement: Composed) -> list[str]:
    """Run a statement that changes rights; the reason in a list of its own, if the server refuses it.

    Raises:
        psycopg.OperationalError: if the connection is lost.
    """
    try:
        async with role_changes(connection):
            await connection.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_TIMEOUT)))
            await connection.execute(statement)
    except psycopg.Error as error:
        if connection.closed:
            raise
        return [error.diag.message_primary or type(error).__name__]
    return []


def listed(names: Sequence[str]) -> str:
    """Some names for a sentence."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _grant(kind: str, role: str, privileges: Sequence[str], names: Sequence[Sequence[str]]) -> Composed:
    return SQL("GRANT {} ON {} {} TO {}").format(
        SQL(", ").join(map(SQL, privileges)),
        SQL(kind),
        SQL(", ").join(Identifier(*name) for name in names),
        Identifier(role),
    )


def _chunks(names: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (names[start : start + size] for start in range(0, len(names), size))
