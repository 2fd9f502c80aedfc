"""The preview at the address of a user's server."""

import json
from pathlib import Path

import aiohttp
import pytest

from tests.fixtures.hub import HANG_TIMEOUT, Client, Rc2

DOCUMENT = "```{r}\nDBI::dbGetQuery(rc2::rc2_connect('flights'), 'SELECT count(*)::int AS n FROM flights')$n\n```\n"


async def test_a_page_sends_edits_and_receives_the_preview_with_the_services(
    rc2: Rc2, client: Client, username: str
) -> None:
    rc2.groups(alice=["analysts"], bob=[], **{username: ["analysts"]})
    await client.create(username)
    assert (await client.start(username, services=["flights"]))[0] == 201
    folder = rc2.home / "homes" / username / "part"
    folder.mkdir()
    address = f"/user/{username}/rc2/preview"
    async with client.session.ws_connect(client.address(f"{address}/part/my%20report.Rmd")) as socket:
        await socket.send_json({"text": DOCUMENT})
        news = {"ran": 0}
        while not news["ran"]:
            news = json.loads((await socket.receive(HANG_TIMEOUT)).data)
        assert any("336776" in html for html in news["html"].values())
    for path in ("absent/report.Rmd", "part/data.csv", "../../bob/report.Rmd"):
        await is_refused(client, f"{address}/{path}", 404)
    async with rc2.client("wrong") as stranger:
        await is_refused(stranger, f"{address}/report.Rmd", 403)
    assert not list(Path(folder).iterdir())
    await client.stop(username)


async def is_refused(client: Client, path: str, status: int) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.session.ws_connect(client.address(path))
    assert refused.value.status == status
