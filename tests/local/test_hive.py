"""HDFS and Hive of `make up`: what a document kept is there for R, SQL and Python, also after a kill and a restart."""

import asyncio
import contextlib
import json
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fixtures.course import check_document
from tests.fixtures.hub import Client, Kernel, Rc2, RError, rc2_with, until
from tests.test_kill import children, processes

STORES = "13-stores.Rmd"
SERVERS = {
    "HDFS's gateway": b"rc2hub.gateways.hdfs_gateway",
    "Hive's gateway": b"rc2hub.gateways.hive_gateway",
    "NameNode": b".NameNode\0",
    "DataNode": b".DataNode\0",
    "metastore": b".HiveMetaStore\0",
    "PostgreSQL": b"bin/postgres\0-D",
}
"""What all of HDFS and Hive consists of, with a part of each command."""
SERVICES = ["flights", "hdfs:write", "hive:write", "spark"]


@pytest.fixture(scope="module")
def rc2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """A running Rc² that offers all its services."""
    with rc2_with(tmp_path_factory.mktemp("rc2"), RC2_SERVICES="flights,spark,hdfs,hive") as running:
        yield running


@pytest.fixture(scope="module")
async def r(rc2: Rc2) -> AsyncIterator[Kernel]:
    """R of alice, who has all services; the test of the restart is the last that uses it."""
    rc2.groups(alice=["analysts"], bob=[])
    async with rc2.client() as client, client.working("alice", SERVICES, "library(rc2)") as kernel:
        await lines_of_python(client)
        await hdfs_answers(kernel)
        yield kernel


def servers(rc2: Rc2) -> dict[int, str]:
    """The process ids and names of the servers; one that a server has started for itself has the name, too."""
    commands = dict(processes(rc2))
    for pid in children(rc2):
        with contextlib.suppress(OSError):
            commands[pid] = Path(f"/proc/{pid}/cmdline").read_bytes()
    return {pid: name for pid, command in commands.items() for name, part in SERVERS.items() if part in command}


async def lines_of_python(client: Client) -> dict[str, str]:
    """Wait until alice's services are attached; kind to the line of Python that the panel shows."""
    lines: dict[str, str] = {}

    async def are_attached() -> bool:
        _, answer = await client.call("GET", "/user/alice/rc2/services")
        lines.update({service["kind"]: service["python_code"] for service in answer["services"]})
        return all(lines.values())

    await until(are_attached, interval=0.5)
    return lines


async def hdfs_answers(r: Kernel) -> None:
    """Wait until HDFS takes files: a server that has just started knows no DataNode yet."""
    code = """cat(tryCatch({ rc2_hdfs()$write_parquet(mtcars, "first.parquet", overwrite = TRUE); "written" },
        error = conditionMessage))"""

    async def is_written() -> bool:
        return (await r.run(code)).endswith("written")

    await until(is_written, interval=0.5)


async def test_the_lines_of_python_on_the_panel_are_a_script(client: Client, r: Kernel):
    lines = await lines_of_python(client)
    script = f"""
{lines["postgres"]}
cursor = con.cursor()
cursor.execute("SELECT count(*) FROM flights")
{lines["hdfs"]}
{lines["spark"]}
spark.range(1000).write.saveAsTable("numbers")
tables = {lines["hive"]}
print(cursor.fetchone(), store.exists("/user/alice/first.parquet"), spark.table("numbers").count(), list(tables.tableName))
"""
    await r.run(f"writeLines({json.dumps(script)}, 'script.py')")
    printed = await r.run(
        """cat(system2(Sys.getenv("RC2_DATA_PYTHON"), "script.py", stdout = TRUE, stderr = TRUE), sep = "\n")"""
    )
    assert printed == "(336776,) True 1000 ['numbers']\n"


async def test_a_user_without_grants_reads_for_each_service_whom_to_ask(client: Client, r: Kernel):
    async with client.working("bob", [], "library(rc2)") as kernel:
        for code in ('rc2_connect("flights")', "rc2_spark()", "rc2_hdfs()", "rc2_hive_tables()"):
            with pytest.raises(RError, match=r"\w+: you have no grant for this service; ask the operator of this hub"):
                await kernel.run(code)


BEGIN = """
store <- rc2_hdfs(); con <- rc2_spark(); file <- tempfile()
unlink("enough"); hole <- file(file, "wb"); seek(hole, 2^26); writeBin(raw(1), hole); close(hole)
"""
USES = """
cat("begun"); cat(tryCatch(while (!file.exists("enough")) {
  store$put(file, "large", overwrite = TRUE); rc2_hive_tables(); DBI::dbGetQuery(con, "SHOW TABLES")
}, error = conditionMessage))
"""
AFTERWARDS = """
cat(tryCatch({
  store$put(file, "large", overwrite = TRUE)
  DBI::dbWriteTable(con, "cars", head(mtcars), overwrite = TRUE)
  c(store$info("large")$size == file.size(file), nrow(DBI::dbReadTable(con, "cars")), sum(rc2_hive_tables()$table == "cars"),
    sum(startsWith(store$ls()$name, ".")))
}, error = conditionMessage))
"""


@pytest.mark.parametrize("name", SERVERS)
async def test_after_a_kill_in_the_middle_of_use_the_next_use_works_and_nothing_is_left(rc2: Rc2, r: Kernel, name: str):
    await r.run(BEGIN)
    before = servers(rc2)
    running = asyncio.create_task(r.run(USES))
    await until(lambda: begun(r))
    killed = min(pid for pid, found in before.items() if found == name)
    os.kill(killed, signal.SIGKILL)

    async def is_back() -> bool:
        now = servers(rc2)
        return killed not in now and Counter(now.values()) == Counter(before.values())

    await until(is_back)
    (rc2.home / "homes" / "alice" / "enough").touch()
    sentence = await running
    assert not re.search(r"java\.|org\.apache|Traceback", sentence), sentence

    async def works() -> bool:
        return (await r.run(AFTERWARDS)).endswith("1 6 1 0")

    await until(works, interval=0.5)
    await until(is_back)


async def begun(r: Kernel) -> bool:
    return "begun" in r.output


@pytest.fixture(scope="module")
async def first_page(rc2: Rc2, r: Kernel) -> str:
    """The page of the document about stores when it has run for the first time."""
    async with rc2.client() as client:
        return await check_document(client, "alice", STORES)


def test_a_document_keeps_files_and_a_table_that_r_sql_and_python_read(first_page: str):
    assert "[1] FALSE" in first_page


async def test_what_it_keeps_is_there_after_a_restart(rc2: Rc2, client: Client, r: Kernel, first_page: str):
    rc2.stop()
    assert list(processes(rc2)) == []
    rc2.start()
    await client.start("alice", services=SERVICES)
    await lines_of_python(client)
    async with client.kernel("alice") as again:
        await again.run("library(rc2)")
        await hdfs_answers(again)
    assert "[1] TRUE" in await check_document(client, "alice", STORES)
