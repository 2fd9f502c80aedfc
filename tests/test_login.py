"""A whole login from outside: hub, proxy, broker, PostgreSQL, R."""

from tests.fixtures.hub import Client, Rc2


async def test_a_start_ends_in_a_working_r(client: Client, person: str) -> None:
    await client.create(person)
    assert (await client.start(person))[0] == 201
    async with client.kernel(person) as r:
        assert await r.run("cat(6 * 7)") == "42"
    await client.stop(person)


async def test_flights_asked_for_is_attached_at_the_prompt(rc2: Rc2, client: Client) -> None:
    await client.create("alice")
    status, answer = await client.start("alice", services=["flights"])
    assert status == 201, answer
    async with client.kernel("alice") as r:
        assert (
            await r.run('con <- rc2::rc2_connect("flights"); cat(DBI::dbGetQuery(con, "SELECT count(*) FROM flights")[[1]])')
            == "336776"
        )
    await client.stop("alice")
