"""PostgreSQL as a shared service: a login role of her own for each compute server, gone when the server is.

A login role is a member of the service's group role for reading or writing, and its sessions act as that group role: what
they create belongs to the group, so nothing is orphaned. The role's comment says whose it is, which is all the broker needs
to find its way after a restart.

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
from rc2hub.services import postgres_rights as rights
from rc2hub.services.base import AdminCredential, Attachment, Existing, Server, SharedService

log = logging.getLogger("rc2hub.broker")

CONNECT_TIMEOUT = 4
"""Seconds; a request for a dead database has to fail within ten."""
Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class PostgresService(SharedService):
    """One database, reached by a login role for each compute server."""

    kind = "postgres"
    levels = ("read", "write")
    before_prompt = True
    required = frozenset({"url", "admin"})
    optional = frozenset({"schemas", "connection_limit", "statement_timeout"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry; connections are opened when they are first needed."""
        super().__init__(name, entry, lifetime)
        address = {"port": "5432", "user": "postgres", **_address(entry["url"])}
        self.admin = address.pop("user")
        self.address = address
        self.schemas = tuple(entry.get("schemas", ["public"]))
        self.connection_limit = int(entry.get("connection_limit", 5))
        self.statement_timeout = int(entry.get("statement_timeout", 600))
        self._credential = AdminCredential.parse(name, entry["admin"])
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._passwords: dict[Server, str] = {}
        self._prepared = False
        self._preparing = asyncio.Lock()

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
            raise ConfigurationError(f"{where}: 'url' must hold no password; name its place in 'admin'.")
        AdminCredential.parse(f"{where}['admin']", entry["admin"])
        schemas = entry.get("schemas", ["public"])
        if not isinstance(schemas, list) or not schemas or not all(isinstance(schema, str) for schema in schemas):
            raise ConfigurationError(f"{where}: 'schemas' must be a list of names such as [\"public\"].")
        for field in ("connection_limit", "statement_timeout"):
            if not isinstance(entry.get(field, 1), int) or entry.get(field, 1) < 1:
                raise ConfigurationError(f"{where}: {field!r} must be a whole number above 0.")

    async def check(self) -> None:
        """See that the database answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        async with self._connection() as connection:
            await connection.execute("SELECT 1")

    async def attached(self) -> Mapping[Server, Existing]:
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
        for comment, until in rows:
            label = _label(comment)
            if label.get("rc2") == self.name:
                found[Server(label["user"], label["server"])] = Existing(label["level"], until)
        return found

    async def attach(self, server: Server, level: str) -> Attachment:
        """Make the server's login role, or give the one it has a new expiry and level.

        The password changes only with the broker: what has read it, such as a connection pool or Spark, goes on.

        Raises:
            ServiceUnavailableError: if the database does not answer.
        """
        role, password = self.role(server), self._passwords.setdefault(server, secrets.token_urlsafe(24))
        until = datetime.now(UTC) + timedelta(seconds=self.lifetime)
        async with self._connection() as connection:
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            async with connection.transaction():
                await rights.lock(connection)
                verb = SQL("ALTER" if await rights.exists(connection, role) else "CREATE")
                await connection.execute(self._role_statements(verb, server, level, verifier, until))
        settings = {**self.address, "user": role}
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=role,
            until=until,
            use=f'con <- rc2_connect("{self.name}")',
            settings=settings,
            files={
                "pg_service.conf": _service_file(self.name, settings, server),
                "pgpass": _pgpass(settings, password),
            },
        )

    async def revoke(self, server: Server) -> None:
        """Drop the server's login role and end its sessions; what it owns itself goes to the writers' group.

        Raises:
            ServiceUnavailableError: if the database does not answer.
        """
        role = self.role(server)
        self._passwords.pop(server, None)
        async with self._connection() as connection:
            # first no new session, then no old one; only then is nothing left that could hold the role
            await rights.close_login(connection, role)
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = %s", [role]
            )
            await rights.drop(connection, role, self.group("write"))

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.close()

    def group(self, level: str) -> str:
        """The group role of a level."""
        return f"rc2_{self.name}_{level}"

    def role(self, server: Server) -> str:
        """The login role of a server: readable, and distinct for every pair of names."""
        exact = sha256(json.dumps([self.name, server.user, server.name]).encode()).hexdigest()[:10]
        return f"{self._prefix}{safe_slug(server.user, avoid_collisions=False, max_length=20)}_{exact}"

    @property
    def _prefix(self) -> str:
        return f"rc2_{self.name[:24]}_as_"

    def _role_statements(self, verb: SQL, server: Server, level: str, verifier: str, until: datetime) -> Any:
        role, groups = Identifier(self.role(server)), {name: Identifier(self.group(name)) for name in self.levels}
        others = [group for name, group in groups.items() if name != level]
        label = json.dumps({"rc2": self.name, "user": server.user, "server": server.name, "level": level})
        return SQL("; ").join(
            [
                SQL("{} ROLE {} LOGIN NOINHERIT PASSWORD {} VALID UNTIL {} CONNECTION LIMIT {}").format(
                    verb, role, Literal(verifier), Literal(until.isoformat()), Literal(self.connection_limit)
                ),
                *(SQL("REVOKE {} FROM {}").format(group, role) for group in others),
                SQL("GRANT {} TO {}").format(groups[level], role),
                # to herself: what the group may is hers only once she is connected
                SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(self.address["dbname"]), role),
                SQL("ALTER ROLE {} SET role = {}").format(role, Literal(self.group(level))),
                SQL("ALTER ROLE {} SET statement_timeout = {}").format(role, Literal(f"{self.statement_timeout}s")),
                SQL("COMMENT ON ROLE {} IS {}").format(role, Literal(label)),
            ]
        )

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """A connection of the admin role to a database whose group roles are in order."""
        try:
            async with (await self._open_pool()).connection(timeout=CONNECT_TIMEOUT) as connection:
                await self._prepare(connection)
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            self._prepared = False
            place = f"{self.address['host']}:{self.address['port']}"
            raise ServiceUnavailableError(
                f"{self.name}: PostgreSQL at {place} does not answer; try again later or go on without it."
            ) from error
        except psycopg.Error as error:
            self._prepared = False
            raise ServiceUnavailableError(
                f"{self.name}: PostgreSQL refuses the broker ({error.diag.message_primary or type(error).__name__});"
                f" an operator has to see to the rights of its role {self.admin}."
            ) from error

    async def _prepare(self, connection: Connection) -> None:
        """See to the group roles before the first use, and again after the database was away."""
        async with self._preparing:
            if not self._prepared:
                await rights.prepare(
                    connection, self.address["dbname"], self.schemas, self.group("read"), self.group("write")
                )
                self._prepared = True

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
    """The parameters of libpq that a URL stands for, such as host, dbname and sslmode; none if it is no such URL."""
    if not isinstance(url, str) or not url.startswith(("postgresql://", "postgres://")):
        return {}
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        return {}


def _label(comment: str | None) -> dict[str, Any]:
    """What a role's comment says; nothing for a role that is somebody else's."""
    try:
        label = json.loads(comment or "{}")
    except ValueError:
        return {}
    return label if isinstance(label, dict) else {}


def _service_file(name: str, settings: Mapping[str, str], server: Server) -> str:
    who = safe_slug(server.user, avoid_collisions=False, max_length=40) + (f"/{server.name}" if server.name else "")
    lines = [f"{key}={value}" for key, value in settings.items()]
    return "\n".join([f"[{name}]", *lines, f"application_name=rc2 {who}", ""]) + "\n"


def _pgpass(settings: Mapping[str, str], password: str) -> str:
    fields = [settings["host"], settings["port"], settings["dbname"], settings["user"], password]
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields) + "\n"
