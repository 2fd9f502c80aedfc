"""Hive of `make up`: its tables are there for R and Spark, come back after a kill and a restart, and it ends with the hub."""

import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fixtures.hub import Client, Kernel, Rc2, rc2_with, until
from tests.test_kill import processes

METASTORE = b".HiveMetaStore\0"
SERVICES = ["hdfs:write", "hive:write", "spark"]
CONNECT = "library(rc2); con <- rc2_spark()"
LIST = 'cat(tryCatch(rc2_hive_tables()$table, error = function(error) ""))'


@pytest.fixture(scope="module")
def rc2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """A running Rc² that offers all its services."""
    with rc2_with(tmp_path_factory.mktemp("rc2"), RC2_SERVICES="flights,spark,hdfs,hive") as running:
        yield running


@pytest.fixture
async def r(rc2: Rc2, client: Client) -> AsyncIterator[Kernel]:
    """R of alice, who has Hive's tables in Spark."""
    rc2.groups(alice=["analysts"], bob=[])
    async with client.working("alice", SERVICES, CONNECT) as kernel:
        yield kernel


def metastores(rc2: Rc2) -> list[int]:
    return [pid for pid, command in processes(rc2) if METASTORE in command]


async def lists_the_table(r: Kernel) -> None:
    """Wait until the metastore answers with the table."""

    async def is_listed() -> bool:
        return await r.run(LIST) == "cars"

    await until(is_listed, interval=0.5)


async def test_a_table_stays_after_a_kill_of_the_metastore_and_a_restart_of_the_hub(rc2: Rc2, client: Client, r: Kernel):
    await r.run('DBI::dbWriteTable(con, "cars", head(mtcars))')
    await lists_the_table(r)
    (killed,) = metastores(rc2)
    os.kill(killed, signal.SIGKILL)
    await lists_the_table(r)
    assert metastores(rc2) != [killed]
    rc2.stop()
    assert list(processes(rc2)) == []
    rc2.start()
    await client.start("alice", services=SERVICES)
    async with client.kernel("alice") as again:
        await again.run("library(rc2)")
        await lists_the_table(again)
        await again.run('con <- rc2_spark(); found <- nrow(DBI::dbReadTable(con, "cars"))')
        assert await again.run("cat(found)") == "6"
