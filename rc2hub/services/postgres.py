"""The kind `postgres`: a login role for each compute server, dropped when the server stops.

A login role is a member of the service's group role for reading or writing. Its sessions run as that group role, so the
group owns what they create and dropping the login role orphans nothing. The role's comment holds installation, user, server
and level; the broker reads it after a restart.

The admin role needs CREATEROLE, rights that it may grant on the schemas and tables (their owner has them) and membership in
`pg_signal_backend`; a superuser has all of that. PostgreSQL 14 or newer.

postgres_names.py    names and labels of roles
postgres_roles.py    group roles and login roles
postgres_grants.py   the rights of the group roles
postgres_public.py   the rights of PUBLIC
postgres_files.py    the address, and the files of an attachment
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.server_id import ServerId
from rc2hub.services.base import AdminCredential, Attachment, ExistingCredential, SharedService
from rc2hub.services.postgres_files import client_settings, parse_url, pgpass, service_file
from rc2hub.services.postgres_grants import GroupRights
from rc2hub.services.postgres_names import RoleNames
from rc2hub.services.postgres_public import PublicRights
from rc2hub.services.postgres_roles import Access, Connection, LoginRoles, configure, ensure_group_roles

log = logging.getLogger("rc2hub.broker")

CONNECT_TIMEOUT = 4
"""Seconds; a request for a database that does not answer must fail within ten seconds."""
MAX_CONNECTIONS = 4
"""Connections of the broker to one database."""
RIGHTS_INTERVAL = 40.0
"""Seconds between two checks of the rights while servers are attached; the broker asks every 15, so within a minute."""
LOST_CONNECTION = ("08", "57P")
"""Classes of SQLSTATE with which a server ends a connection; without any it has not answered."""


class PostgresService(SharedService):
    """One database, with a login role for each compute server."""

    kind = "postgres"
    levels = ("read", "write")
    blocks_start = True
    required = frozenset({"url", "admin"})
    optional = frozenset({"schemas", "connection_limit", "statement_timeout", "temporary_tables"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry; the first use opens connections."""
        super().__init__(name, entry, lifetime)
        address = {"port": "5432", "user": "postgres", **parse_url(entry["url"])}
        self.admin = address.pop("user")
        self.address = address
        self.access = Access(
            database=address["dbname"],
            schemas=tuple(entry.get("schemas", ["public"])),
            connection_limit=int(entry.get("connection_limit", 5)),
            statement_timeout=int(entry.get("statement_timeout", 600)),
        )
        self.temporary_tables = bool(entry.get("temporary_tables", True))
        self._credential = AdminCredential.parse(name, entry["admin"])
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._passwords: dict[ServerId, str] = {}
        self._has_groups = False
        self._slots, self._failed_at = asyncio.Semaphore(MAX_CONNECTIONS), float("-inf")
        self._groups_lock = asyncio.Lock()
        self._rights_lock = asyncio.Lock()
        self._rights_checked_at = self._public_checked_at = float("-inf")
        self._public_problems: list[str] = []
        self._rights_task: asyncio.Task[None] | None = None

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the URL and the values.

        Raises:
            ConfigurationError: naming `where` and the accepted values; never repeating a password.
        """
        address = parse_url(entry["url"])
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
        if not isinstance(entry.get("temporary_tables", True), bool):
            raise ConfigurationError(f"{where}: 'temporary_tables' must be True or False.")

    async def check(self) -> None:
        """Check that the database answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        async with self._connection() as connection:
            await connection.execute("SELECT 1")

    async def attached(self) -> Mapping[ServerId, ExistingCredential]:
        """Every compute server that has a login role in the database; from time to time it has the rights checked.

        Raises:
            ServiceUnavailableError: if the database does not answer.
        """
        async with self._connection() as connection:
            found = await self._login_roles.find(connection)
        if self._rights_checked_at < time.monotonic() - RIGHTS_INTERVAL and (
            self._rights_task is None or self._rights_task.done()
        ):
            self._rights_task = asyncio.create_task(self._check_rights(), name=f"rc2 {self.name} rights")
        return {role.server: ExistingCredential(role.level, role.expires_at) for role in found}

    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Create the server's login role, or set a new expiry and level; and give the group roles the rights they lack.

        The password stays the same until the broker restarts: a program that has read it, such as a connection pool or
        Spark, can connect again after a renewal.

        Raises:
            ServiceUnavailableError: if the database does not answer.
        """
        role, password = self.login_role(server), self._passwords.setdefault(server, secrets.token_urlsafe(24))
        settings, files = client_settings(self.name, self.address, role)
        asked_at, expires_at = time.monotonic(), datetime.now(UTC) + timedelta(seconds=self.lifetime)
        async with self._connection() as connection:
            await self._update_rights(connection, asked_at)
            await self._login_roles.write(connection, server, level, password, self.lifetime)
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=role,
            expires_at=expires_at,
            r_code=f'con <- rc2_connect("{self.name}")',
            settings=settings,
            files={
                "pg_service.conf": service_file(self.name, settings, server),
                "pgpass": pgpass(settings, password),
                **files,
            },
            python_code=f'import adbc_driver_postgresql.dbapi as dbapi; con = dbapi.connect("service={self.name}")',
        )

    async def revoke(self, server: ServerId) -> None:
        """End the sessions of the server's login role and drop it; the group role for writing gets what it owns.

        Raises:
            ServiceUnavailableError: if the database does not answer, or the role owns something in another database.
        """
        self._passwords.pop(server, None)
        async with self._connection() as connection:
            await self._login_roles.drop(connection, server, self._connect_to)

    async def close(self) -> None:
        """Close the connections."""
        if self._rights_task is not None:
            self._rights_task.cancel()
            await asyncio.gather(self._rights_task, return_exceptions=True)
        if self._pool is not None:
            await self._pool.close()

    def group_role(self, level: str) -> str:
        """The group role of a level."""
        return self._names.group(level)

    def login_role(self, server: ServerId) -> str:
        """The login role of a server: readable, and unique for each pair of user and server."""
        return self._names.login(server)

    @property
    def _names(self) -> RoleNames:
        return RoleNames(self.installation, self.name)

    @property
    def _login_roles(self) -> LoginRoles:
        return LoginRoles(self._names, self.levels, self.access)

    async def _check_rights(self) -> None:
        """Find what was made since the last attach, such as the tables of a nightly load."""
        try:
            async with self._connection() as connection:
                await self._update_rights(connection, time.monotonic())
        except ServiceUnavailableError as error:
            log.debug("%s", error)  # the caller of `attached` reports an outage

    async def _update_rights(self, connection: Connection, asked_at: float) -> None:
        """Bring the rights up to date, unless another call has begun to do so since."""
        async with self._rights_lock:
            if self._rights_checked_at >= asked_at:
                return
            self._rights_checked_at = time.monotonic()
            read, write = self.group_role("read"), self.group_role("write")
            if self._public_checked_at < time.monotonic() - RIGHTS_INTERVAL:
                # first, as a group does not lack what it has by PUBLIC
                public = PublicRights(self.access.database, read, write, self.temporary_tables)
                self._public_problems = await public.update(connection)
                self._public_checked_at = time.monotonic()
            rights = GroupRights(self.admin, self.access.schemas, read, write)
            problems = [*self._public_problems, *await rights.update(connection)]
        warnings = (f"{self.name}: {'; '.join(problems)}. docs/postgresql.md says what the database's owner can do.",)
        self._warn(warnings if problems else ())

    def _warn(self, warnings: tuple[str, ...]) -> None:
        for warning in set(warnings) - set(self.warnings):
            log.warning("%s", warning)
        self.warnings = warnings

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """A connection of the admin role to the database, which has its group roles.

        Of many callers some wait for others, as long as the database answers; if it does not, all fail at the same time.
        """
        asked_at = time.monotonic()
        async with self._slots:
            try:
                if self._failed_at > asked_at:
                    raise PoolTimeout
                async with (await self._open_pool()).connection(timeout=CONNECT_TIMEOUT) as connection:
                    await self._ensure_group_roles(connection)
                    yield connection
            except psycopg.Error as error:
                self._has_groups = False
                if isinstance(error, PoolTimeout):
                    self._failed_at = time.monotonic()
                raise self._unavailable(error) from error

    def _unavailable(self, error: psycopg.Error) -> ServiceUnavailableError:
        if error.sqlstate is None or error.sqlstate.startswith(LOST_CONNECTION):
            address = f"{self.address['host']}:{self.address['port']}"
            return ServiceUnavailableError(
                f"{self.name}: PostgreSQL at {address} does not answer; try again later or continue without it."
            )
        return ServiceUnavailableError(
            f"{self.name}: PostgreSQL refused the broker ({error.diag.message_primary or type(error).__name__});"
            f" ask an operator to check the rights of the role {self.admin}."
        )

    async def _ensure_group_roles(self, connection: Connection) -> None:
        """Create the group roles before the first use, and again after an error."""
        if self._has_groups:
            return
        async with self._groups_lock:
            if not self._has_groups:
                await ensure_group_roles(connection, self._names, self.levels)
                self._has_groups = True

    async def _open_pool(self) -> AsyncConnectionPool[Connection]:
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                kwargs=self._connection_arguments,
                configure=configure,
                min_size=1,
                max_size=MAX_CONNECTIONS,
                open=False,
                check=AsyncConnectionPool.check_connection,
                reconnect_timeout=CONNECT_TIMEOUT,
                name=f"rc2 {self.name}",
            )
            await self._pool.open()
        return self._pool

    @asynccontextmanager
    async def _connect_to(self, database: str) -> AsyncIterator[Connection]:
        """A connection of the admin role to another database of the server."""
        arguments = await self._connection_arguments() | {"dbname": database}
        async with await psycopg.AsyncConnection.connect(**arguments) as connection:
            await configure(connection)
            yield connection

    async def _connection_arguments(self) -> dict[str, Any]:
        return {
            **self.address,
            "user": self.admin,
            "password": self._credential.read(),
            "connect_timeout": CONNECT_TIMEOUT,
            "application_name": "rc2-broker",
            "client_encoding": "UTF8",
            "autocommit": True,
        }
