"""Fixtures for tests on a real Kubernetes.

`cluster` is the cluster (see `cluster.py`), `namespace` a fresh namespace in it for one test. A test that needs more, or
a fixture of a wider scope, uses `with cluster.namespace() as other:`. When a test fails, the pods, events and logs of
all namespaces that are open then are shown with it.
"""

import os
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, Namespace, eventually, find
from tests.cluster.hub import HOMES, KubeHub, standbys
from tests.cluster.invariant import Watcher
from tests.fixtures.hub import Client

# what `make cluster` has to bring says nothing about a cluster of yours
collect_ignore = ["test_machine.py"] if "KUBECONFIG_RC2_TEST" in os.environ else []
SHOWN = pytest.StashKey[BaseException | None]()
"""The failure that was reported last."""


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster under test; an error when there is none."""
    return find()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace for one test."""
    with cluster.namespace() as namespace:
        yield namespace


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, pytest.TestReport]:
    """Add what Kubernetes and hub know to the report of a failure; once, when a fixture fails all of its tests."""
    report: pytest.TestReport = yield
    failure = call.excinfo and call.excinfo.value
    if report.failed and failure is not item.session.stash.get(SHOWN, None):
        item.session.stash[SHOWN] = failure
        report.sections += known(getattr(item, "funcargs", {}).values())
    return report


def known(fixtures: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """What there is to know, by headings."""
    for fixture in fixtures:
        if isinstance(fixture, Cluster):
            yield from ((f"namespace {namespace.name}", namespace.describe()) for namespace in fixture.namespaces)
        hub = getattr(fixture, "hub", fixture)
        if isinstance(hub, KubeHub):
            yield "hub.log", hub.log()[-8000:]


@contextmanager
def running_hub(cluster: Cluster, folder: Path, **run: Any) -> Iterator[KubeHub]:
    """A hub on this machine whose servers are pods in a namespace of their own; a watcher stands beside its pool."""
    with cluster.namespace() as namespace:
        namespace.apply(HOMES)
        namespace.wait("jsonpath={.status.phase}=Bound", "pvc/homes")
        hub = KubeHub(folder / "hub", namespace, **run)
        hub.start()
        try:
            with Watcher(namespace, run.get("spare", 0)) as hub.watcher:
                yield hub
            module = Path(os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]).stem
            hub.watcher.report(f"{module}-{hub.watcher.spare}", hub.away)
        finally:
            hub.stop()


@pytest.fixture(scope="module", params=[0, 3], ids=["cold", "warm"])
def kube_hub(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubeHub]:
    """A hub that tests share, without standbys and then with: a login is the same, but for the time that it takes."""
    with running_hub(cluster, tmp_path_factory.mktemp("login"), spare=request.param) as hub:
        eventually(lambda: len(standbys(hub)) == request.param, 90)
        yield hub
        assert hub.watcher.too_few(hub.away) == []


@pytest.fixture
async def kube(kube_hub: KubeHub) -> AsyncIterator[Client]:
    """A program that speaks to that hub."""
    async with kube_hub.client() as client:
        yield client
