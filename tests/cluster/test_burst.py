"""A class logs in at once: with a pool as large as the class, and with a small pool."""

import asyncio
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.conftest import running_hub
from tests.cluster.hub import KubeHub, standbys
from tests.fixtures.hub import Client

pytestmark = pytest.mark.alone
CLASS = 20
LONG_START = {"start_timeout": 300}
"""Two cores start twenty pods one after the other."""


async def start_and_run(client: Client, username: str) -> str:
    """Start a server; return the user name that R prints."""
    await client.create(username)
    status, event = await client.start(username)
    assert status == 201, event
    async with client.kernel(username) as r:
        return await r.run("cat(Sys.info()[['user']])")


async def claims(client: Client) -> dict[str, int]:
    """Number of claims by result: warm, waited, cold."""
    _, metrics = await client.call("GET", "/hub/metrics")
    lines = [
        line for line in str(metrics).splitlines() if line.startswith("rc2_pool_claims_total{") and 'profile="r"' in line
    ]
    found: dict[str, int] = {}
    for line in lines:
        result = line.split('result="')[1].split('"')[0]
        found[result] = found.get(result, 0) + int(float(line.split()[-1]))
    return found


async def log_in(hub: KubeHub) -> dict[str, int]:
    """Log in the class; return the number of claims by result."""
    users = [f"student{number}" for number in range(CLASS)]
    async with hub.client() as client:
        printed = await asyncio.gather(*(start_and_run(client, user) for user in users))
        assert printed == users
        found = await claims(client)
        await asyncio.gather(*(client.stop(user) for user in users))
    return found


async def test_with_a_standby_for_each_user_all_starts_are_warm(cluster: Cluster, tmp_path: Path) -> None:
    with running_hub(cluster, tmp_path, spare=CLASS, **LONG_START) as hub:
        eventually(lambda: len(standbys(hub)) == CLASS)
        found = await log_in(hub)
        assert hub.watcher.shortages() == []
    assert (found["warm"], found["cold"]) == (CLASS, 0)


async def test_with_two_standbys_every_user_gets_a_server(cluster: Cluster, tmp_path: Path) -> None:
    with running_hub(cluster, tmp_path, spare=2, **LONG_START) as hub:
        eventually(lambda: len(standbys(hub)) == 2)
        found = await log_in(hub)
    assert found["warm"] >= 2
    assert found["failed"] == 0
