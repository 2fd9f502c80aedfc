"""The pools, as admins of the hub see them: what they are told, and that nobody else is."""

from typing import Any

from aiohttp import ClientSession, CookieJar

from tests.fixtures.hub import Client, Rc2, until
from tests.test_separation import person_token, server_token

API, PAGE, HEADING = "/services/rc2/api/pools", "/services/rc2/", "Standbys of each profile"


async def test_an_admin_is_told_how_the_standbys_are(rc2: Rc2, client: Client):
    async with rc2.client(await person_token(client, "operator")) as operator:

        async def ready() -> bool:
            status, answer = await operator.call("GET", API)
            assert status == 200, answer
            return answer["pools"] == [{"profile": "r", "wanted": 2, "ready": 2, "starting": 0, "broken": 0, "why": ""}]

        await until(ready)


async def test_nobody_else_is_told(rc2: Rc2, client: Client, person: str):
    await client.create(person)
    tokens: dict[str, Any] = {
        "a person's": await person_token(client, person),
        "the tests' service's": rc2.token,
        "none": "",
    }
    await client.start("operator")
    tokens["what runs in an admin's server"] = await server_token(client, "operator")
    for whose, token in tokens.items():
        async with rc2.client(token) as other:
            status, answer = await other.call("GET", API)
            assert (status, list(answer)) == (403, ["message"]), whose
            assert HEADING not in (await other.call("GET", PAGE))[1], whose
    await client.stop("operator")


async def test_the_page_shows_them_to_an_admin_alone(rc2: Rc2):
    rc2.groups(alice=["analysts"], bob=[], operator=[])
    seen = {}
    for name in ("operator", "bob"):
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:  # of an address without a name
            browser = Client(rc2, session)
            await browser.call("GET", rc2.new_link(name).removeprefix(rc2.url))
            status, seen[name] = await browser.call("GET", PAGE)
            assert status == 200
            assert f"Shared services of {name}" in seen[name]
    assert HEADING in seen["operator"]
    assert HEADING not in seen["bob"]
