"""Fixtures for tests of an installed chart: each module has a `release` of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.cluster.helm.release import Release, reachable
from tests.fixtures.hub import Client


@pytest.fixture
async def outside(release: Release) -> AsyncIterator[Client]:
    """A program that speaks to the hub of the module's release through the Ingress."""
    async with release.client() as client:
        await reachable(client)
        yield client
