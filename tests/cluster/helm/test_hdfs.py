"""Users work in an HDFS outside the cluster, through the chart's gateway: from R, and from Spark on executors."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.helm.release import PROBE, Release, released, working
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hub import Client, RError

pytestmark = pytest.mark.timeout(600)
SCOPES = ["custom:rc2:hdfs:read", "custom:rc2:hdfs:write", "custom:rc2:spark:use"]


@pytest.fixture(scope="module")
def outside_hdfs(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hdfs]:
    """A NameNode and a DataNode on this machine, at an address that pods reach."""
    running = Hdfs(tmp_path_factory.mktemp("hdfs"), cluster.settings["RC2_HOST_IP"])
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def release(cluster: Cluster, outside_hdfs: Hdfs) -> Iterator[Release]:
    values = {
        "hdfs.enabled": True,
        "hdfs.namenode": outside_hdfs.namenode,
        "hdfs.cidrs": [f"{outside_hdfs.address}/32"],
        "hdfs.resources.requests": {"cpu": "10m", "memory": "64Mi"},
        "spark.enabled": True,
        "spark.drivers": {"memory": "512m", "executors": 1, "executor_memory": "512m"},
        "spark.resources.requests": {"cpu": "10m", "memory": "64Mi"},
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": PROBE},
            {"name": "writers", "groups": ["editors"], "scopes": SCOPES},
        ],
    }
    cluster.image("spark")
    with released(cluster, **values) as release:
        release.install()
        yield release


async def test_r_and_spark_on_executors_work_as_the_user(release: Release, outside: Client, outside_hdfs: Hdfs) -> None:
    async with working(outside, alice=["hdfs:write", "spark"], bob=["hdfs:read", "spark"]) as (alice, bob):
        for r in (alice, bob):
            await r.run('library(dplyr, warn.conflicts = FALSE); store <- rc2::rc2_hdfs("hdfs")')
        await alice.run('store$write_parquet(mtcars, "cars.parquet"); con <- rc2::rc2_spark()')
        await alice.run('by <- count(store$tbl(con, "cars.parquet"), cyl); store$write_parquet(by, "by_cyl")')
        assert await alice.run('cat(sort(store$read_parquet("by_cyl", bigint = "integer")$n))') == "7 11 14"
        roles = {pod["metadata"]["labels"]["spark-role"] for pod in spark_pods(release)}
        assert roles == {"driver", "executor"}
        written = (await outside_hdfs.call("GET", "/user/alice/by_cyl", "LISTSTATUS"))["FileStatuses"]["FileStatus"]
        assert {entry["owner"] for entry in written} == {"alice"}
        await bob.run("con <- rc2::rc2_spark()")
        with pytest.raises(RError, match="Permission denied: user=bob"):
            await bob.run('collect(store$tbl(con, "/user/alice/cars.parquet"))')
        with pytest.raises(RError, match="takes the level write; this server has the level read"):
            await bob.run('store$write_parquet(mtcars, "cars.parquet")')


def spark_pods(release: Release) -> Any:
    return Namespace(release.cluster, f"{release.namespace.name}-spark").get("pods")
