"""What ends a server, or keeps one from starting: a sentence for the person, nothing left over, and the next start works."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.department import SERVICES, Department, opened
from tests.cluster.steps import CUTS
from tests.cluster.test_machine import NODES, ready_nodes
from tests.fixtures.hub import Client, Kernel, until
from tests.fixtures.postgres import Postgres

pytestmark = pytest.mark.timeout(240)
WORKS = "JupyterLab"
NO_ANSWER = "Your server appears to be down. Try restarting it from the hub"
NOT_RUNNING = "Your server is not running. Would you like to start it?"
LOGGED_OUT = "Sign in"
LOADS = ""
"""What her page says: as long as nobody has noticed, and then; or it goes on loading, and she tries again."""
EAT = "x <- lapply(1:40, function(i) raw(2^26))"
"""2.5 GiB, where a compute server may use one. Linux ends R alone, or with cgroup v2 all of the container."""
RELOADS = aiohttp.ClientTimeout(total=3)


@dataclass(frozen=True)
class Server:
    """A compute server with everything attached, and the R in it."""

    person: str
    node: str
    r: Kernel


Outage = Callable[[Department, Client, Server], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
def department(cluster: Cluster, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    """A hub with one standby, for people who do not wait long."""
    folder = tmp_path_factory.mktemp("department")
    (folder / "steps").mkdir()
    quick = {"start_timeout": 30, "extra_pod_config": {"terminationGracePeriodSeconds": 1}}
    with opened(cluster, postgres, folder, spare=1, steps=str(folder / "steps"), **quick) as department:
        yield department


@pytest.fixture
async def client(department: Department) -> AsyncIterator[Client]:
    async with department.hub.client() as client:
        yield client


@asynccontextmanager
async def working(department: Department, client: Client, person: str) -> AsyncIterator[Server]:
    """Somebody who works, with a Spark server of her own."""
    status, event = await client.start(person, services=SERVICES)
    assert status == 201, event
    async with client.kernel(person) as r:
        pod = await r.run('cat(Sys.info()[["nodename"]])')
        eventually(lambda: department.gateway.pods(person) and department.roles(person))
        yield Server(person, department.hub.namespace.get("pod", pod)["spec"]["nodeName"], r)


@asynccontextmanager
async def node_drained(department: Department, _client: Client, server: Server) -> AsyncIterator[None]:
    cluster = department.hub.namespace.cluster
    try:
        await asyncio.to_thread(cluster.kubectl, "drain", server.node, "--force", "--delete-emptydir-data", timeout=60)
        yield
    finally:
        cluster.kubectl("uncordon", server.node)


@asynccontextmanager
async def node_without_power(department: Department, _client: Client, server: Server) -> AsyncIterator[None]:
    cluster, number = department.hub.namespace.cluster, server.node.removeprefix("node")
    try:
        await asyncio.to_thread(cluster.machine, "node-kill", number)
        yield
    finally:
        await asyncio.to_thread(cluster.machine, "node-up", number)
        await asyncio.to_thread(eventually, lambda: ready_nodes(cluster) == set(NODES))


@asynccontextmanager
async def node_without_power_and_server_stopped(
    department: Department, client: Client, server: Server
) -> AsyncIterator[None]:
    async with node_without_power(department, client, server):
        async with asyncio.timeout(40):
            await client.stop(server.person)
        yield


@asynccontextmanager
async def server_killed(_department: Department, _client: Client, server: Server) -> AsyncIterator[None]:
    """As Linux does it when a container's memory is not enough and its processes end as one."""
    killing = asyncio.create_task(server.r.run('system("kill -9 -1")'))
    try:
        yield
    finally:
        killing.cancel()
        await asyncio.wait([killing])


@asynccontextmanager
async def server_culled(_department: Department, client: Client, server: Server) -> AsyncIterator[None]:
    await client.stop(server.person)
    yield


@asynccontextmanager
async def person_deleted(_department: Department, client: Client, server: Server) -> AsyncIterator[None]:
    async def is_deleted() -> bool:
        # JupyterHub says 400 while a server takes more than ten seconds to stop
        return (await client.call("DELETE", f"/hub/api/users/{server.person}"))[0] == 204

    await until(is_deleted)
    yield


OF_A_NODE = (node_drained, node_without_power, node_without_power_and_server_stopped)
OUTAGES = [
    *(pytest.param(outage, marks=pytest.mark.alone) for outage in OF_A_NODE),
    server_killed,
    server_culled,
    person_deleted,
]
READS = {person_deleted: LOGGED_OUT}
"""What her page says then, where it is not that her server does not run."""


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.__name__)
async def test_a_server_that_ends_leaves_nothing_and_the_next_start_works(
    department: Department, client: Client, person: str, outage: Outage
) -> None:
    await department.welcome(client, person)
    async with department.browser(person) as browser, working(department, client, person) as server:
        assert await page(browser, person) == WORKS
        async with outage(department, client, server):
            await until(lambda: shows(browser, person, READS.get(outage, NOT_RUNNING)), 90)
            await until(lambda: nothing_left(department, client, person))
            await department.welcome(client, person)
            await works_and_goes(department, client, person)


async def test_an_r_that_takes_all_memory_is_ended_and_she_works_on(
    department: Department, client: Client, person: str
) -> None:
    await department.welcome(client, person)
    async with working(department, client, person) as server:
        pod, process = (await server.r.run('cat(Sys.info()[["nodename"]], Sys.getpid())')).split()
        eating = asyncio.create_task(server.r.run(EAT))
        await until(lambda: has_ended(department, pod, process))
        eating.cancel()
        await asyncio.wait([eating])
    await works_and_goes(department, client, person)


