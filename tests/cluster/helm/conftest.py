"""Fixtures for tests of an installed chart; each module defines its own `release`."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.helm.release import Release, wait_until_reachable
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hub import Client
from tests.fixtures.started import started


@pytest.fixture
async def outside(release: Release) -> AsyncIterator[Client]:
    """A client of the release's hub that uses the Ingress."""
    async with release.client() as client:
        await wait_until_reachable(client)
        yield client


@pytest.fixture(scope="module")
def outside_hdfs(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hdfs]:
    """A NameNode and a DataNode on this machine, at an address that pods reach."""
    with started(Hdfs(tmp_path_factory.mktemp("hdfs"), cluster.settings["RC2_HOST_IP"])) as running:
        yield running
