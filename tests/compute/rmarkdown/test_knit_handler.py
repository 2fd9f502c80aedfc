"""Knit at the address of a user's server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.hub import Client, Rc2

SQL = "```{r}\nlibrary(rc2)\nn <- DBI::dbGetQuery(rc2_connect('flights'), 'SELECT count(*)::int AS n FROM flights')$n\n```\n\n`r n`\n"
SLOW = "```{r slow}\nSys.sleep(600)\n```\n"


@pytest.fixture
async def home(rc2: Rc2, client: Client, username: str) -> AsyncIterator[Path]:
    """The home of a user whose server has a database attached."""
    rc2.groups(alice=["analysts"], bob=[], **{username: ["analysts"]})
    await client.create(username)
    assert (await client.start(username, services=["flights"]))[0] == 201
    yield rc2.home / "homes" / username
    await client.stop(username)


async def follow(client: Client, address: str) -> dict[str, Any]:
    """The last state of a job."""
    job: dict[str, Any] = {"state": "running", "version": -1}
    while job["state"] == "running":
        status, job = await client.call("GET", f"{address}?version={job['version']}")
        assert status == 200, job
    return job


async def test_documents_are_knitted_with_the_services_and_cancelled(client: Client, home: Path, username: str) -> None:
    knits = f"/user/{username}/rc2/knit"
    (home / "part").mkdir()
    (home / "part" / "my sql.Rmd").write_text(SQL)
    (home / "slow.Rmd").write_text(SLOW)
    address = f"{knits}/part/my%20sql.Rmd"
    assert (await client.call("GET", address))[0] == 404
    status, job = await client.call("POST", address, json={"format": "html"})
    assert (status, job["state"]) == (201, "running"), job
    job = await follow(client, address)
    assert job["message"] == "my-sql.html is ready.", job
    assert "336776" in (home / "part" / "my-sql.html").read_text()

    started = await asyncio.gather(*(client.call("POST", f"{knits}/slow.Rmd", json={}) for _ in range(2)))
    assert sorted(status for status, _ in started) == [201, 409]
    refusal = next(answer for status, answer in started if status == 409)
    assert refusal == {"message": "slow.Rmd is being knitted already; wait for its end, or cancel it."}
    assert await client.call("GET", knits) == (200, {"running": ["slow.Rmd"]})
    status, job = await client.call("DELETE", f"{knits}/slow.Rmd")
    assert (status, job["state"]) == (200, "cancelled")
    assert await client.call("GET", knits) == (200, {"running": []})


async def test_what_cannot_be_knitted_is_refused_with_a_sentence(client: Client, home: Path, username: str) -> None:
    knits = f"/user/{username}/rc2/knit"
    assert await client.call("POST", f"{knits}/absent.Rmd", json={}) == (
        404,
        {"message": "absent.Rmd does not exist; save it first."},
    )
    sentence = "report.tex is no R Markdown document of yours; Knit takes files that end in .Rmd or .qmd."
    assert await client.call("POST", f"{knits}/report.tex", json={}) == (400, {"message": sentence})
    (home / "latin.Rmd").write_bytes(b"M\xfcnchen\n")
    sentence = "latin.Rmd is not encoded in UTF-8; convert it in a terminal: iconv -f latin1 -t utf-8 latin.Rmd > new.Rmd"
    assert await client.call("POST", f"{knits}/latin.Rmd", json={}) == (400, {"message": sentence})
    assert (await client.call("POST", f"{knits}/..%2Fother.Rmd", json={}))[0] == 400
    assert await client.call("POST", f"{knits}/absent.Rmd", json={"format": "odt"}) == (
        400,
        {"message": "The format is one of own, html, word, pdf."},
    )


async def test_another_user_and_a_stranger_knit_nothing(rc2: Rc2, home: Path, username: str) -> None:
    (home / "slow.Rmd").write_text(SLOW)
    async with rc2.client("unknown") as stranger:
        assert (await stranger.call("POST", f"/user/{username}/rc2/knit/slow.Rmd", json={}))[0] == 403
