"""The course on a cluster: R is in a pod, PostgreSQL and Spark are those of the chart, and Spark computes on executors."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.helm.release import COURSE_SERVICES, PROBE, Release, released
from tests.fixtures.course import COURSE, EXAMPLES, check_document, upload
from tests.fixtures.hub import Client

pytestmark = pytest.mark.timeout(600)
OTHERS = {"02-flights-in-spark.Rmd", "06-pipelines.Rmd", "09-streaming.Rmd", "13-stores.Rmd"}
"""The first keeps a table in a Spark without executors, in test_release.py. The next two name `make up` as what they need, and the
last has more services, in test_stores.py."""


@pytest.fixture(scope="module")
def release(cluster: Cluster) -> Iterator[Release]:
    values = {
        **COURSE_SERVICES,
        "spark.drivers": {"executors": 1},
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": [*PROBE, "access:servers"]},
            {"name": "readers", "users": ["alice"], "scopes": ["custom:rc2:flights:read", "custom:rc2:spark:use"]},
        ],
    }
    cluster.image("spark")
    with released(cluster, **values) as release:
        release.install("--wait-for-jobs")
        yield release


@pytest.fixture(scope="module")
async def login(release: Release) -> AsyncIterator[Client]:
    """A client of alice's server with both services, whose home has the examples."""
    async with release.client() as client:
        await client.create("alice")
        assert (await client.start("alice", services=["flights", "spark"]))[0] == 201
        await upload(client, "alice", EXAMPLES.glob("data/*.csv"))
        yield client
        await client.stop("alice")


@pytest.mark.parametrize("name", [name for name in COURSE if name not in OTHERS])
async def test_a_document_of_the_course_has_the_numbers_of_r_on_a_cluster(login: Client, name: str):
    await check_document(login, "alice", name)


def test_spark_has_computed_on_executors(release: Release, login: Client):
    pods = Namespace(release.cluster, f"{release.namespace.name}-spark").get("pods")
    assert {pod["metadata"]["labels"]["spark-role"] for pod in pods} == {"driver", "executor"}
