"""Hive's tables from R and Spark, in a whole login: used as the user, refused like elsewhere, and lost with the grant."""

import re
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from rc2hub.gateways.hive_key import key_file
from rc2hub.processes import free_ports
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hive import Hive
from tests.fixtures.hub import Client, Kernel, Rc2, RError, rc2_with, until

TABLES = """
c.SharedServices.catalogue["store"] = {{"kind": "hdfs", "gateway": "http://127.0.0.1:{hdfs}", "namenode": "{namenode}"}}
c.SharedServices.catalogue["tables"] = {{
    "kind": "hive", "gateway": "http://127.0.0.1:{hive}", "metastore": "{metastore}", "hdfs": "store", "groups": ["staff"],
    "key": {{"file": "{key}"}},
}}
c.SharedServices.catalogue["spark"] |= {{"hdfs": "store", "hive": "tables"}}
c.JupyterHub.load_roles += [
    {{"name": "staff", "groups": ["staff"], "scopes": ["custom:rc2:store:write", "custom:rc2:tables:write"]}},
]
"""


@pytest.fixture(scope="module")
def rc2(hdfs: Hdfs, hive: Hive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """An Rc² that offers the metastore of the tests as `tables`, with a database for the group `staff`."""
    folder = tmp_path_factory.mktemp("rc2")
    ports = dict(zip(("hdfs", "hive"), free_ports(2), strict=True))
    entries = TABLES.format(namenode=hdfs.namenode, metastore=hive.url, key=key_file(hive.directory), **ports)
    with rc2_with(folder, entries) as running:
        yield running


CONNECT = "library(rc2); con <- rc2_spark(); run <- function(...) for (sql in c(...)) DBI::dbExecute(con, sql)"
SERVICES = ["store:write", "tables:write", "spark"]


@pytest.fixture(scope="module")
async def r(rc2: Rc2) -> AsyncIterator[Kernel]:
    """R of alice with a connection to Spark, which has Hive's catalogue; no test takes a grant from alice."""
    rc2.groups(alice=["staff", "analysts"], bob=["staff", "analysts"])
    async with rc2.client() as client, client.working("alice", SERVICES, CONNECT) as kernel:
        yield kernel


async def found(r: Kernel, expression: str) -> str:
    """What an expression gives, printed without the progress of Spark's queries."""
    await r.run(f"found <- {expression}")
    return await r.run("cat(found)")


MAKE = """
run("DROP TABLE IF EXISTS cars", "DROP TABLE IF EXISTS staff.shared")
DBI::dbWriteTable(con, "cars", head(mtcars))
run("CREATE TABLE staff.shared USING parquet AS SELECT * FROM cars")
"""
FORMATS = """
for (format in c("PARQUET", "ORC", "TEXTFILE")) {
  run(paste0("DROP TABLE IF EXISTS as_", format), paste0("CREATE TABLE as_", format, " (id BIGINT, s STRING) STORED AS ", format),
    paste0("INSERT INTO as_", format, " SELECT id, string(id) FROM range(10)"))
}
"""
PARTITIONS = """
run("DROP TABLE IF EXISTS parts", "DROP VIEW IF EXISTS summed",
  "CREATE TABLE parts USING parquet PARTITIONED BY (k) AS SELECT id, id % 4 AS k FROM range(100)",
  "INSERT INTO parts PARTITION (k = 9) SELECT 1", "ALTER TABLE parts DROP PARTITION (k = 0)", "MSCK REPAIR TABLE parts",
  "ANALYZE TABLE parts COMPUTE STATISTICS", "CREATE VIEW summed AS SELECT k, count(*) AS n FROM parts GROUP BY k",
  "DROP TABLE IF EXISTS outside", "CREATE TABLE outside (id BIGINT) USING parquet LOCATION 'webhdfs://rc2/user/alice/outside'",
  "INSERT OVERWRITE outside SELECT 7")
"""


async def test_a_users_tables_stay_and_are_listed(r: Kernel, hdfs: Hdfs):
    await r.run(MAKE)
    assert await found(r, "c('cars' %in% DBI::dbListTables(con), nrow(DBI::dbReadTable(con, 'cars')))") == "1 6"
    assert (
        await found(
            r, "{t <- rc2_hive_tables('tables'); paste0(t$database, '.', t$table)[t$table %in% c('cars', 'shared')]}"
        )
        == "alice.cars staff.shared"
    )
    status = (await hdfs.call("GET", "/warehouse/alice.db/cars", "GETFILESTATUS"))["FileStatus"]
    assert status["owner"] == "alice"
    owner = "{d <- DBI::dbGetQuery(con, 'DESCRIBE EXTENDED alice.cars'); d[[2]][d[[1]] == 'Owner']}"
    assert await found(r, owner) == "alice"


async def test_hives_own_formats_partitions_views_and_external_tables_work(r: Kernel):
    await r.run(FORMATS)
    joined = "SELECT count(*) AS n FROM as_parquet JOIN as_orc USING (id) JOIN as_textfile USING (id)"
    assert await found(r, f"as.numeric(DBI::dbGetQuery(con, '{joined}')$n)") == "10"
    await r.run(PARTITIONS)
    assert await found(r, "DBI::dbGetQuery(con, 'SELECT * FROM summed ORDER BY k')$k |> as.numeric()") == "1 2 3 9"
    assert await found(r, "DBI::dbGetQuery(con, 'SELECT id FROM spark_catalog.alice.outside')$id |> as.numeric()") == "7"


async def test_what_is_refused_is_one_sentence(r: Kernel):
    for statement, sentence in (
        ("CREATE DATABASE mine", "^Error: The hub makes and keeps the databases of Hive; make a table in one of yours."),
        (
            "CREATE TABLE evil (a INT) STORED AS PARQUET LOCATION ''file:///tmp/evil''",
            "^Error: A location must begin with webhdfs://rc2/",
        ),
        ("CREATE TABLE default.x (a INT) USING parquet", "You may not change the database default; make your tables in one"),
    ):
        with pytest.raises(RError, match=sentence):
            await r.run("run('" + statement.replace("''", "\\'") + "')")


BAD_STATES = {
    "a value of another type than the partition's": (
        """run("CREATE TABLE typed (id INT) PARTITIONED BY (k INT) STORED AS PARQUET",
        "INSERT INTO typed PARTITION (k = 'x') SELECT 1")""",
        "CAST_INVALID_INPUT|cannot be cast",
    ),
    "a table whose files are gone": (
        """run("CREATE TABLE gone (id INT) USING parquet", "INSERT INTO gone SELECT 1");
        rc2_hdfs("store")$rm("/warehouse/alice.db/gone", recursive = TRUE); run("REFRESH TABLE gone");
        stop(nrow(DBI::dbReadTable(con, "gone")), " rows")""",
        "0 rows|does not exist",
    ),
    "a database that does not exist": (
        """DBI::dbReadTable(con, DBI::Id(schema = "dropped", table = "x"))""",
        "cannot be found",
    ),
}
"""What is wrong, as code, and what R reports of it."""


@pytest.mark.parametrize("state", BAD_STATES)
async def test_a_bad_state_is_one_sentence_without_a_name_of_java(r: Kernel, state: str):
    code, sentence = BAD_STATES[state]
    await r.run('run("DROP TABLE IF EXISTS typed", "DROP TABLE IF EXISTS gone")')
    found = await r.run(f"cat(tryCatch({{{code}}}, error = conditionMessage))")
    assert re.search(sentence, found), found
    assert not re.search(r"java[.]|org[.]apache|Exception", found), found


async def test_another_user_sees_no_name_of_a_database_that_is_not_shared(rc2: Rc2, r: Kernel, client: Client):
    rc2.groups(alice=["staff", "analysts"], bob=["staff", "analysts"])
    await r.run(MAKE)
    async with client.working("bob", SERVICES, CONNECT) as bob:
        assert await found(bob, "DBI::dbGetQuery(con, 'SHOW DATABASES')[[1]]") == "bob default"
        assert await found(bob, "{t <- rc2_hive_tables('tables'); sum(t$database == 'alice')}") == "0"
        for statement in ("SELECT * FROM alice.cars", "DROP TABLE alice.cars", "DESCRIBE alice.cars"):
            with pytest.raises(RError, match="cannot be found"):
                await bob.run(f"DBI::dbGetQuery(con, '{statement}')")
        theirs = "CREATE TABLE theirs USING parquet LOCATION \\'webhdfs://rc2/warehouse/alice.db/cars\\'"
        with pytest.raises(RError, match="Permission denied: user=bob"):
            await bob.run(f"run('{theirs}')")
    assert await found(r, "nrow(DBI::dbReadTable(con, 'cars'))") == "6"


async def test_a_lost_grant_ends_the_tables_within_thirty_seconds_and_spark_goes_on(rc2: Rc2, client: Client):
    rc2.groups(alice=["staff", "analysts"], bob=["staff", "analysts"])
    async with client.working("bob", SERVICES, CONNECT) as bob:
        await bob.run('DBI::dbWriteTable(con, "kept", head(mtcars), overwrite = TRUE)')
        started_at = time.monotonic()
        rc2.groups(alice=["staff", "analysts"], bob=["analysts"])
        await bob.run("cat(tryCatch(repeat DBI::dbGetQuery(con, 'SHOW TABLES IN bob'), error = conditionMessage))")
        assert time.monotonic() - started_at < 30

        async def works_without_tables() -> bool:
            copied = "nrow(dplyr::collect(dplyr::copy_to(con, head(mtcars), 'copied', overwrite = TRUE)))"
            return await found(bob, f"tryCatch({copied}, error = function(error) 0)") == "6"

        await until(works_without_tables, interval=1)
