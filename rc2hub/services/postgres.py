"""The kind `postgres`: a login role for each compute server, dropped when the server stops.

A login role is a member of the service's group role for reading or writing. Its sessions run as that group role, so the
group owns what they create and dropping the login role orphans nothing. The role's comment holds its user, server and
level; the broker reads it after a restart.

The admin role needs CREATEROLE, the right to grant on the schemas (their owner has it) and membership in
`pg_signal_backend`; a superuser has all of that. PostgreSQL 14 or newer.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import psycopg
from jupyterhub.slugs import safe_slug
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.server_id import ServerId
from rc2hub.services import postgres_rights as rights
from rc2hub.services.base import AdminCredential, Attachment, ExistingCredential, SharedService

log = logging.getLogger("rc2hub.broker")

CONNECT_TIMEOUT = 4
"""Seconds; a request for a database that does not answer must fail within ten seconds."""
Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class PostgresService(SharedService):
    """One database, with a login role for each compute server."""

    kind = "postgres"
    levels = ("read", "write")
    blocks_start = True
    required = frozenset({"url", "admin"})
    optional = frozenset({"schemas", "connection_limit", "statement_timeout"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry; the first use opens connections."""
        super().__init__(name, entry, lifetime)
        address = {"port": "5432", "user": "postgres", **_address(entry["url"])}
        self.admin = address.pop("user")
        self.address = address
        self.schemas = tuple(entry.get("schemas", ["public"]))
        self.connection_limit = int(entry.get("connection_limit", 5))
        self.statement_timeout = int(entry.get("statement_timeout", 600))
        self._credential = AdminCredential.parse(name, entry["admin"])
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._passwords: dict[ServerId, str] = {}
        self._has_groups = False
        self._groups_lock = asyncio.Lock()

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the URL and the values.

        Raises:
            ConfigurationError: naming `where` and the accepted values; never repeating a password.
        """
        address = _address(entry["url"])
        if not {"host", "dbname"} <= address.keys() or "," in address["host"] or not address.get("port", "0").isdecimal():
            raise ConfigurationError(f"{where}: 'url' must be like postgresql://host:5432/database?sslmode=require.")
        if any("pass" in parameter for parameter in address):
            raise ConfigurationError(
                f"{where}: 'url' must hold no password; put the password into a file or variable and name that in 'admin'."
            )
        AdminCredential.parse(f"{where}['admin']", entry["admin"])
        schemas = entry.get("schemas", ["public"])
        if not isinstance(schemas, list) or not schemas or not all(isinstance(schema, str) for schema in schemas):
            raise ConfigurationError(f"{where}: 'schemas' must be a list of names such as [\"public\"].")
        for field in ("connection_limit", "statement_timeout"):
            if not isinstance(entry.get(field, 1), int) or entry.get(field, 1) < 1:
                raise ConfigurationError(f"{where}: {field!r} must be a whole number above 0.")

    async def check(self) -> None:
        """Check that the database answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        async with self._connection() as connection:
            await connection.execute("SELECT 1")

    async def attached(self) -> Mapping[ServerId, ExistingCredential]:
        """Every compute server that has a login role in the database.

        Raises:
            ServiceUnavailableError: if the database does not answer.
        """
        query = SQL(
            "SELECT shobj_description(oid, 'pg_authid'), coalesce(rolvaliduntil, 'infinity') FROM pg_roles"
            " WHERE starts_with(rolname, {}) AND rolcanlogin"
        ).format(Literal(self._prefix))
        async with self._connection() as connection:
            rows = await (await connection.execute(query)).fetchall()
        found = {}
        for comment, expires_at in rows:
            label = _label(comment)
            if label.get("rc2") == self.name:
                found[ServerId(label["user"], label["server"])] = ExistingCredential(label["level"], expires_at)
        return found

    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Create the server's login role, or set a new expiry and level.

        The password stays the same until the broker restarts: a program that has read it, such as a connection pool or
        Spark, can connect again after a renewal.

        Raises:
            ServiceUnavailableError: if the database does not answer.
        """
        role, password = self.login_role(server), self._passwords.setdefault(server, secrets.token_urlsafe(24))
        expires_at = datetime.now(UTC) + timedelta(seconds=self.lifetime)
        async with self._connection() as connection:
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            async with connection.transaction():
                await rights.lock_roles(connection)
                verb = SQL("ALTER" if await rights.role_exists(connection, role) else "CREATE")
                await connection.execute(self._role_statements(verb, server, level, verifier, expires_at))
        settings = {**self.address, "user": role}
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=role,
            expires_at=expires_at,
            r_code=f'con <- rc2_connect("{self.name}")',
            settings=settings,
            files={
                "pg_service.conf": _service_file(self.name, settings, server),
                "pgpass": _pgpass(settings, password),
            },
        )

    async def revoke(self, server: ServerId) -> None:
        """End the sessions of the server's login role and drop it; the group role for writing gets what it owns.

        Raises:
            ServiceUnavailableError: if the database does not answer.
        """
        role = self.login_role(server)
        self._passwords.pop(server, None)
        async with self._connection() as connection:
            # the role can be dropped only when no session is left and none can start
            await rights.disable_login(connection, role)
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = %s", [role]
            )
            await rights.drop_role(connection, role, self.group_role("write"))

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.close()

    def group_role(self, level: str) -> str:
        """The group role of a level."""
        return f"rc2_{self.name}_{level}"

    def login_role(self, server: ServerId) -> str:
        """The login role of a server: readable, and unique for each pair of user and server."""
        digest = sha256(json.dumps([self.name, server.user, server.name]).encode()).hexdigest()[:10]
        return f"{self._prefix}{safe_slug(server.user, avoid_collisions=False, max_length=20)}_{digest}"

    @property
    def _prefix(self) -> str:
        return f"rc2_{self.name[:24]}_as_"

    def _role_statements(self, verb: SQL, server: ServerId, level: str, verifier: str, expires_at: datetime) -> Any:
        role, groups = Identifier(self.login_role(server)), {name: Identifier(self.group_role(name)) for name in self.levels}
        others = [group for name, group in groups.items() if name != level]
        label = json.dumps({"rc2": self.name, "user": server.user, "server": server.name, "level": level})
        return SQL("; ").join(
            [
                SQL("{} ROLE {} LOGIN NOINHERIT PASSWORD {} VALID UNTIL {} CONNECTION LIMIT {}").format(
                    verb, role, Literal(verifier), Literal(expires_at.isoformat()), Literal(self.connection_limit)
                ),
                *(SQL("REVOKE {} FROM {}").format(group, role) for group in others),
                SQL("GRANT {} TO {}").format(groups[level], role),
                # to the login role itself: it has the rights of the group only after the connection is made
                SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(self.address["dbname"]), role),
                SQL("ALTER ROLE {} SET role = {}").format(role, Literal(self.group_role(level))),
                # so that a table is found by its name alone
                SQL("ALTER ROLE {} SET search_path = {}").format(role, SQL(", ").join(map(Identifier, self.schemas))),
                SQL("ALTER ROLE {} SET statement_timeout = {}").format(role, Literal(f"{self.statement_timeout}s")),
                SQL("COMMENT ON ROLE {} IS {}").format(role, Literal(label)),
            ]
        )

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """A connection of the admin role to the database, which has its group roles."""
        try:
            async with (await self._open_pool()).connection(timeout=CONNECT_TIMEOUT) as connection:
                await self._ensure_group_roles(connection)
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            self._has_groups = False
            address = f"{self.address['host']}:{self.address['port']}"
            raise ServiceUnavailableError(
                f"{self.name}: PostgreSQL at {address} does not answer; try again later or continue without it."
            ) from error
        except psycopg.Error as error:
            self._has_groups = False
            raise ServiceUnavailableError(
                f"{self.name}: PostgreSQL refused the broker ({error.diag.message_primary or type(error).__name__});"
                f" ask an operator to check the rights of the role {self.admin}."
            ) from error

    async def _ensure_group_roles(self, connection: Connection) -> None:
        """Create the group roles before the first use, and again after an error."""
        async with self._groups_lock:
            if not self._has_groups:
                await rights.ensure_group_roles(
                    connection, self.address["dbname"], self.schemas, self.group_role("read"), self.group_role("write")
                )
                self._has_groups = True

    async def _open_pool(self) -> AsyncConnectionPool[Connection]:
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                kwargs=self._connection_arguments,
                min_size=1,
                max_size=4,
                open=False,
                check=AsyncConnectionPool.check_connection,
                reconnect_timeout=CONNECT_TIMEOUT,
                name=f"rc2 {self.name}",
            )
            await self._pool.open()
        return self._pool

    async def _connection_arguments(self) -> dict[str, Any]:
        return {
            **self.address,
            "user": self.admin,
            "password": self._credential.read(),
            "connect_timeout": CONNECT_TIMEOUT,
            "application_name": "rc2-broker",
            "autocommit": True,
        }


def _address(url: object) -> dict[str, str]:
    """The libpq parameters in a URL, such as host, dbname and sslmode; empty if it is not a PostgreSQL URL."""
    if not isinstance(url, str) or not url.startswith(("postgresql://", "postgres://")):
        return {}
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        return {}


def _label(comment: str | None) -> dict[str, Any]:
    """The label in a role's comment; empty for a role that the broker did not create."""
    try:
        label = json.loads(comment or "{}")
    except ValueError:
        return {}
    return label if isinstance(label, dict) else {}


def _service_file(name: str, settings: Mapping[str, str], server: ServerId) -> str:
    who = safe_slug(server.user, avoid_collisions=False, max_length=40) + (f"/{server.name}" if server.name else "")
    lines = [f"{key}={value}" for key, value in settings.items()]
    return "\n".join([f"[{name}]", *lines, f"application_name=rc2 {who}", ""]) + "\n"


def _pgpass(settings: Mapping[str, str], password: str) -> str:
    fields = [settings["host"], settings["port"], settings["dbname"], settings["user"], password]
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields) + "\n"
