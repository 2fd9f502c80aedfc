"""Fixtures for tests on a real Kubernetes cluster.

`cluster` is the cluster (see `cluster.py`), `namespace` is a new namespace in it for one test. For more namespaces, or a
fixture of a wider scope, use `with cluster.namespace() as other:`. The report of a failed test contains the pods, events and
logs of all open namespaces.
"""

import os
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, Namespace, eventually, find
from tests.cluster.hub import KubeHub, namespace_of_hubs, standbys
from tests.cluster.pool_watcher import PoolWatcher
from tests.fixtures.hub import Client

# these tests check the cluster of `make cluster` only
collect_ignore = ["test_machine.py"] if "KUBECONFIG_RC2_TEST" in os.environ else []
LATE_REPLACEMENT = 20.0
"""Seconds after which a standby that was not replaced is a fault also while other tests use the processors."""
REPORTED = pytest.StashKey[BaseException | None]()
"""The failure that was reported last."""


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster under test; an error if there is none."""
    return find()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace for one test."""
    with cluster.namespace() as namespace:
        yield namespace


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, pytest.TestReport]:
    """Add the state of the cluster and the hub to the report of a failure; only once if a fixture fails many tests."""
    report: pytest.TestReport = yield
    failure = call.excinfo and call.excinfo.value
    if report.failed and failure is not item.session.stash.get(REPORTED, None):
        item.session.stash[REPORTED] = failure
        report.sections += diagnostics(getattr(item, "funcargs", {}).values())
    return report


def diagnostics(fixtures: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Headings and texts that describe the clusters and hubs of these fixtures."""
    for fixture in fixtures:
        if isinstance(fixture, Cluster):
            yield from ((f"namespace {namespace.name}", namespace.describe()) for namespace in fixture.namespaces)
        hub = getattr(fixture, "hub", fixture)
        if isinstance(hub, KubeHub):
            yield "hub.log", hub.log()[-8000:]


@contextmanager
def running_hub(cluster: Cluster, folder: Path, **run: Any) -> Iterator[KubeHub]:
    """A hub on this machine whose servers are pods in a new namespace; a watcher records its pool."""
    with namespace_of_hubs(cluster) as namespace:
        hub = KubeHub(folder / "hub", namespace, **run)
        hub.start()
        try:
            with PoolWatcher(namespace, run.get("spare", 0)) as hub.watcher:
                yield hub
            module = Path(os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]).stem
            hub.watcher.write_report(f"{module}-{hub.watcher.spare}", hub.downtimes)
        finally:
            hub.stop()


@pytest.fixture(scope="module", params=[0, 3], ids=["cold", "warm"])
def kube_hub(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubeHub]:
    """A hub that tests share, first without standbys, then with standbys: a login differs only in duration."""
    with running_hub(cluster, tmp_path_factory.mktemp("login"), spare=request.param) as hub:
        eventually(lambda: len(standbys(hub)) == request.param)
        yield hub
        assert hub.watcher.shortages(hub.downtimes, LATE_REPLACEMENT) == []  # test_pool.py, alone, is exact


@pytest.fixture
async def kube(kube_hub: KubeHub) -> AsyncIterator[Client]:
    """A client of that hub."""
    async with kube_hub.client() as client:
        yield client
