"""Group roles and login roles of a PostgreSQL service: creating, finding and dropping them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from rc2hub.errors import ServiceUnavailableError
from rc2hub.server_id import ServerId
from rc2hub.services.postgres_names import LABEL_START, RoleNames

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Connect = Callable[[str], AbstractAsyncContextManager[Connection]]
"""Opens a connection of the admin role to another database of the server."""

ROLES_LOCK = 0x726332
"""Key of the advisory lock for changes of roles: PostgreSQL refuses concurrent changes of one catalogue row."""
SCRAM_ITERATIONS = 4096
"""PostgreSQL's default, and the least that RFC 7677 allows; the passwords are random."""
LOGIN_ROLES = SQL("""
    SELECT r.rolname::text, d.description,
        CASE WHEN r.rolcanlogin AND isfinite(r.rolvaliduntil)
        THEN extract(epoch FROM r.rolvaliduntil - clock_timestamp())::float8 END
    FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
    WHERE starts_with(d.description, {})
""").format(Literal(LABEL_START))
CLOCK_AND_ROLE = """
    SELECT extract(epoch FROM clock_timestamp())::float8, EXISTS (SELECT FROM pg_roles WHERE rolname = %s)
"""
SEARCH_PATH = SQL("""
    SELECT set_config('search_path', concat_ws(', ', {}::text, (
        SELECT substr(setting, length('search_path=') + 1) FROM pg_db_role_setting, unnest(setconfig) setting
        WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND starts_with(setting, 'search_path=')
    )), true)
""")
"""The schemas of the entry, then the database's own search path, in which its extensions may be."""
RAW_BYTES = "latin-1"
"""The client encoding for a SQL_ASCII database, whose names are bytes of any encoding: it passes each byte unchanged."""
OTHER_DATABASES = """
    SELECT DISTINCT d.datname::text FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
    WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = %s)
    AND d.datname <> current_database() ORDER BY 1
"""


@dataclass(frozen=True)
class LoginRole:
    """A login role that exists, even if it can no longer log in."""

    name: str
    server: ServerId
    level: str
    expires_at: datetime
    """By the broker's clock; 1970 if the role cannot log in, or would never expire, so that it is written again."""


@dataclass(frozen=True)
class Access:
    """What each login role of a service may do."""

    database: str
    schemas: tuple[str, ...]
    connection_limit: int
    statement_timeout: int
    """Seconds."""


async def configure(connection: Connection) -> None:
    """Make a session of the admin role safe: it must call no function that a user of the database has made."""
    await connection.execute("SET search_path = pg_catalog")
    if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
        await connection.execute(SQL("SET client_encoding = {}").format(Literal(RAW_BYTES)))


