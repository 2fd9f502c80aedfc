"""Fixtures for tests on a real Kubernetes.

`cluster` is the cluster (see `cluster.py`), `namespace` a fresh namespace in it for one test. A test that needs more, or
a fixture of a wider scope, uses `with cluster.namespace() as other:`. When a test fails, the pods, events and logs of
all namespaces that are open then are shown with it.
"""

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, Namespace, find

# what `make cluster` has to bring says nothing about a cluster of yours
collect_ignore = ["test_machine.py"] if "KUBECONFIG_RC2_TEST" in os.environ else []


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
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, pytest.TestReport]:
    """Add what Kubernetes knows to the report of a failure."""
    report: pytest.TestReport = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and isinstance(cluster, Cluster):
        for namespace in cluster.namespaces:
            report.sections.append((f"namespace {namespace.name}", namespace.describe()))
    return report
