"""HDFS from R, in a whole login: a user works as the user, is refused like elsewhere, and loses it with the grant."""

import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rc2hub.processes import free_ports
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hub import Client, Kernel, Rc2, RError, rc2_with, until
from tests.test_kill import children

GATEWAY = b"rc2hub.gateways.hdfs_gateway"
STORE = """
c.SharedServices.catalogue["store"] = {{"kind": "hdfs", "gateway": "http://127.0.0.1:{port}", "namenode": "{namenode}"}}
c.SharedServices.catalogue["spark"]["hdfs"] = "store"
c.JupyterHub.load_roles += [{{"name": "staff", "groups": ["staff"], "scopes": ["custom:rc2:store:write"]}}]
"""


@pytest.fixture(scope="module")
def rc2(hdfs: Hdfs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """An Rc² that offers the HDFS of the tests as `store`."""
    folder = tmp_path_factory.mktemp("rc2")
    store = STORE.format(port=free_ports(1)[0], namenode=hdfs.namenode)
    with rc2_with(folder, store) as running:
        yield running


@pytest.fixture(scope="module")
async def session(rc2: Rc2) -> AsyncIterator[Kernel]:
    """R of alice's server, which the tests share."""
    rc2.groups(alice=["staff", "analysts"], bob=[])
    async with (
        rc2.client() as client,
        client.working("alice", ["store:write"], 'store <- rc2::rc2_hdfs("store"); file <- tempfile()') as kernel,
    ):
        yield kernel


@pytest.fixture
async def r(rc2: Rc2, session: Kernel) -> Kernel:
    """R of alice, who has the store at the level write."""
    rc2.groups(alice=["staff", "analysts"], bob=[])

    async def is_attached() -> bool:
        return await session.run('s <- rc2::rc2_services(); cat(s$attached[s$service == "store"])') == "TRUE"

    await until(is_attached, interval=0.5)
    return session


async def test_a_user_writes_and_reads_under_the_own_name(r: Kernel, hdfs: Hdfs):
    await r.run('write.csv(data.frame(x = 1:3), file, row.names = FALSE); store$put(file, "x.csv", overwrite = TRUE)')
    assert await r.run('cat(sum(store$read_csv("x.csv")$x), with(store$ls(), owner[name == "x.csv"]))') == "6 alice"
    status = (await hdfs.call("GET", "/user/alice", "GETFILESTATUS"))["FileStatus"]
    assert (status["owner"], status["permission"]) == ("alice", "700")
    assert await r.run("s <- rc2::rc2_services(); cat(s$role[s$service == 'store'])") == "alice"


@pytest.fixture
async def spark(r: Kernel) -> Kernel:
    """R of alice with a connection to Spark, and a Parquet file in the store."""
    await r.run("con <- rc2::rc2_spark(); library(dplyr, warn.conflicts = FALSE)")
    await r.run('store$write_parquet(mtcars, "cars.parquet", overwrite = TRUE)')
    return r


async def test_spark_reads_and_writes_as_the_user(spark: Kernel, hdfs: Hdfs):
    await spark.run('total <- pull(summarise(store$tbl(con, "cars.parquet"), n = sum(cyl)), n)')
    assert await spark.run("cat(total)") == "198"
    await spark.run('by <- count(store$tbl(con, "cars.parquet"), cyl); store$write_parquet(by, "by cyl", overwrite = TRUE)')
    assert await spark.run('cat(sort(store$read_parquet("by cyl", bigint = "integer")$n))') == "7 11 14"
    written = (await hdfs.call("GET", "/user/alice/by cyl", "LISTSTATUS"))["FileStatuses"]["FileStatus"]
    # Hadoop's client asks for three copies, whatever HDFS is set to
    assert {(entry["owner"], entry["replication"]) for entry in written} == {("alice", 1)}


async def test_spark_finds_files_with_odd_names(spark: Kernel):
    for name in ("a b", "100%", "%41", "a+b", "ü ß €", "名前", "a*b", "[x]", "{a,b}", "it's", "a?b", "a#b"):
        await spark.run(
            f"""write.csv(head(mtcars, 3), file); store$put(file, "read by spark/{name}.csv", overwrite = TRUE)"""
        )
        await spark.run(f"""rows <- nrow(collect(store$tbl(con, "read by spark/{name}.csv")))""")
        assert await spark.run("cat(rows)") == "3", name


async def test_a_partition_is_a_folder_with_the_name_of_its_value(spark: Kernel):
    await spark.run("""copy_to(con, data.frame(x = 1:2, city = c("Zürich", "a/b %")), "cities", overwrite = TRUE)""")
    await spark.run("""DBI::dbExecute(con, "CREATE TABLE written USING parquet PARTITIONED BY (city)
        LOCATION 'webhdfs://rc2/user/alice/cities' AS SELECT * FROM cities")""")
    await spark.run("""found <- arrange(collect(store$tbl(con, "cities")), x)""")
    assert await spark.run("cat(found$city)") == "Zürich a/b %"


async def test_what_hdfs_refuses_to_spark_is_one_sentence(spark: Kernel, hdfs: Hdfs):
    for folder, owner, permission in (("/user/bob", "bob", "700"), ("/open", "hdfs", "755")):
        await hdfs.call("PUT", folder, "MKDIRS", permission=permission)
        await hdfs.call("PUT", folder, "SETOWNER", owner=owner)
    refused = r"^Error: Permission denied: user=alice, .*\nHint: HDFS refuses this to you; ask the owner or the operator for the right\.\n$"
    with pytest.raises(RError, match=refused):
        await spark.run("""collect(store$tbl(con, "/user/bob/x.parquet"))""")
    with pytest.raises(RError, match=refused):
        await spark.run("""store$write_parquet(store$tbl(con, "cars.parquet"), "/open/cars.parquet")""")
    with pytest.raises(RError, match="/user/alice/cars.parquet exists; overwrite = TRUE replaces it"):
        await spark.run("""store$write_parquet(store$tbl(con, "cars.parquet"), "cars.parquet")""")
    with pytest.raises(RError, match="Path does not exist: webhdfs://rc2/user/alice/nowhere.parquet"):
        await spark.run("""collect(store$tbl(con, "nowhere.parquet"))""")
    with pytest.raises(RError, match="give format, one of parquet, csv, json, orc"):
        await spark.run("""store$tbl(con, "cars.zip")""")
    with pytest.raises(RError, match="The table must be one of Spark"):
        await spark.run("""store$tbl(mtcars, "cars.parquet")""")


async def test_a_lost_grant_ends_sparks_scans_within_thirty_seconds_and_spark_goes_on_without_the_store(
    rc2: Rc2, spark: Kernel
):
    started_at = time.monotonic()
    rc2.groups(alice=["analysts"], bob=[])
    output = await spark.run("""cat(tryCatch(repeat collect(store$tbl(con, "cars.parquet")), error = conditionMessage))""")
    assert time.monotonic() - started_at < 30
    assert re.search("store is not attached to (your|this) server|HDFS was detached from this server", output)
    assert await spark.run("cat(pull(collect(tbl(con, sql('SELECT 42 AS x'))), x))") == "42"


async def test_a_user_without_a_grant_reads_whom_to_ask(rc2: Rc2, client: Client):
    rc2.groups(alice=["staff", "analysts"], bob=[])
    await client.create("bob")
    status, answer = await client.start("bob", services=["store:write"])
    assert (status, answer["message"]) == (403, "store: you have no grant for this service; ask the operator of this hub.")
    assert (await client.start("bob"))[0] == 201
    async with client.kernel("bob") as kernel:
        with pytest.raises(RError, match="store: you have no grant for this service; ask the operator of this hub"):
            await kernel.run('rc2::rc2_hdfs("store")')
    await client.stop("bob")


@pytest.mark.parametrize("use", ["store$put(file, 'long', overwrite = TRUE)", "store$get('long', back, overwrite = TRUE)"])
async def test_a_lost_grant_ends_running_writes_and_reads_within_thirty_seconds_and_r_goes_on(rc2: Rc2, r: Kernel, use: str):
    await r.run('hole <- file(file, "wb"); seek(hole, 2^28); writeBin(raw(1), hole); close(hole); mine <- 41')
    await r.run("store$put(file, 'long', overwrite = TRUE); back <- tempfile()")
    started_at = time.monotonic()
    rc2.groups(alice=[], bob=[])
    output = await r.run(f"cat(tryCatch(repeat {use}, error = conditionMessage))")
    assert time.monotonic() - started_at < 30
    assert "store" in output
    assert await r.run("cat(mine + 1)") == "42"


async def test_a_killed_gateway_is_started_again_and_the_next_use_works(rc2: Rc2, r: Kernel):
    (killed,) = (pid for pid in children(rc2) if GATEWAY in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(killed, signal.SIGKILL)

    async def is_back() -> bool:
        return await r.run('cat(tryCatch(nrow(store$ls("/")) > 0, error = function(error) FALSE))') == "TRUE"

    await until(is_back, interval=0.5)
