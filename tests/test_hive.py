"""Hive's tables from R and Spark, in a whole login."""

from collections.abc import AsyncIterator, Iterator

import pytest

from rc2hub.gateways.hive_key import key_file
from rc2hub.processes import free_ports
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hive import Hive
from tests.fixtures.hub import LOCAL, Client, Kernel, Rc2

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
install(c)
"""


@pytest.fixture(scope="module")
def rc2(hdfs: Hdfs, hive: Hive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """An Rc² that offers the metastore of the tests as `tables`, with a database for the group `staff`."""
    folder = tmp_path_factory.mktemp("rc2")
    ports = dict(zip(("hdfs", "hive"), free_ports(2), strict=True))
    entries = TABLES.format(namenode=hdfs.namenode, metastore=hive.url, key=key_file(hive.directory), **ports)
    (folder / "local.py").write_text(LOCAL.read_text().replace("\ninstall(c)\n", entries))
    running = Rc2(folder / "rc2", local=folder / "local.py")
    running.start()
    try:
        yield running
    finally:
        running.stop()


CONNECT = "library(rc2); con <- rc2_spark(); run <- function(...) for (sql in c(...)) DBI::dbExecute(con, sql)"
SERVICES = ["store:write", "tables:write", "spark"]


@pytest.fixture
async def r(rc2: Rc2, client: Client) -> AsyncIterator[Kernel]:
    """R of alice with a connection to Spark, which has Hive's catalogue."""
    rc2.groups(alice=["staff", "analysts"], bob=["staff", "analysts"])
    async with client.working("alice", SERVICES, CONNECT) as kernel:
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