@pytest.fixture(scope="module")
async def starts(department: Department) -> dict[str, list[str]]:
    """What people read who start one profile each, all at the same time."""
    profiles = ("huge", "missing", "unbound", "slow")
    async with department.hub.client() as client:
        for profile in profiles:
            await department.welcome(client, profile)
        read = await asyncio.gather(*(start(client, profile, profile=profile, services=SERVICES) for profile in profiles))
    return dict(zip(profiles, read, strict=True))


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        ("huge", "There is no room yet .*Insufficient cpu"),
        ("missing", "R's container could not be started .*missing:1"),
        ("unbound", "There is no room yet .*none"),
    ],
)
async def test_a_pod_that_cannot_start_leaves_nothing_and_the_next_start_works(
    department: Department, client: Client, starts: dict[str, list[str]], profile: str, why: str
) -> None:
    said = f"Spawn failed: R could not be started. {why}.*; ask an operator\\."
    assert re.fullmatch(said, starts[profile][-1]), starts[profile]
    await until(lambda: nothing_left(department, client, profile))
    await works_and_goes(department, client, profile)


async def test_an_exceeded_quota_leaves_nothing_and_the_next_start_works(
    department: Department, client: Client, person: str
) -> None:
    hers = f"own-{person}"  # a standby would be hers in spite of it
    await department.welcome(client, hers)
    department.hub.namespace.kubectl("create", "quota", "small", "--hard=pods=0")
    try:
        read = await start(client, hers, services=SERVICES)
        said = r"Spawn failed: R could not be started: .* exceeded quota: small, .*; ask an operator\."
        assert re.fullmatch(said, read[-1]), read
        await until(lambda: nothing_left(department, client, hers))
    finally:
        department.hub.namespace.kubectl("delete", "quota", "small")
    await works_and_goes(department, client, hers)


async def test_a_machine_that_takes_long_is_waited_for(
    department: Department, client: Client, starts: dict[str, list[str]]
) -> None:
    assert starts["slow"][-1].startswith("Server ready at"), starts["slow"]
    await client.stop("slow")
    await until(lambda: nothing_left(department, client, "slow"))


@pytest.mark.parametrize("cut", CUTS)
async def test_a_stream_that_is_cut_in_the_activation_costs_her_the_time_of_another_standby(
    department: Department, client: Client, person: str, cut: str
) -> None:
    await department.welcome(client, person)
    department.cut(cut, times=1)
    read = await start(client, person, services=SERVICES)
    assert "That R was lost; taking the next" in read, read
    assert read[-1].startswith("Server ready at"), read
    await client.stop(person)
    await until(lambda: nothing_left(department, client, person))


@pytest.mark.parametrize("cut", ["cut-in-the-order", "cut-after-the-order", "cut-after-the-attachments"])
async def test_a_stream_that_is_cut_again_leaves_nothing_and_the_next_start_works(
    department: Department, client: Client, person: str, cut: str
) -> None:
    await department.welcome(client, person)
    department.cut(cut, times=2)
    read = await start(client, person, services=SERVICES)
    assert read[-1] == "Spawn failed: The R server ended while it was started; start it again.", read
    await until(lambda: nothing_left(department, client, person))
    await works_and_goes(department, client, person)


async def start(client: Client, person: str, **options: object) -> list[str]:
    """Start a server; all that the person reads until it is there or cannot be."""
    status, answer = await client.call("POST", f"/hub/api/users/{person}/server", json=options)
    assert status == 202, answer
    async with client.session.get(client.address(f"/hub/api/users/{person}/server/progress")) as progress:
        lines = [line async for line in progress.content if line.startswith(b"data:")]
    read = [json.loads(line[5:])["message"] for line in lines]
    assert not [message for message in read if "\n" in message or "Traceback" in message]
    return read


async def page(browser: aiohttp.ClientSession, person: str) -> str:
    """The sentence on a person's page, or the title of what works."""
    try:
        async with browser.get(f"/user/{person}/lab", timeout=RELOADS) as answer:
            text = " ".join(re.sub("<[^>]*>", " ", await answer.text()).split())
    except TimeoutError:
        return LOADS
    assert "Traceback" not in text
    return next((sentence for sentence in (NO_ANSWER, NOT_RUNNING, LOGGED_OUT, WORKS) if sentence in text), text)


async def shows(browser: aiohttp.ClientSession, person: str, sentence: str) -> bool:
    said = await page(browser, person)
    assert said in {WORKS, LOADS, NO_ANSWER, NOT_RUNNING, LOGGED_OUT}
    return said == sentence


async def works_and_goes(department: Department, client: Client, person: str) -> None:
    """Start, if need be again, work with R, stop; and nothing is left of that either."""
    await until(lambda: has_started(client, person))
    async with client.kernel(person) as r:
        assert await r.run("cat(6 * 7)") == "42"
    await client.stop(person)
    await until(lambda: nothing_left(department, client, person))


async def has_ended(department: Department, pod: str, process: str) -> bool:
    try:
        department.hub.namespace.exec(pod, "test", "-e", f"/proc/{process}")
    except AssertionError:
        return True
    return False


async def has_started(client: Client, person: str) -> bool:
    """Start; after a failed start, JupyterHub says 201 of the next one before it is there."""
    print(await client.start(person, profile="r", services=["flights"]))  # read when it never works
    _, model = await client.call("GET", f"/hub/api/users/{person}")
    return bool(model["servers"].get("", {}).get("ready"))


async def nothing_left(department: Department, client: Client, person: str) -> bool:
    left = await department.left(client, person)
    print(left)  # read when it never gets empty
    return not left
