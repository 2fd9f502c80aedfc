"""A whole login from outside: hub, proxy, broker, PostgreSQL, R. What is asked for, granted, changed and lost."""

import asyncio
import os
import re
import signal

import pytest

from rc2hub.processes import marked
from tests.fixtures.hub import Client, Rc2, until
from tests.test_kill import COMMANDS, kill, processes, runtime_dir

CONNECT = 'con <- rc2::rc2_connect("flights"); cat(DBI::dbGetQuery(con, "SELECT count(*) FROM flights")[[1]])'


@pytest.fixture
async def analyst(rc2: Rc2, client: Client, person: str):
    """Somebody who may read the flights."""
    rc2.groups(alice=["analysts"], bob=[], **{person: ["analysts"]})
    await client.create(person)
    yield person
    await client.stop(person)


async def test_a_start_ends_in_a_working_r(client: Client, person: str):
    await client.create(person)
    assert (await client.start(person))[0] == 201
    async with client.kernel(person) as r:
        assert await r.run("cat(6 * 7)") == "42"
    await client.stop(person)


async def test_a_start_is_seen_in_the_hubs_metrics_and_is_one_line_in_its_log(rc2: Rc2, client: Client, person: str):
    before, length = await metrics(client), len(rc2.log())
    await client.create(person)
    await client.start(person)
    after = await metrics(client)
    claims = {name for name in after if name.startswith("rc2_claims_total") and after[name] > before[name]}
    assert len(claims) == 1
    assert claims < {f'rc2_claims_total{{profile="r",reason="",result="{result}"}}' for result in ("warm", "waited", "cold")}
    started = 'rc2_start_seconds_count{profile="r"}'
    assert after[started] == before[started] + 1
    assert after['rc2_spare_wanted{profile="r"}'] == 2
    assert 'rc2_standbys{profile="r",state="broken"}' in after
    assert len(re.findall(r"claim profile=r standby=\w+ result=\w+ reason=- seconds=\d", rc2.since(length))) == 1
    await client.stop(person)


async def metrics(client: Client) -> dict[str, float]:
    status, text = await client.call("GET", "/hub/metrics")
    assert status == 200
    samples = [line.rpartition(" ") for line in text.splitlines() if line.startswith("rc2_")]
    return {name: float(value) for name, _, value in samples}


async def test_flights_asked_for_are_there_at_the_prompt(client: Client, analyst: str):
    assert (await client.start(analyst, services=["flights"]))[0] == 201
    async with client.kernel(analyst) as r:
        assert await r.run(CONNECT) == "336776"
        assert await r.run("s <- rc2::rc2_services(); s <- s[s$attached, ]; cat(s$service, s$level)") == "flights read"
        climate = "SELECT count(*) FROM dataexpo.measure_table"
        assert int(await r.run(f'cat(DBI::dbGetQuery(con, "{climate}")[[1]])')) > 1000


async def test_what_is_not_granted_is_refused_with_service_reason_and_contact(client: Client, person: str):
    await client.create(person)
    status, answer = await client.start(person, services=["flights"])
    assert status == 403
    assert answer["message"] == "flights: you have no grant for this service; ask whoever runs this hub."


async def test_a_refusal_starts_nothing_and_leaves_the_last_choice_as_it_was(rc2: Rc2, client: Client, analyst: str):
    await client.start(analyst, services=["flights"])
    await client.stop(analyst)
    length = len(rc2.log())
    assert (await client.start(analyst, services=["flights:write"]))[0] == 403
    assert (await client.start(analyst, profile="huge"))[0] == 400
    _, model = await client.call("GET", f"/hub/api/users/{analyst}?include_stopped_servers=1")
    assert not model["servers"][""]["ready"]
    assert model["servers"][""]["user_options"] == {"profile": "r", "services": ["flights:read"]}
    assert "Traceback" not in rc2.since(length)


