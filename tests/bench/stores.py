"""HDFS and Hive through their gateways, compared with HDFS and the metastore themselves in turn, and the memory of the servers.

    python -m tests.bench.stores

The direct calls carry the account of the gateway and the user's name, as the gateway's calls do.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from rc2hub.gateways.hive_client import HiveClient
from rc2hub.gateways.hive_key import key_file
from rc2hub.gateways.thrift_message import CALL, Message, text
from rc2hub.gateways.webhdfs_request import ACCOUNT
from rc2hub.local import hdfs, hive
from tests.bench.report import entry, write
from tests.fixtures.hub import Client, Kernel, Rc2, process_memory, until
from tests.test_kill import children, processes
from tests.test_separation import server_token

DIRECT, ROUNDS, CALLS, SMALL = "HDFS itself", 5, 250, 1000
CHUNK, SIZE = bytes(1 << 20), 1 << 30
ROWS, SCANS = 10_000_000, 3
MIB = 1 << 20
SCAN = "SELECT {what} FROM parquet.`{address}`"


class WayToHdfs:
    """One way to HDFS: an address, and what a call carries."""

    def __init__(self, session: aiohttp.ClientSession, address: str, token: str = "", **query: str) -> None:
        self.session, self.address, self.query = session, address, query
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def url(self, path: str, operation: str, **more: str) -> str:
        return f"{self.address}/webhdfs/v1{path}?{urlencode({'op': operation, **self.query, **more})}"

    async def write(self, path: str, data: AsyncIterator[bytes] | bytes) -> None:
        """Write in two steps, as Hadoop's client does."""
        url = self.url(path, "CREATE", overwrite="true")
        async with self.session.put(url, headers=self.headers, allow_redirects=False) as first:
            assert first.status == 307, await first.text()
        async with self.session.put(first.headers["Location"], headers=self.headers, data=data) as answer:
            assert answer.status == 201, await answer.text()

    async def read(self, path: str) -> int:
        async with self.session.get(self.url(path, "OPEN"), headers=self.headers) as answer:
            assert answer.status == 200
            return sum([len(piece) async for piece in answer.content.iter_any()])

    async def list(self) -> None:
        async with self.session.get(self.url("/user/alice", "LISTSTATUS"), headers=self.headers) as answer:
            assert answer.status == 200
            await answer.read()