@asynccontextmanager
async def role_changes(connection: Connection) -> AsyncIterator[None]:
    """A transaction that changes roles or rights; one at a time in each database."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [ROLES_LOCK])
        yield


def encodable(connection: Connection, names: Sequence[str]) -> list[str]:
    """Names of the configuration as the connection has to send them; a SQL_ASCII database is sent the bytes of UTF-8."""
    sends_bytes = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
    return [name.encode().decode(RAW_BYTES) if sends_bytes else name for name in names]


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores of a password in ASCII, from which it cannot be read (RFC 5803).

    libpq makes the same in twice the time, and the broker's event loop waits for it.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, SCRAM_ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(each).decode() for each in (salt, stored_key, server_key)]
    return "SCRAM-SHA-256${}:{}${}:{}".format(SCRAM_ITERATIONS, *encoded)


async def role_exists(connection: Connection, role: str) -> bool:
    """Whether a role of this name exists."""
    found = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
    return await found.fetchone() is not None


async def ensure_group_roles(connection: Connection, names: RoleNames, levels: Sequence[str]) -> None:
    """Create the group roles that do not exist."""
    async with role_changes(connection):
        for level in levels:
            group = Identifier(names.group(level))
            if not await role_exists(connection, names.group(level)):
                await connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(group))
                await connection.execute(SQL("COMMENT ON ROLE {} IS {}").format(group, Literal(names.group_label(level))))
            # the admin must be a member of the groups: to set their default privileges and to reassign objects to them
            await connection.execute(SQL("GRANT {} TO CURRENT_USER").format(group))


class LoginRoles:
    """The login roles of one service."""

    def __init__(self, names: RoleNames, levels: Sequence[str], access: Access) -> None:
        """Take the names, the levels with their group roles, and what a login role may do."""
        self.names, self.levels, self.access = names, levels, access

    async def find(self, connection: Connection) -> list[LoginRole]:
        """All of them, by their labels: also those that expired, that were renamed, and whose drop failed."""
        rows = await (await connection.execute(LOGIN_ROLES)).fetchall()
        now, never = datetime.now(UTC), datetime.fromtimestamp(0, UTC)
        found = []
        for name, label, seconds in rows:
            if owner := self.names.owner(label):
                found.append(LoginRole(name, *owner, never if seconds is None else now + timedelta(seconds=seconds)))
        return found

    async def write(self, connection: Connection, server: ServerId, level: str, password: str, lifetime: float) -> None:
        """Create the server's role, or set its password, level and expiry anew. It expires by the server's clock."""
        name = self.names.login(server)
        async with role_changes(connection):
            row = await (await connection.execute(CLOCK_AND_ROLE, [name])).fetchone()
            now, exists = row or (0.0, False)
            create = SQL("{} ROLE {} LOGIN NOINHERIT PASSWORD {} VALID UNTIL {} CONNECTION LIMIT {}").format(
                SQL("ALTER" if exists else "CREATE"),
                Identifier(name),
                Literal(scram_verifier(password)),
                Literal(datetime.fromtimestamp(now + lifetime, UTC).isoformat()),
                Literal(self.access.connection_limit),
            )
            label = SQL("COMMENT ON ROLE {} IS {}").format(Identifier(name), Literal(self.names.login_label(server, level)))
            await connection.execute(SQL("; ").join([create, *self._rights(connection, Identifier(name), level), label]))

    def _rights(self, connection: Connection, role: Identifier, level: str) -> list[SQL | Composed]:
        groups = {each: Identifier(self.names.group(each)) for each in self.levels}
        database = Identifier(self.access.database)
        quoted = ", ".join('"' + schema.replace('"', '""') + '"' for schema in encodable(connection, self.access.schemas))
        return [
            *(SQL("REVOKE {} FROM {}").format(group, role) for each, group in groups.items() if each != level),
            SQL("GRANT {} TO {}").format(groups[level], role),
            # to the login role itself: it has the rights of the group only after the connection is made
            SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role),
            SQL("ALTER ROLE {} SET role = {}").format(role, Literal(self.names.group(level))),
            SQL("ALTER ROLE {} SET statement_timeout = {}").format(role, Literal(f"{self.access.statement_timeout}s")),
            # so that a table is found by its name alone; for this database, as another one has not its encoding
            SEARCH_PATH.format(Literal(quoted)),
            SQL("ALTER ROLE {} IN DATABASE {} SET search_path FROM CURRENT").format(role, database),
            SQL("SET LOCAL search_path = pg_catalog"),
        ]

    async def drop(self, connection: Connection, server: ServerId, connect: Connect) -> None:
        """End the sessions of the server's roles and drop them; the group role for writing gets what they own.

        Raises:
            ServiceUnavailableError: naming role and database, if a role owns or may use something that the admin role
                cannot take from it.
        """
        found = {role.name for role in await self.find(connection) if role.server == server}
        for name in sorted({self.names.login(server), *found}):
            # a role can be dropped only when no session is left and none can start
            async with role_changes(connection):
                if not await role_exists(connection, name):
                    continue
                await connection.execute(SQL("ALTER ROLE {} NOLOGIN").format(Identifier(name)))
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = %s", [name]
            )
            await self._drop_role(connection, name, connect)

    async def _drop_role(self, connection: Connection, name: str, connect: Connect) -> None:
        role = Identifier(name)
        async with role_changes(connection):
            if not await role_exists(connection, name):
                return
            await connection.execute(SQL("GRANT {} TO CURRENT_USER").format(role))
            await connection.execute(self._clear(role))
        for (database,) in await (await connection.execute(OTHER_DATABASES, [name])).fetchall():
            # if that fails, the drop fails, and its reason names the database
            with suppress(psycopg.Error):
                async with connect(database) as elsewhere:
                    await elsewhere.execute(self._clear(role))
        try:
            async with role_changes(connection):
                await connection.execute(SQL("DROP ROLE IF EXISTS {}").format(role))
        except psycopg.errors.DependentObjectsStillExist as error:
            reason = (error.diag.message_detail or "").replace("\n", ", ")
            raise ServiceUnavailableError(
                f"{self.names.service}: the role {name} cannot log in any more, but is not dropped ({reason}); ask a"
                f' superuser to run DROP OWNED BY "{name}" in that database.'
            ) from error

    def _clear(self, role: Identifier) -> Composed:
        """Give what the role owns in one database to the group role for writing, and remove its rights there."""
        heir = Identifier(self.names.group("write"))
        return SQL("REASSIGN OWNED BY {0} TO {1}; DROP OWNED BY {0}").format(role, heir)
