"""Users work with Hive's tables through the chart: from R, and from Spark on executors. The metastore is outside of it.

tests/cluster/test_stores.py has the chart's own.
"""

import asyncio
import re
import time
from collections.abc import Iterator

import pytest

from rc2hub.gateways.hive_key import key_file
from tests.cluster.cluster import Cluster
from tests.cluster.helm.release import PROBE, Release, released, working
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hive import Hive
from tests.fixtures.hub import Client, Kernel, RError
from tests.fixtures.postgres import Postgres
from tests.fixtures.started import started

pytestmark = pytest.mark.timeout(600)
TABLES = "/hub/api/groups/tables"
CONNECT = """
library(rc2); library(dplyr, warn.conflicts = FALSE)
con <- rc2_spark(); run <- function(sql) DBI::dbExecute(con, sql)
"""
MAKE = """
DBI::dbWriteTable(con, "cars", mtcars)
run("CREATE TABLE by_cyl STORED AS PARQUET AS SELECT cyl, count(*) AS n FROM cars GROUP BY cyl")
run("CREATE TABLE staff.shared USING parquet AS SELECT * FROM by_cyl")
"""
LISTED = "sort(with(rc2_hive_tables(), sprintf('%s.%s', database, table)))"
READ = "collect(arrange(tbl(con, dbplyr::in_catalog('spark_catalog', 'alice', 'by_cyl')), cyl))$n"
NO_TABLES = "cat(tryCatch(repeat rc2_hive_tables(), error = conditionMessage))"


@pytest.fixture(scope="module")
def metastore(postgres: Postgres, outside_hdfs: Hdfs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    """A metastore on this machine, with its PostgreSQL and HDFS; pods reach it and HDFS."""
    with started(Hive(tmp_path_factory.mktemp("hive"), postgres, outside_hdfs)) as running:
        yield running


@pytest.fixture(scope="module")
def release(cluster: Cluster, metastore: Hive) -> Iterator[Release]:
    small = {"cpu": "10m", "memory": "64Mi"}
    address = f"{metastore.address}/32"
    values = {
        **{f"{service}.enabled": True for service in ("hdfs", "hive", "spark")},
        **{"hdfs.external": True, "hdfs.address": metastore.namenode, "hdfs.cidrs": [address]},
        **{"hive.external": True, "hive.address": metastore.url, "hive.groups": ["staff"], "hive.cidrs": [address]},
        "hive.existingSecret": "hive",
        "spark.drivers": {"memory": "700m", "executors": 1, "executor_memory": "512m"},
        **{f"{component}.resources.requests": small for component in ("hdfs", "hive", "spark")},
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": PROBE},
            {"name": "editors", "groups": ["editors"], "scopes": ["custom:rc2:hdfs:write", "custom:rc2:spark:use"]},
            {"name": "tables", "groups": ["tables"], "scopes": ["custom:rc2:hive:read", "custom:rc2:hive:write"]},
        ],
    }
    cluster.image("spark")
    with released(cluster, **values) as release:
        key = f"--from-file={key_file(metastore.directory)}"
        release.namespace.kubectl("create", "secret", "generic", "hive", key)
        release.install()
        yield release


async def found(r: Kernel, expression: str) -> str:
    """What an expression gives, printed without the progress of Spark's queries."""
    await r.run(f"found <- {expression}")
    return await r.run("cat(as.character(found))")


async def test_a_table_of_spark_is_read_from_r_by_its_owner_and_stays(release: Release, outside: Client) -> None:
    await asyncio.gather(outside.create("alice"), outside.create("bob"))
    await outside.call("POST", TABLES)
    await outside.call("POST", f"{TABLES}/users", json={"users": ["alice", "bob"]})
    async with working(outside, alice=["hdfs:write", "hive:write", "spark"], bob=["hdfs:write", "hive:read", "spark"]) as (
        alice,
        bob,
    ):
        await asyncio.gather(alice.run(CONNECT), bob.run(CONNECT))
        await alice.run(MAKE)
        assert {pod["metadata"]["labels"]["spark-role"] for pod in release.spark.get("pods")} == {"driver", "executor"}
        assert await found(alice, "sort(DBI::dbListTables(con))") == "by_cyl cars"
        assert await found(alice, LISTED) == "alice.by_cyl alice.cars staff.shared"
        assert await found(alice, READ) == "11 7 14"
        assert await found(bob, LISTED) == ""
        for table in ("alice.cars", "staff.shared"):
            with pytest.raises(RError, match="cannot be found"):
                await bob.run(f"DBI::dbGetQuery(con, 'SELECT * FROM {table}')")
        with pytest.raises(RError, match="takes the level write; this server has the level read"):
            await bob.run("run('CREATE TABLE mine (a INT) USING parquet')")
    async with working(outside, alice=["hdfs:write", "hive:write", "spark"]) as (alice,):
        await alice.run(CONNECT)
        assert await found(alice, READ) == "11 7 14"
        started_at = time.monotonic()
        await outside.call("DELETE", f"{TABLES}/users", json={"users": ["alice"]})
        assert re.search("^hive: .*(no grant|not attached|detached)", await alice.run(NO_TABLES))
        await alice.run("cat(tryCatch(repeat DBI::dbGetQuery(con, 'SELECT * FROM alice.cars'), error = conditionMessage))")
        assert time.monotonic() - started_at < 30
