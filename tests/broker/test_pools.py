"""The state of the pools: admins of the hub see it, other users do not."""

from typing import Any

from aiohttp import ClientSession, CookieJar

from tests.fixtures.hub import Client, Rc2, until
from tests.test_separation import server_token, user_token

API, PAGE, HEADING = "/services/rc2/api/pools", "/services/rc2/", "Standbys of each profile"


async def test_an_admin_sees_the_state_of_the_pools(rc2: Rc2, client: Client):
    async with rc2.client(await user_token(client, "operator")) as operator:

        async def ready() -> bool:
            status, answer = await operator.call("GET", API)
            assert status == 200, answer
            return answer["pools"] == [{"profile": "r", "desired": 2, "ready": 2, "starting": 0, "broken": 0, "message": ""}]

        await until(ready)


async def test_other_callers_get_403(rc2: Rc2, client: Client, username: str):
    await client.create(username)
    tokens: dict[str, Any] = {
        "a user's": await user_token(client, username),
        "the service of the tests": rc2.token,
        "none": "",
    }
    await client.start("operator")
    tokens["an admin's server's"] = await server_token(client, "operator")
    for whose, token in tokens.items():
        async with rc2.client(token) as other:
            status, answer = await other.call("GET", API)
            assert (status, list(answer)) == (403, ["message"]), whose
            assert HEADING not in (await other.call("GET", PAGE))[1], whose
    await client.stop("operator")


async def test_the_page_shows_the_pools_only_to_an_admin(rc2: Rc2):
    rc2.groups(alice=["analysts"], bob=[], operator=[])
    pages = {}
    for name in ("operator", "bob"):
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:  # the hub's address is an IP address
            browser = Client(rc2, session)
            await browser.call("GET", rc2.new_link(name).removeprefix(rc2.url))
            status, pages[name] = await browser.call("GET", PAGE)
            assert status == 200
            assert f"Shared services of {name}" in pages[name]
    assert HEADING in pages["operator"]
    assert HEADING not in pages["bob"]
