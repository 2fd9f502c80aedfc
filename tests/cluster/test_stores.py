"""The document about stores on a cluster: PostgreSQL, HDFS, Hive and Spark with executors are all the chart's own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.helm.release import COURSE_SERVICES, PROBE, Release, released, wait_for_services
from tests.cluster.helm.test_install import documented, shell
from tests.fixtures.course import check_document, upload
from tests.fixtures.hub import RError

pytestmark = pytest.mark.timeout(600)
STORES = "13-stores.Rmd"
SERVICES = {"flights": "read", "hdfs": "write", "hive": "write", "spark": "use"}
"""What the document needs: all services of the release."""


@pytest.fixture(scope="module")
def release(cluster: Cluster) -> Iterator[Release]:
    small = {"requests": {"cpu": "10m", "memory": "200Mi"}, "limits": {"memory": "512Mi"}}
    values = {
        **COURSE_SERVICES,
        "spark.drivers": {"executors": 1, "executor_idle": 600},
        **{f"{service}.enabled": True for service in ("hdfs", "hive")},
        **{f"{service}.resources.requests": {"cpu": "10m", "memory": "64Mi"} for service in ("hdfs", "hive")},
        **{f"hdfs.{server}": {"resources": small, "storage": {"size": "1Gi"}} for server in ("namenode", "datanode")},
        "hive.metastore.resources": small,
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": PROBE},
            {"name": "all", "users": ["alice"], "scopes": [f"custom:rc2:{name}:{SERVICES[name]}" for name in SERVICES]},
        ],
    }
    cluster.image("spark")
    with released(cluster, **values) as release:
        release.install("--wait-for-jobs")
        yield release


async def knit_stores(release: Release) -> str:
    """Log in as alice with all services, and check the document, for which Spark computes on executors."""
    async with release.client() as client:
        await wait_for_services(client, *SERVICES)
        await client.create("alice")
        assert (await client.start("alice", services=[f"{name}:{SERVICES[name]}" for name in SERVICES]))[0] == 201
        await upload(client, "alice", [])
        page = await check_document(client, "alice", STORES)
        assert {pod["metadata"]["labels"]["spark-role"] for pod in release.spark.get("pods")} == {"driver", "executor"}
        await client.stop("alice")
        return page


@pytest.fixture(scope="module")
async def first_page(release: Release) -> str:
    """The page when the document has run for the first time."""
    return await knit_stores(release)


def test_a_document_keeps_files_and_a_table_that_r_sql_and_python_read(first_page: str):
    assert "[1] FALSE" in first_page


async def test_bob_reads_for_each_service_whom_to_ask(release: Release):
    async with release.client() as client, client.working("bob", [], "library(rc2)") as r:
        for code in ('rc2_connect("flights")', "rc2_spark()", "rc2_hdfs()", "rc2_hive_tables()"):
            with pytest.raises(RError, match=r"\w+: you have no grant for this service; ask the operator of this hub"):
                await r.run(code)


async def test_what_it_keeps_is_there_after_a_restore_and_a_restart_of_everything(
    release: Release, first_page: str, tmp_path: Path
):
    components = set(release.pods())
    backup, _, *of_metastore = documented()
    for block in of_metastore:
        await asyncio.to_thread(shell, release, tmp_path, backup.split("\n\n")[0] + "\n" + block)
    await asyncio.to_thread(restart, release, components)
    assert "[1] TRUE" in await knit_stores(release)


def restart(release: Release, components: set[str]) -> None:
    """Restart all pods of the chart and of Spark at once, and wait until HDFS has its files again."""
    for namespace in (release.spark, release.namespace):
        namespace.kubectl("delete", "pods", "--all")
    eventually(lambda: set(release.pods()) == components)
    release.namespace.wait("condition=Ready", "pods", "--all")
    release.namespace.exec("rc2-hdfs-namenode-0", "hdfs", "dfsadmin", "-safemode", "wait")