async def test_named_servers_have_roles_of_their_own(client: Client, analyst: str):
    roles = set()
    for name in ("one", "two"):
        assert (await client.start(analyst, name, services=["flights"]))[0] == 201
        async with client.kernel(analyst, name) as r:
            roles.add(await r.run("cat(rc2::rc2_services()$as)"))
    assert len(roles) == 2
    for name in ("one", "two"):
        await client.stop(analyst, name)


async def test_a_service_is_attached_from_r_while_it_runs(client: Client, analyst: str):
    await client.start(analyst)
    async with client.kernel(analyst) as r:
        await r.run("mine <- 41")
        assert "336776" in await r.run(CONNECT)
        assert await r.run("cat(mine + 1)") == "42"


async def test_a_lost_group_detaches_and_a_new_one_attaches_without_a_new_login(rc2: Rc2, client: Client, analyst: str):
    await client.start(analyst, services=["flights"])
    async with client.kernel(analyst) as r:
        await r.run("mine <- 41")
        assert await r.run(CONNECT) == "336776"
        rc2.groups(alice=["analysts"], bob=[], **{analyst: []})
        state = "s <- rc2::rc2_services(); cat(s$attached, s$why_not)"

        async def detached() -> bool:
            return (await r.run(state)).startswith("FALSE")

        await until(detached, 30)
        assert "taken away" in await r.run(state)
        gone = await r.run('cat(tryCatch(DBI::dbGetQuery(con, "SELECT 1")[[1]], error = conditionMessage))')
        assert "terminating connection" in gone
        refused = await r.run('cat(tryCatch(rc2::rc2_connect("flights"), error = conditionMessage))')
        assert refused == "flights: you have no grant for this service; ask whoever runs this hub."
        assert await r.run("cat(mine + 1)") == "42"
        rc2.groups(alice=["analysts"], bob=[], **{analyst: ["analysts"]})

        async def attachable() -> bool:
            return "336776" in await r.run(f"cat(tryCatch({{{CONNECT}}}, error = conditionMessage))")

        await until(attachable, 30)


async def test_without_postgresql_a_request_for_it_fails_in_ten_seconds_and_one_without_it_works(
    rc2: Rc2, client: Client, analyst: str
):
    supervisor = next(pid for pid, command in processes(rc2) if b"rc2hub.local.database" in command)
    os.kill(supervisor, signal.SIGSTOP)
    kill(rc2, "postgresql")
    try:
        async with asyncio.timeout(10):
            status, answer = await client.start(analyst, services=["flights"])
        assert status == 503, answer
        assert "flights: PostgreSQL at 127.0.0.1" in answer["message"]
        assert (await client.start(analyst, services=[]))[0] == 201
        await client.stop(analyst)
    finally:
        os.kill(supervisor, signal.SIGCONT)

    async def works() -> bool:
        return (await client.start(analyst, services=["flights"]))[0] == 201

    await until(works)


async def test_a_killed_r_is_replaced_for_the_next_notebook(client: Client, analyst: str):
    await client.start(analyst)
    async with client.kernel(analyst) as r:
        pid = int(await r.run("cat(Sys.getpid())"))
    os.kill(pid, signal.SIGKILL)
    async with client.kernel(analyst) as r:
        assert await r.run("cat(6 * 7)") == "42"


async def test_twenty_starts_at_once_with_two_standbys_all_succeed(client: Client, person: str):
    people = [f"{person}x{number}" for number in range(20)]
    for each in people:
        await client.create(each)
    assert {status for status, _ in await asyncio.gather(*(client.start(each) for each in people))} == {201}
    await asyncio.gather(*(client.stop(each) for each in people))


async def test_standbys_are_kept_ready_beyond_the_running_servers(rc2: Rc2, client: Client, analyst: str):
    await client.start(analyst)

    async def two_more() -> bool:
        leaders = {pid for pid, command in processes(rc2) if COMMANDS["server"] in command}
        return len({folder for pid, folder in marked(runtime_dir(rc2)) if pid in leaders}) == 3

    await until(two_more)
