"""HDFS of `make up`: it is there for R and Spark, comes back after a kill, keeps its files, and ends with the hub."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rc2hub.local import hdfs
from tests.fixtures.hub import Client, Kernel, Rc2, rc2_with, until
from tests.test_kill import processes

SERVERS = ["NameNode", "DataNode"]


@pytest.fixture(scope="module")
def rc2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """A running Rc² that offers two of its services; an earlier first start was interrupted."""
    folder = tmp_path_factory.mktemp("rc2")
    unfinished = folder / "rc2" / "hdfs" / "name.new" / "current"
    unfinished.mkdir(parents=True)
    (unfinished / "VERSION").touch()
    with rc2_with(folder, RC2_SERVICES="spark,hdfs") as running:
        yield running


@pytest.fixture
async def r(rc2: Rc2, client: Client) -> AsyncIterator[Kernel]:
    """R of alice, who has HDFS and Spark."""
    rc2.groups(alice=["analysts"], bob=[])
    code = "library(rc2); library(dplyr, warn.conflicts = FALSE)"
    async with client.working("alice", ["hdfs:write", "spark"], code) as kernel:
        yield kernel


WRITE = """
store <- rc2_hdfs()
writeLines("1", file <- tempfile())
store$put(file, "kept", overwrite = TRUE)
"""
READ = 'cat(rc2_hdfs()$read_csv("kept", header = FALSE)$V1)'


async def succeeds(r: Kernel, code: str) -> None:
    """Run code until it has no error: a server that has just started knows no DataNode yet."""

    async def has_no_error() -> bool:
        return (await r.run(f"cat(tryCatch({{{code}; 'done'}}, error = conditionMessage))")).endswith("done")

    await until(has_no_error, interval=0.5)


def servers(rc2: Rc2, name: str) -> list[int]:
    return [pid for pid, command in processes(rc2) if command.endswith(f".{name}\0".encode())]


async def test_r_and_spark_use_it(r: Kernel):
    await succeeds(r, WRITE)
    await r.run('con <- rc2_spark(); store$write_parquet(mtcars, "cars.parquet", overwrite = TRUE)')
    await r.run('total <- pull(summarise(store$tbl(con, "cars.parquet"), n = sum(cyl)), n)')
    assert await r.run("cat(total)") == "198"


@pytest.mark.parametrize("name", SERVERS)
async def test_a_killed_server_comes_back_with_its_files(rc2: Rc2, r: Kernel, name: str):
    await succeeds(r, WRITE)
    (killed,) = servers(rc2, name)
    os.kill(killed, signal.SIGKILL)
    await succeeds(r, READ)


async def test_r_attaches_at_the_level_that_was_requested_while_hdfs_was_away(rc2: Rc2, client: Client):
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    (namenode,) = servers(rc2, "NameNode")
    os.kill(namenode, signal.SIGSTOP)
    try:
        assert (await client.start("alice", services=["hdfs:write"]))[0] == 201
        async with client.kernel("alice") as r:
            await r.run("library(rc2)")

            async def has_failed() -> bool:
                return "HDFS does not answer" in await r.run('cat(subset(rc2_services(), service == "hdfs")$message)')

            await until(has_failed, interval=0.5)
            os.kill(namenode, signal.SIGCONT)
            await succeeds(r, WRITE)
    finally:
        os.kill(namenode, signal.SIGCONT)
    await client.stop("alice")


async def test_it_leaves_nothing_in_the_machines_folder_for_temporary_files(rc2: Rc2, r: Kernel):
    await succeeds(r, WRITE)
    ports = hdfs.ports(rc2.home / "hdfs").read().values()
    assert [file.name for file in Path("/tmp").iterdir() if any(f"-{port}-" in file.name for port in ports)] == []
    assert list((rc2.home / "hdfs" / "java").iterdir()) != []


async def test_its_files_are_there_after_a_restart_and_no_process_before_it(rc2: Rc2, client: Client, r: Kernel):
    await succeeds(r, WRITE)
    rc2.stop()
    assert list(processes(rc2)) == []
    rc2.start()
    await client.start("alice", services=["hdfs:write"])
    async with client.kernel("alice") as again:
        await again.run("library(rc2)")
        await succeeds(again, READ)
        assert await again.run(READ) == "1"
