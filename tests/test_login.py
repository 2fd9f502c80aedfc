"""A whole login through the public interfaces of hub, proxy, broker, PostgreSQL and R: request, grant, change, loss."""

import asyncio
import os
import re
import signal
import time

import pytest

from rc2hub.processes import marked_processes
from tests.fixtures.hub import Client, Rc2, until
from tests.test_kill import COMMANDS, kill, processes, runtime_dir

CONNECT = 'con <- rc2::rc2_connect("flights"); cat(DBI::dbGetQuery(con, "SELECT count(*)::int FROM flights")[[1]])'


@pytest.fixture
async def analyst(rc2: Rc2, client: Client, username: str):
    """A user who has the grant to read the flights."""
    rc2.groups(alice=["analysts"], bob=[], **{username: ["analysts"]})
    await client.create(username)
    yield username
    await client.stop(username)


async def test_a_start_ends_in_a_working_r(client: Client, username: str):
    await client.create(username)
    assert (await client.start(username))[0] == 201
    async with client.kernel(username) as r:
        assert await r.run("cat(6 * 7)") == "42"
    await client.stop(username)


async def test_a_start_is_counted_in_the_hubs_metrics_and_is_one_line_in_its_log(rc2: Rc2, client: Client, username: str):
    before, length = await metrics(client), len(rc2.log())
    await client.create(username)
    await client.start(username)
    after = await metrics(client)
    claims = {name for name in after if name.startswith("rc2_pool_claims_total") and after[name] > before[name]}
    assert len(claims) == 1
    assert claims < {
        f'rc2_pool_claims_total{{profile="r",reason="",result="{result}"}}' for result in ("warm", "waited", "cold")
    }
    started = 'rc2_spawn_duration_seconds_count{profile="r"}'
    assert after[started] == before[started] + 1
    assert after['rc2_pool_desired_standbys{profile="r"}'] == 2
    assert 'rc2_pool_standbys{profile="r",state="broken"}' in after
    assert len(re.findall(r"claim profile=r standby=\w+ result=\w+ reason=- seconds=\d", rc2.since(length))) == 1
    await client.stop(username)


async def metrics(client: Client) -> dict[str, float]:
    status, text = await client.call("GET", "/hub/metrics")
    assert status == 200
    samples = [line.rpartition(" ") for line in text.splitlines() if line.startswith("rc2_")]
    return {name: float(value) for name, _, value in samples}


async def test_requested_flights_are_attached_at_the_first_prompt(client: Client, analyst: str):
    assert (await client.start(analyst, services=["flights"]))[0] == 201
    async with client.kernel(analyst) as r:
        assert await r.run(CONNECT) == "336776"
        assert await r.run("s <- rc2::rc2_services(); s <- s[s$attached, ]; cat(s$service, s$level)") == "flights read"
        climate = "SELECT count(*)::int FROM dataexpo.measure_table"
        assert int(await r.run(f'cat(DBI::dbGetQuery(con, "{climate}")[[1]])')) > 1000


async def test_a_service_without_a_grant_is_refused_with_its_name_the_reason_and_a_contact(client: Client, username: str):
    await client.create(username)
    status, answer = await client.start(username, services=["flights"])
    assert status == 403
    assert answer["message"] == "flights: you have no grant for this service; ask the operator of this hub."


async def test_a_refusal_starts_nothing_and_keeps_the_last_choice(rc2: Rc2, client: Client, analyst: str):
    await client.start(analyst, services=["flights"])
    await client.stop(analyst)
    length = len(rc2.log())
    assert (await client.start(analyst, services=["flights:write"]))[0] == 403
    assert (await client.start(analyst, profile="huge"))[0] == 400
    _, model = await client.call("GET", f"/hub/api/users/{analyst}?include_stopped_servers=1")
    assert not model["servers"][""]["ready"]
    assert model["servers"][""]["user_options"] == {"profile": "r", "services": ["flights:read"]}
    assert "Traceback" not in rc2.since(length)


