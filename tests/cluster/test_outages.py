"""Outages that end a server or prevent its start: the user sees a message, nothing is left, and the next start works."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.department import SERVICES, Department, running_department
from tests.cluster.steps import CUTS
from tests.cluster.test_machine import NODES, ready_nodes
from tests.fixtures.hub import Client, Kernel, until
from tests.fixtures.postgres import Postgres

WORKS = "JupyterLab"
NO_ANSWER = "Your server appears to be down. Try restarting it from the hub"
NOT_RUNNING = "Your server is not running. Would you like to start it?"
STOPPING = "Your server is stopping"
LOGGED_OUT = "Sign in"
LOADS = ""
"""What the user's page shows: NO_ANSWER until the hub notices the outage, then perhaps STOPPING, then NOT_RUNNING; LOADS while it is loading."""
ALLOCATE = "parallel::mclapply(1:6, function(i) { x <- lapply(1:7, function(i) raw(2^26)); Sys.sleep(5) }, mc.cores = 6)"
"""Each fork has a limit of its own. Together they need 2.6 GiB, and the limit of a compute server is 1 GiB: Linux kills forks, or
with cgroup v2 the whole container."""
RELOAD_TIMEOUT = aiohttp.ClientTimeout(total=3)


@dataclass(frozen=True)
class Server:
    """A compute server with all services attached, and its R."""

    username: str
    node: str
    r: Kernel


Outage = Callable[[Department, Client, Server], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
def department(cluster: Cluster, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    """A hub with one standby and a short start timeout."""
    folder = tmp_path_factory.mktemp("department")
    (folder / "steps").mkdir()
    quick = {"start_timeout": 60, "extra_pod_config": {"terminationGracePeriodSeconds": 1}}
    with running_department(cluster, postgres, folder, spare=1, steps=str(folder / "steps"), **quick) as department:
        yield department


@pytest.fixture
async def client(department: Department) -> AsyncIterator[Client]:
    async with department.hub.client() as client:
        yield client


@asynccontextmanager
async def working(department: Department, client: Client, username: str) -> AsyncIterator[Server]:
    """The running server of a user, with a Spark driver."""
    status, event = await client.start(username, services=SERVICES)
    assert status == 201, event
    async with client.kernel(username) as r:
        pod = await r.run('cat(Sys.info()[["nodename"]])')
        eventually(lambda: department.gateway.pods(username) and department.roles(username))
        yield Server(username, department.hub.namespace.get("pod", pod)["spec"]["nodeName"], r)


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
        async with asyncio.timeout(60):  # in this cluster, Kubernetes gives the pods of a node up after 12 + 10 s
            await client.stop(server.username)
        yield


@asynccontextmanager
async def server_killed(_department: Department, _client: Client, server: Server) -> AsyncIterator[None]:
    """Like Linux when it kills all processes of a container that has exceeded its memory limit."""
    killing = asyncio.create_task(server.r.run('system("kill -9 -1")'))
    try:
        yield
    finally:
        killing.cancel()
        await asyncio.wait([killing])


@asynccontextmanager
async def server_culled(_department: Department, client: Client, server: Server) -> AsyncIterator[None]:
    await client.stop(server.username)
    yield


@asynccontextmanager
async def user_deleted(_department: Department, client: Client, server: Server) -> AsyncIterator[None]:
    async def is_deleted() -> bool:
        # JupyterHub responds with 400 if a server takes more than ten seconds to stop
        return (await client.call("DELETE", f"/hub/api/users/{server.username}"))[0] == 204

    await until(is_deleted)
    yield


NODE_OUTAGES = (node_drained, node_without_power, node_without_power_and_server_stopped)
OUTAGES = [
    *(pytest.param(outage, marks=pytest.mark.alone) for outage in NODE_OUTAGES),
    server_killed,
    server_culled,
    user_deleted,
]
PAGE_AFTER = {user_deleted: LOGGED_OUT}
"""What the user's page shows after an outage, if it is not NOT_RUNNING."""


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.__name__)
async def test_a_server_that_ends_leaves_nothing_and_the_next_start_works(
    department: Department, client: Client, username: str, outage: Outage
) -> None:
    await department.add_user(client, username)
    async with department.browser(username) as browser, working(department, client, username) as server:
        await until(lambda: shows(browser, username, WORKS))
        async with outage(department, client, server):
            await until(lambda: shows(browser, username, PAGE_AFTER.get(outage, NOT_RUNNING)))
            await until(lambda: nothing_left(department, client, username))
            await department.add_user(client, username)
            await start_work_stop(department, client, username)


async def test_after_forks_of_r_exceeded_the_memory_limit_the_user_can_work_on(
    department: Department, client: Client, username: str
) -> None:
    await department.add_user(client, username)
    async with working(department, client, username) as server:
        pod, process = (await server.r.run('cat(Sys.info()[["nodename"]], Sys.getpid())')).split()
        allocating = asyncio.create_task(server.r.run(ALLOCATE))

        async def is_over() -> bool:
            """The operating system ended the forks, or all processes of the container."""
            return allocating.done() or await has_ended(department, pod, process)

        await until(is_over)
        allocating.cancel()
        await asyncio.wait([allocating])
    await start_work_stop(department, client, username)


@pytest.fixture(scope="module")
async def starts(department: Department) -> dict[str, list[str]]:
    """Profile to the progress messages of a user who starts it; all start at the same time."""
    profiles = ("huge", "missing", "unbound", "slow")
    async with department.hub.client() as client:
        for profile in profiles:
            await department.add_user(client, profile)
        messages = await asyncio.gather(
            *(start(client, profile, profile=profile, services=SERVICES) for profile in profiles)
        )
    return dict(zip(profiles, messages, strict=True))


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        ("huge", "There is no room yet .*Insufficient cpu"),
        ("missing", "R's container could not be started .*missing:1"),
        ("unbound", "There is no room yet .*none"),
    ],
)
async def test_a_pod_that_cannot_start_leaves_nothing_and_the_next_start_works(
    department: Department, client: Client, starts: dict[str, list[str]], profile: str, reason: str
) -> None:
    expected = f"Spawn failed: R could not be started. {reason}.*; ask an operator\\."
    assert re.fullmatch(expected, starts[profile][-1]), starts[profile]
    await until(lambda: nothing_left(department, client, profile))
    await start_work_stop(department, client, profile)


