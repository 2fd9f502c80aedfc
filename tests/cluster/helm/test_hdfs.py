"""Users work in HDFS through the chart: from R, and from Spark on executors. HDFS is the chart's own, or outside of it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.helm.release import PROBE, Release, count_cars_on_executors, released, working
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hub import Client, RError

pytestmark = pytest.mark.timeout(600)
SCOPES = ["custom:rc2:hdfs:read", "custom:rc2:hdfs:write", "custom:rc2:spark:use"]
SERVERS = ("rc2-hdfs-namenode-0", "rc2-hdfs-datanode-0", "rc2-hdfs-datanode-1")


@pytest.fixture(scope="module", params=["own", "external"])
def release(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Release]:
    values: dict[str, Any] = {
        "hdfs.enabled": True,
        "hdfs.resources.requests": {"cpu": "10m", "memory": "64Mi"},
        "spark.enabled": True,
        "spark.drivers": {"memory": "512m", "executors": 1, "executor_memory": "512m"},
        "spark.resources.requests": {"cpu": "10m", "memory": "64Mi"},
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": PROBE},
            {"name": "writers", "groups": ["editors"], "scopes": SCOPES},
        ],
    }
    if request.param == "own":
        small = {"requests": {"cpu": "10m", "memory": "200Mi"}, "limits": {"memory": "512Mi"}}
        values |= {
            "hdfs.namenode": {"resources": small, "storage": {"size": "1Gi"}},
            "hdfs.datanode": {"replicas": 2, "resources": small, "storage": {"size": "1Gi"}},
        }
    else:
        outside: Hdfs = request.getfixturevalue("outside_hdfs")
        values |= {"hdfs.external": True, "hdfs.address": outside.namenode, "hdfs.cidrs": [f"{outside.address}/32"]}
    cluster.image("spark")
    with released(cluster, **values) as release:
        release.install()
        yield release


async def test_r_and_spark_on_executors_work_as_the_user(release: Release, outside: Client) -> None:
    async with working(outside, alice=["hdfs:write", "spark"], bob=["hdfs:read", "spark"]) as (alice, bob):
        for r in (alice, bob):
            await r.run('store <- rc2::rc2_hdfs("hdfs"); con <- rc2::rc2_spark()')
        await count_cars_on_executors(release, alice)
        assert await alice.run('cat(unique(store$ls("by_cyl")$owner))') == "alice"
        with pytest.raises(RError, match="Permission denied: user=bob"):
            await bob.run('dplyr::collect(store$tbl(con, "/user/alice/cars.parquet"))')
        with pytest.raises(RError, match="takes the level write; this server has the level read"):
            await bob.run('store$write_parquet(mtcars, "cars.parquet")')


@pytest.mark.parametrize("release", ["own"], indirect=True)
async def test_files_are_kept_while_every_server_of_hdfs_is_replaced(release: Release, outside: Client) -> None:
    async with working(outside, alice=["hdfs:write"]) as (alice,):
        await alice.run('store <- rc2::rc2_hdfs("hdfs"); store$write_parquet(iris, "iris.parquet")')
        found = await asyncio.to_thread(hdfs, release, "fsck", "/user/alice/iris.parquet")
        assert "Average block replication:\t2.0" in found, found
        for pod in SERVERS:
            await asyncio.to_thread(release.namespace.kubectl, "delete", "pod", pod, "--wait=true")
        await asyncio.to_thread(eventually, lambda: is_ready(release))
        await asyncio.to_thread(hdfs, release, "dfsadmin", "-safemode", "wait")
        rows = await alice.run('cat(nrow(store$read_parquet("iris.parquet")))')
        assert rows.endswith("150")  # a progress bar comes before, if it takes long


def is_ready(release: Release) -> bool:
    """Whether Kubernetes has made all pods of HDFS again, and they are ready."""
    release.namespace.wait("condition=Ready", *(f"pod/{pod}" for pod in SERVERS), timeout=30)
    return True


def hdfs(release: Release, *arguments: str) -> str:
    """Run Hadoop's command `hdfs` as an operator does."""
    return release.namespace.exec(SERVERS[0], "hdfs", *arguments)
