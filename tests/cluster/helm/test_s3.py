"""Users work in a store of S3 through the chart: from R, and from Spark on executors. The store is outside of the chart."""

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.helm.release import PROBE, Release, count_cars_on_executors, released, working
from tests.fixtures.hub import Client, RError
from tests.fixtures.s3 import BUCKET, Store
from tests.fixtures.started import started

pytestmark = pytest.mark.timeout(600)
SCOPES = ["custom:rc2:s3:read", "custom:rc2:s3:write", "custom:rc2:spark:use"]


@pytest.fixture(scope="module")
def outside_store(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store on this machine, at an address that pods reach."""
    with started(Store(tmp_path_factory.mktemp("s3"), cluster.settings["RC2_HOST_IP"])) as running:
        yield running


@pytest.fixture(scope="module")
def release(cluster: Cluster, outside_store: Store) -> Iterator[Release]:
    small = {"cpu": "10m", "memory": "64Mi"}
    cluster.image("spark")
    with released(
        cluster,
        **{
            "s3.enabled": True,
            "s3.endpoint": outside_store.endpoint,
            "s3.bucket": BUCKET,
            "s3.existingSecret": "s3",
            "s3.cidrs": [f"{outside_store.address}/32"],
            "spark.enabled": True,
            "spark.drivers": {"memory": "700m", "executors": 1, "executor_memory": "512m"},
            **{f"{component}.resources.requests": small for component in ("s3", "spark")},
            "roles": [
                {"name": "probe", "services": ["probe"], "scopes": PROBE},
                {"name": "writers", "groups": ["editors"], "scopes": SCOPES},
            ],
        },
    ) as release:
        credentials = f"--from-file=credentials={outside_store.credentials}"
        release.namespace.kubectl("create", "secret", "generic", "s3", credentials)
        release.install()
        yield release


async def test_r_and_spark_on_executors_work_as_the_user(release: Release, outside: Client) -> None:
    async with working(outside, alice=["s3:write", "spark"], bob=["s3:read", "spark"]) as (alice, bob):
        for r in (alice, bob):
            await r.run('store <- rc2::rc2_s3("s3"); con <- rc2::rc2_spark()')
        await count_cars_on_executors(release, alice)
        with pytest.raises(RError, match="users/alice/cars.parquet is in no folder of yours; yours: users/bob/"):
            await bob.run('DBI::dbGetQuery(con, "SELECT * FROM parquet.`s3a://lab/users/alice/cars.parquet`")')
        with pytest.raises(RError, match="takes the level write; this server has the level read"):
            await bob.run('store$write_parquet(mtcars, "cars.parquet")')