async def test_an_exceeded_quota_leaves_nothing_and_the_next_start_works(
    department: Department, client: Client, username: str
) -> None:
    username = f"own-{username}"  # otherwise the user would get a standby in spite of the quota
    await department.add_user(client, username)
    department.hub.namespace.kubectl("create", "quota", "small", "--hard=pods=0")
    try:
        messages = await start(client, username, services=SERVICES)
        expected = r"Spawn failed: R could not be started: .* exceeded quota: small, .*; try again, or ask an operator\."
        assert re.fullmatch(expected, messages[-1]), messages
        await until(lambda: nothing_left(department, client, username))
    finally:
        department.hub.namespace.kubectl("delete", "quota", "small")
    await start_work_stop(department, client, username)


async def test_the_hub_waits_for_a_slow_start(department: Department, client: Client, starts: dict[str, list[str]]) -> None:
    assert starts["slow"][-1].startswith("Server ready at"), starts["slow"]
    await client.stop("slow")
    await until(lambda: nothing_left(department, client, "slow"))


@pytest.mark.parametrize("cut", CUTS)
async def test_if_the_stream_is_cut_during_the_activation_the_user_gets_the_next_standby(
    department: Department, client: Client, username: str, cut: str
) -> None:
    await department.add_user(client, username)
    department.cut_stream(cut, times=1)
    messages = await start(client, username, services=SERVICES)
    assert "That R was lost; taking the next one" in messages, messages
    assert messages[-1].startswith("Server ready at"), messages
    await client.stop(username)
    await until(lambda: nothing_left(department, client, username))


@pytest.mark.parametrize(
    "cut", ["cut-in-the-activation-request", "cut-after-the-activation-request", "cut-after-the-attachments"]
)
async def test_a_stream_that_is_cut_twice_leaves_nothing_and_the_next_start_works(
    department: Department, client: Client, username: str, cut: str
) -> None:
    await department.add_user(client, username)
    department.cut_stream(cut, times=2)
    messages = await start(client, username, services=SERVICES)
    assert messages[-1] == "Spawn failed: The R server ended while it was started; start it again.", messages
    await until(lambda: nothing_left(department, client, username))
    await start_work_stop(department, client, username)


async def start(client: Client, username: str, **options: object) -> list[str]:
    """Start a server; return all progress messages that the user sees."""
    status, answer = await client.call("POST", f"/hub/api/users/{username}/server", json=options)
    assert status == 202, answer
    async with client.session.get(client.address(f"/hub/api/users/{username}/server/progress")) as progress:
        lines = [line async for line in progress.content if line.startswith(b"data:")]
    messages = [json.loads(line[5:])["message"] for line in lines]
    assert not [message for message in messages if "\n" in message or "Traceback" in message]
    return messages


async def page(browser: aiohttp.ClientSession, username: str) -> str:
    """The known text on the user's page, or all of its text."""
    try:
        async with browser.get(f"/user/{username}/lab", timeout=RELOAD_TIMEOUT) as answer:
            text = " ".join(re.sub("<[^>]*>", " ", await answer.text()).split())
    except TimeoutError:
        return LOADS
    assert "Traceback" not in text
    return next((sentence for sentence in (NO_ANSWER, STOPPING, NOT_RUNNING, LOGGED_OUT, WORKS) if sentence in text), text)


async def shows(browser: aiohttp.ClientSession, username: str, sentence: str) -> bool:
    shown = await page(browser, username)
    assert shown in {WORKS, LOADS, NO_ANSWER, STOPPING, NOT_RUNNING, LOGGED_OUT}
    return shown == sentence


async def start_work_stop(department: Department, client: Client, username: str) -> None:
    """Start (again if necessary), run R code, stop; nothing is left afterwards."""
    await until(lambda: has_started(client, username))
    async with client.kernel(username) as r:
        assert await r.run("cat(6 * 7)") == "42"
    await client.stop(username)
    await until(lambda: nothing_left(department, client, username))


async def has_ended(department: Department, pod: str, process: str) -> bool:
    try:
        department.hub.namespace.exec(pod, "test", "-e", f"/proc/{process}")
    except AssertionError:
        return True
    return False


async def has_started(client: Client, username: str) -> bool:
    """Start the server; after a failed start, JupyterHub returns 201 for the next one before it is ready."""
    print(await client.start(username, profile="r", services=["flights"]))  # shown if the test fails
    _, model = await client.call("GET", f"/hub/api/users/{username}")
    return bool(model["servers"].get("", {}).get("ready"))


async def nothing_left(department: Department, client: Client, username: str) -> bool:
    leftovers = await department.leftovers(client, username)
    print(leftovers)  # shown if the test fails
    return not leftovers
