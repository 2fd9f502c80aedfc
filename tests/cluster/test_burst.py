"""A class logs in at once: with a pool as large as the class, and with a small one."""

import asyncio
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.conftest import running_hub
from tests.cluster.hub import KubeHub, standbys
from tests.fixtures.hub import Client

pytestmark = [pytest.mark.alone, pytest.mark.timeout(420)]
CLASS = 20
PATIENT = {"start_timeout": 300}
"""Two cores start twenty pods one after the other, however many at once."""


async def answers(client: Client, person: str) -> str:
    """Start, and what R says."""
    await client.create(person)
    status, event = await client.start(person)
    assert status == 201, event
    async with client.kernel(person) as r:
        return await r.run("cat(Sys.info()[['user']])")


async def claims(client: Client) -> dict[str, int]:
    """How many claims were warm, had to wait, were cold."""
    _, metrics = await client.call("GET", "/hub/metrics")
    lines = [line for line in str(metrics).splitlines() if line.startswith("rc2_claims_total{") and 'profile="r"' in line]
    found: dict[str, int] = {}
    for line in lines:
        result = line.split('result="')[1].split('"')[0]
        found[result] = found.get(result, 0) + int(float(line.split()[-1]))
    return found


async def log_in(hub: KubeHub) -> dict[str, int]:
    """Have the class log in; how they got their servers."""
    people = [f"student{number}" for number in range(CLASS)]
    async with hub.client() as client:
        said = await asyncio.gather(*(answers(client, person) for person in people))
        assert said == people
        found = await claims(client)
        await asyncio.gather(*(client.stop(person) for person in people))
    return found


async def test_with_a_standby_for_each_nobody_waits(cluster: Cluster, tmp_path: Path) -> None:
    with running_hub(cluster, tmp_path, spare=CLASS, **PATIENT) as hub:
        eventually(lambda: len(standbys(hub)) == CLASS, 240)
        found = await log_in(hub)
        assert hub.watcher.too_few() == []
    assert (found["warm"], found["cold"]) == (CLASS, 0)


async def test_with_two_standbys_everybody_gets_a_server_all_the_same(cluster: Cluster, tmp_path: Path) -> None:
    with running_hub(cluster, tmp_path, spare=2, **PATIENT) as hub:
        eventually(lambda: len(standbys(hub)) == 2, 90)
        found = await log_in(hub)
    assert found["warm"] >= 2
    assert found["failed"] == 0