async def gibibyte() -> AsyncIterator[bytes]:
    for _ in range(SIZE // len(CHUNK)):
        yield CHUNK


async def in_turn(count: int, *ways: Callable[[], Awaitable[Any]]) -> tuple[list[float], ...]:
    """Seconds of so many calls of each way, which alternate."""
    times: tuple[list[float], ...] = tuple([] for _ in ways)
    for _ in range(count):
        for way, taken in zip(ways, times, strict=True):
            began = time.perf_counter()
            await way()
            taken.append(time.perf_counter() - began)
    return times


async def small_files(way: WayToHdfs) -> None:
    """Write and read a thousand files of 1 KiB, one after another."""
    for number in range(SMALL):
        await way.write(f"/user/alice/small/{number}", bytes(1024))
        await way.read(f"/user/alice/small/{number}")


async def files(ways: tuple[WayToHdfs, WayToHdfs]) -> list[dict[str, Any]]:
    """The same work through the gateway and directly, in turn."""
    tasks: dict[str, tuple[int, Callable[[WayToHdfs], Awaitable[Any]]]] = {
        "1 GiB written": (ROUNDS, lambda way: way.write("/user/alice/large", gibibyte())),
        "1 GiB read": (ROUNDS, lambda way: way.read("/user/alice/large")),
        "LISTSTATUS": (CALLS, lambda way: way.list()),
        f"{SMALL} small files": (1, small_files),
    }
    found = []
    for task, (count, work) in tasks.items():
        ours, direct = await in_turn(count, *(partial(work, way) for way in ways))
        found.append(entry(f"stores: {task}", ours, DIRECT, direct))
    return found


async def scans(r: Kernel, rpc: str, folder: Path) -> list[dict[str, Any]]:
    """Spark reads ten million rows: through the gateway, from HDFS itself, and from a file of this machine."""
    await r.run(
        "sql <- function(text) DBI::dbGetQuery(con, text); con <- rc2::rc2_spark();"
        "timed <- function(text) { began <- Sys.time(); sql(text); cat(as.numeric(Sys.time() - began, units = 'secs')) }"
    )
    addresses = {
        "ours": "webhdfs://rc2/user/alice/rows",
        "hdfs": f"hdfs://{rpc}/user/alice/rows",
        "local": f"file:{folder}/rows",
    }
    rows = f"SELECT id, id * 0.5 AS x, id % 7 AS g, sqrt(id) AS y FROM range({ROWS})"
    for address in (addresses["ours"], addresses["local"]):
        await r.run(f"""DBI::dbExecute(con, "INSERT OVERWRITE DIRECTORY '{address}' USING parquet {rows}")""")
    await r.run('rc2::rc2_hdfs()$ls("rows")')
    found = []
    for task, what in (("all columns", "sum(id), sum(x), sum(g), sum(y)"), ("one column", "sum(x)")):
        times: dict[str, list[float]] = {way: [] for way in addresses}
        for _ in range(SCANS):
            for way, address in addresses.items():
                output = await r.run(f'timed("{SCAN.format(what=what, address=address)}")')
                times[way].append(float(output.split()[-1].rpartition("%")[2]))
        for way, peer in (("hdfs", "hdfs://"), ("local", "a local file")):
            found.append(entry(f"stores: Spark, 1e7 rows, {task}, beside {way}", times["ours"], peer, times[way]))
    return found


def gateway_address(rc2: Rc2, service: str) -> str:
    """Where the gateway of a service is."""
    return f"http://127.0.0.1:{json.loads((rc2.home / 'ports.json').read_text())[service]}"


async def metastore(rc2: Rc2, token: str) -> dict[str, Any]:
    """Alice's database, asked of the metastore through the gateway and directly, in turn."""
    message = Message("get_database", CALL, 1, {1: text("alice")}).write()
    client = HiveClient(hive.url(rc2.home / "hive"), key_file(rc2.home / "hive").read_bytes(), ACCOUNT)
    gateway = f"{gateway_address(rc2, 'hive')}/metastore"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:

        async def through_gateway() -> None:
            async with session.post(gateway, data=message) as answer:
                assert 0 in Message.read(await answer.read()).fields

        ours, direct = await in_turn(CALLS, through_gateway, partial(client.call, "alice", message))
    await client.close()
    return entry("stores: get_database", ours, "the metastore itself", direct)


def memory(rc2: Rc2) -> dict[str, int]:
    """MiB of each server: at the peak for the gateway, now for Java."""
    names = {
        "gateway": b"hdfs_gateway", "NameNode": b".NameNode\0", "DataNode": b".DataNode\0", "metastore": b".HiveMetaStore\0",
    }  # fmt: skip
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(rc2)} | dict(processes(rc2))
    return {
        name: process_memory(pid, "VmHWM" if name == "gateway" else "VmRSS") // MIB
        for pid, command in commands.items()
        for name, part in names.items()
        if part in command
    }


async def measure(rc2: Rc2, client: Client, folder: Path) -> None:
    """Measure everything and write the report."""
    rc2.groups(alice=["staff", "analysts"])
    await client.create("alice")
    assert (await client.start("alice", services=["hdfs:write", "hive:write", "spark"]))[0] == 201
    token, home = await server_token(client, "alice"), rc2.home / "hdfs"
    async with client.kernel("alice") as r, aiohttp.ClientSession() as session:

        async def answers() -> bool:
            code = 'cat(tryCatch({rc2::rc2_hdfs()$write_parquet(mtcars, "first"); "done"}, error = conditionMessage))'
            return (await r.run(code)).endswith("done")

        await until(answers, interval=0.5)
        account = {"user.name": "rc2", "doas": "alice"}
        ways = WayToHdfs(session, gateway_address(rc2, "hdfs"), token), WayToHdfs(session, hdfs.namenode(home), **account)
        entries = await files(ways)
        await session.put(ways[1].url("/user/alice", "SETPERMISSION", permission="755"))  # for hdfs://, as another account
        rpc = f"127.0.0.1:{hdfs.ports(home).read()['rpc']}"
        entries += await scans(r, rpc, folder)
        await r.run("rc2::rc2_hive_tables()")
        entries.append(await metastore(rc2, token))
    await client.stop("alice")
    write(entries)
    print("MiB: " + ", ".join(f"{name} {size}" for name, size in sorted(memory(rc2).items())))


def main() -> None:
    """Start a hub with HDFS, measure, stop it."""
    with tempfile.TemporaryDirectory() as folder:
        rc2 = Rc2(Path(folder, "rc2"))
        rc2.environment = {"RC2_SERVICES": "flights,spark,hdfs,hive"}
        rc2.start()
        try:
            asyncio.run(_measure(rc2, Path(folder)))
        finally:
            rc2.stop()


async def _measure(rc2: Rc2, folder: Path) -> None:
    async with rc2.client() as client:
        await measure(rc2, client, folder)


if __name__ == "__main__":
    main()