async def test_each_named_server_has_its_own_role(client: Client, analyst: str):
    roles = set()
    for name in ("one", "two"):
        assert (await client.start(analyst, name, services=["flights"]))[0] == 201
        async with client.kernel(analyst, name) as r:
            roles.add(await r.run("cat(rc2::rc2_services()$role)"))
    assert len(roles) == 2
    for name in ("one", "two"):
        await client.stop(analyst, name)


async def test_a_service_is_attached_from_a_running_r(client: Client, analyst: str):
    await client.start(analyst)
    async with client.kernel(analyst) as r:
        await r.run("value <- 41")
        assert "336776" in await r.run(CONNECT)
        assert await r.run("cat(value + 1)") == "42"


async def test_a_lost_group_detaches_a_service_and_a_new_group_attaches_it_without_a_new_login(
    rc2: Rc2, client: Client, analyst: str
):
    await client.start(analyst, services=["flights"])
    async with client.kernel(analyst) as r:
        await r.run("value <- 41")
        assert await r.run(CONNECT) == "336776"
        rc2.groups(alice=["analysts"], bob=[], **{analyst: []})
        state = "s <- rc2::rc2_services(); cat(s$attached, s$message)"

        async def detached() -> bool:
            return (await r.run(state)).startswith("FALSE")

        await until(detached)
        assert "was revoked" in await r.run(state)
        error = await r.run('cat(tryCatch(DBI::dbGetQuery(con, "SELECT 1")[[1]], error = conditionMessage))')
        assert "terminating connection" in error
        refused = await r.run('cat(tryCatch(rc2::rc2_connect("flights"), error = conditionMessage))')
        assert refused == "flights: you have no grant for this service; ask the operator of this hub."
        assert await r.run("cat(value + 1)") == "42"
        rc2.groups(alice=["analysts"], bob=[], **{analyst: ["analysts"]})

        async def attachable() -> bool:
            return "336776" in await r.run(f"cat(tryCatch({{{CONNECT}}}, error = conditionMessage))")

        await until(attachable)


async def test_without_postgresql_a_request_for_it_fails_in_ten_seconds_and_one_without_it_works(
    rc2: Rc2, client: Client, analyst: str
):
    began = time.monotonic()
    assert (await client.start(analyst, services=["flights"]))[0] == 201
    ordinary_start = time.monotonic() - began
    await client.stop(analyst)
    supervisor = next(pid for pid, command in processes(rc2) if b"rc2hub.local.database" in command)
    os.kill(supervisor, signal.SIGSTOP)
    kill(rc2, "postgresql")
    try:
        async with asyncio.timeout(10 + ordinary_start):
            status, answer = await client.start(analyst, services=["flights"])
        assert status == 503, answer
        assert "flights: PostgreSQL at 127.0.0.1" in answer["message"]
        assert (await client.start(analyst, services=[]))[0] == 201
        await client.stop(analyst)
    finally:
        os.kill(supervisor, signal.SIGCONT)

    async def is_ready() -> bool:
        return (await client.call("GET", "/services/rc2/api/health"))[1]["services"]["flights"] == "ready"

    await until(is_ready)
    assert (await client.start(analyst, services=["flights"]))[0] == 201


async def test_a_killed_r_is_replaced_for_the_next_notebook(client: Client, analyst: str):
    await client.start(analyst)
    async with client.kernel(analyst) as r:
        pid = int(await r.run("cat(Sys.getpid())"))
    os.kill(pid, signal.SIGKILL)
    async with client.kernel(analyst) as r:
        assert await r.run("cat(6 * 7)") == "42"


async def test_twenty_simultaneous_starts_with_two_standbys_all_succeed(client: Client, username: str):
    usernames = [f"{username}x{number}" for number in range(20)]
    for each in usernames:
        await client.create(each)
    assert {status for status, _ in await asyncio.gather(*(client.start(each) for each in usernames))} == {201}
    await asyncio.gather(*(client.stop(each) for each in usernames))


async def test_two_standbys_are_kept_ready_beside_a_running_server(rc2: Rc2, client: Client, analyst: str):
    await client.start(analyst)

    async def two_more() -> bool:
        leaders = {pid for pid, command in processes(rc2) if COMMANDS["server"] in command}
        return len({folder for pid, folder in marked_processes(runtime_dir(rc2)) if pid in leaders}) == 3

    await until(two_more)
