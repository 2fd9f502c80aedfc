"""The Hive gateway: reads each call of Hive's metastore, and passes it on in the name of its user. It keeps no data.

    python -m rc2hub.gateways.hive_gateway

JupyterHub starts it (or an operator does). Each call carries the hub token of the caller's compute server, or the secret of
the user's Spark driver. The gateway asks the broker whose it is and at which level, and HDFS whether this user may read or
change the databases that the call names; names of others are left out of lists. It answers Thrift over HTTP, and over SASL
for Spark's own client, on one port.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from rc2hub.errors import NotGrantedError, ServiceUnavailableError
from rc2hub.gateways.attached_servers import AttachedServers
from rc2hub.gateways.gateway_process import read_settings, run, run_until_signal
from rc2hub.gateways.hdfs_client import HdfsClient, hdfs_user
from rc2hub.gateways.hive_calls import (
    MissingError,
    RefusedCallError,
    as_called,
    check_locations,
    current,
    databases,
    method_of,
    refusal,
    set_owner,
)
from rc2hub.gateways.hive_client import HiveClient
from rc2hub.gateways.hive_databases import HiveDatabases
from rc2hub.gateways.hive_front import gateway_runner, listen
from rc2hub.gateways.hive_methods import Method
from rc2hub.gateways.recheck import recheck
from rc2hub.gateways.thrift_message import Message, ThriftError, texts
from rc2hub.gateways.token_review import Review, TokenReviewer
from rc2hub.gateways.webhdfs_request import ACCOUNT, READ
from rc2hub.server_id import ServerId

log = logging.getLogger("rc2hub.gateways")


@dataclass
class Audit:
    """The line of the log for one call; it holds no token."""

    user: str = "-"
    server: str = ""
    method: str = "-"
    databases: str = ""
    outcome: str = "gone"
    """`passed`, `refused`, `failed` if a server does not answer, `ended` if the grant was lost meanwhile, or `gone`."""
    started_at: float = field(default_factory=time.monotonic)

    def write(self) -> None:
        """Log the call."""
        log.info(
            "user=%s server=%s %s databases=%s outcome=%s seconds=%.3f",
            quote(self.user),
            quote(self.server),
            quote(self.method[:60]),
            quote(self.databases[:200]),
            self.outcome,
            time.monotonic() - self.started_at,
        )


class HiveGateway:
    """Passes the calls of users on."""

    def __init__(self, token_reviewer: TokenReviewer, hdfs: HdfsClient, hive: HiveClient, made: HiveDatabases) -> None:
        """Take the client of the broker's token review, HDFS, the metastore, and the databases."""
        self.token_reviewer, self.hdfs, self.hive, self.databases = token_reviewer, hdfs, hive, made
        self.attached_servers = AttachedServers()

    async def check(self) -> None:
        """Check that HDFS and the metastore answer.

        Raises:
            ServiceUnavailableError: if one does not.
        """
        await asyncio.gather(self.hdfs.check(), self.hive.check())

    async def attach(self, server_id: ServerId, level: str, expires_at: float) -> None:
        """Record that the server may use Hive at this level, and make its databases if there are none.

        Raises:
            ServiceUnavailableError: if HDFS or the metastore does not answer.
        """
        user = hdfs_user(server_id.user)
        await self.databases.make(user)
        self.databases.forget(user)
        self.token_reviewer.forget(server_id)  # the level may be another one
        self.attached_servers.attach(server_id, level, expires_at)

    async def detach(self, server_id: ServerId, message: str = "Hive was detached from this server.") -> None:
        """End the server's calls."""
        self.token_reviewer.forget(server_id)
        self.attached_servers.detach(server_id, message)

    async def answer(self, token: str, content: bytes) -> bytes:
        """The answer to a call, also if it is refused.

        Raises:
            ThriftError: if it is no call.
        """
        audit = Audit()
        try:
            # a large one takes a second, in which other calls go on
            call = await asyncio.to_thread(Message.read, content)
            audit.method = call.name
            try:
                return await self._answer(token, call, audit)
            except (RefusedCallError, NotGrantedError, ThriftError) as error:
                audit.outcome = "refused"
                return refusal(call, error).write()
            except ServiceUnavailableError as error:
                audit.outcome = "failed"
                return refusal(call, error).write()
        finally:
            audit.write()

    async def list_tables(self, token: str) -> list[dict[str, str]]:
        """All tables that the user may see, with database, name, type and comment.

        Raises:
            NotGrantedError: if the user may not use Hive now.
            ServiceUnavailableError: if the broker, HDFS or the metastore does not answer.
        """
        audit = Audit(method="list_tables")
        try:
            _, user = await self._reviewed(token, audit)
            names = await self.databases.readable(user, await self.hive.databases(user))
            tables = await asyncio.gather(*(self.hive.tables(user, name) for name in names))
            audit.outcome = "passed"
            return [{"database": name, **table} for name, found in zip(names, tables, strict=True) for table in found]
        finally:
            audit.write()

    async def own_database(self, token: str) -> str:
        """The database of the user, who may use Hive now; it exists, as a driver without its default database fails.

        Raises:
            NotGrantedError: if the user may not.
            ServiceUnavailableError: if the broker, HDFS or the metastore does not answer.
        """
        _, user = await self._reviewed(token, Audit())
        return await self.databases.own(user)

    async def _answer(self, token: str, call: Message, audit: Audit) -> bytes:
        review, user = await self._reviewed(token, audit)
        method = method_of(call)
        named = databases(call, method)
        audit.databases = ",".join(sorted(named))
        if review.level not in method.levels:
            raise RefusedCallError(f"{call.name} takes the level write; this server has the level {review.level}.")
        await self._check_rights(user, named, method)
        check_locations(call, method)
        set_owner(call, method, user)
        with self.attached_servers.track_call(review.server_id, token, method.levels) as tracked:
            task = asyncio.ensure_future(self._pass_on(user, call, method))
            tracked.cancel = task.cancel
            try:
                answer = await task
            except asyncio.CancelledError:
                if not tracked.end_message:
                    task.cancel()
                    raise
                audit.outcome = "ended"
                return refusal(call, NotGrantedError(tracked.end_message)).write()
        audit.outcome = "passed"
        return answer

    async def _reviewed(self, token: str, audit: Audit) -> tuple[Review, str]:
        """What the broker says of the token, and its user's name in HDFS."""
        review = await self.token_reviewer.review(token)
        audit.user, audit.server = review.server_id.user, review.server_id.name
        return review, hdfs_user(review.server_id.user)

    async def _check_rights(self, user: str, named: set[str], method: Method) -> None:
        """Check what the user may do with the databases of a call. One that may not be read looks like none.

        Raises:
            RefusedCallError: if it is not allowed.
        """
        for database in sorted(named):
            if not await self.databases.allows(user, database, READ):
                raise MissingError(f"There is no database {database}, or you may not read it.")
            if method.level != READ and not await self.databases.allows(user, database, method.level):
                raise RefusedCallError(f"You may not change the database {database}; make your tables in one of yours.")

    async def _pass_on(self, user: str, call: Message, method: Method) -> bytes:
        answer = await self.hive.call(user, current(call, method).write())
        if method.renamed:
            return as_called(Message.read(answer), call).write()
        if method.filtered:
            listed = Message.read(answer)
            if 0 in listed.fields:
                names = [name.decode() for name in listed.fields[0][1].values]
                listed.fields[0] = texts(await self.databases.readable(user, names))
            return listed.write()
        return answer


async def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings, secret, token_reviewer = read_settings("RC2_HIVE_GATEWAY")
    hdfs = HdfsClient(settings["namenode"])
    hive = HiveClient(settings["metastore"], await asyncio.to_thread(Path(settings["key"]).read_bytes), ACCOUNT)
    gateway = HiveGateway(token_reviewer, hdfs, hive, HiveDatabases(hdfs, hive, settings["groups"]))
    runner = gateway_runner(gateway, secret)
    host, _, port = settings["address"].rpartition(":")
    await runner.setup()
    server = await listen(gateway, runner, host, int(port))
    try:
        await run_until_signal(asyncio.ensure_future(recheck(gateway)))
    finally:
        server.close()
        await runner.cleanup()
        await hive.close()
        await hdfs.close()


if __name__ == "__main__":
    run("rc2-hive", serve)
