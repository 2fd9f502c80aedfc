"""A grant that is taken away while a document is worked on: a sentence at the chunk, R goes on, and all works with it again."""

import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.compute.rmarkdown.test_knit_handler import follow
from tests.fixtures.hub import HANG_TIMEOUT, Client, Kernel, Rc2, RError, until

SQL = '%%sql, connection="flights", output.var="late"\nSELECT 1 AS n'
DOCUMENT = """```{r setup}
con <- rc2::rc2_connect("flights")
kept <- 6 * 7
```

```{sql, connection="flights", output.var="late"}
SELECT count(*)::int AS n FROM flights WHERE day < 40
```

```{r counted}
late$n
```

```{r other}
kept
```
"""
LOST = r"The connection is lost, and rc2_connect\(\) opens a new one if you still have a grant"
NO_GRANT = "flights: you have no grant for this service; ask the operator of this hub."


class Page:
    """A page at the address of the preview."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.html = socket, dict[str, str]()

    async def shows(self, text: str, condition: Callable[[str], bool]) -> str:
        """Send the text, and wait for the end of a run whose page is like this; return the page."""
        await self.socket.send_json({"text": text})
        while True:
            news: dict[str, Any] = json.loads((await self.socket.receive(HANG_TIMEOUT)).data)
            self.html |= news["html"]
            page = "".join(self.html[block["key"].split(".")[0]] for block in news["blocks"])
            if not news["running"] and all(block["state"] == "fresh" for block in news["blocks"]) and condition(page):
                return page


async def test_a_lost_grant_is_one_sentence_at_its_chunk_and_all_works_with_the_grant_again(
    rc2: Rc2, client: Client, username: str
) -> None:
    def grants(*groups: str) -> None:
        rc2.groups(alice=["analysts"], bob=[], **{username: list(groups)})

    grants("analysts")
    home = rc2.home / "homes" / username
    async with (
        client.working(username, ["flights"], "con <- rc2::rc2_connect('flights')") as kernel,
        client.session.ws_connect(client.address(f"/user/{username}/rc2/preview/report.Rmd")) as socket,
    ):
        page = Page(socket)
        (home / "report.Rmd").write_text(DOCUMENT)
        await page.shows(DOCUMENT, lambda html: "336776" in html)
        grants()
        with pytest.raises(RError, match=LOST):  # a query that runs
            await kernel.run("DBI::dbGetQuery(con, 'SELECT pg_sleep(600)')")
        with pytest.raises(RError, match=NO_GRANT):
            await kernel.run(SQL)
        assert await kernel.run("cat(6 * 7)") == "42"
        edited = DOCUMENT.replace("day < 40", "day < 41")
        assert "[1] 42" in await page.shows(edited, lambda html: NO_GRANT in html)
        assert (await knit(client, username))["message"] == f"Error in chunk setup, lines 1 to 4: {NO_GRANT}"

        grants("analysts")
        await until(lambda: runs(kernel, SQL))
        await page.shows(edited, lambda html: "336776" in html and "rc2-error" not in html)  # the chunk has run again
        assert (await knit(client, username))["message"] == "report.html is ready."


async def runs(kernel: Kernel, cell: str) -> bool:
    try:
        await kernel.run(cell)
    except RError:
        return False
    return True


async def knit(client: Client, username: str) -> dict[str, Any]:
    address = f"/user/{username}/rc2/knit/report.Rmd"
    assert (await client.call("POST", address, json={}))[0] == 201
    return await follow(client, address)
