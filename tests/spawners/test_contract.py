"""What JupyterHub relies on, for every spawner of Rc²: a new one adds one line to IMPLEMENTATIONS."""

import os
import signal

import pytest

from tests.fixtures.hub import Client, Rc2, until

IMPLEMENTATIONS = ["rc2"]
"""Fixtures of a running hub, each with another spawner."""


@pytest.fixture(params=IMPLEMENTATIONS)
def hub(request: pytest.FixtureRequest) -> Rc2:
    return request.getfixturevalue(request.param)


@pytest.fixture
async def somebody(hub: Rc2, person: str):
    async with hub.client() as client:
        await client.create(person)
        yield client, person
        await client.stop(person)


async def test_what_was_stopped_starts_again(somebody: tuple[Client, str]):
    client, person = somebody
    for _ in range(2):
        assert (await client.start(person))[0] == 201
        await client.stop(person)


async def test_a_running_server_is_not_started_twice(somebody: tuple[Client, str]):
    client, person = somebody
    await client.start(person)
    status, answer = await client.start(person)
    assert (status, answer["message"]) == (400, f"{person} is already running")


async def test_files_and_packages_of_a_person_are_there_again(somebody: tuple[Client, str]):
    client, person = somebody
    await client.start(person)
    async with client.kernel(person) as r:
        await r.run('writeLines("mine", "kept.txt"); dir.create(Sys.getenv("R_LIBS_USER"), recursive = TRUE)')
    await client.stop(person)
    await client.start(person)
    async with client.kernel(person) as r:
        assert await r.run('cat(readLines("kept.txt"), Sys.getenv("R_LIBS_USER") %in% .libPaths())') == "mine TRUE"


async def test_a_crashed_server_is_noticed_and_can_be_started_again(somebody: tuple[Client, str]):
    client, person = somebody
    await client.start(person)
    async with client.kernel(person) as r:
        server = int(await r.run('cat(system("ps -o ppid= -p $PPID", intern = TRUE))'))
    os.kill(server, signal.SIGKILL)

    async def starts() -> bool:
        return (await client.start(person))[0] == 201

    await until(starts)


async def test_progress_is_told_in_words(hub: Rc2, somebody: tuple[Client, str]):
    client, person = somebody
    await client.start(person)
    async with client.session.get(f"{hub.url}/hub/api/users/{person}/server/progress") as progress:
        assert b"ready" in await progress.content.readline()


async def test_jupyterlab_opens_rmarkdown_as_a_notebook_and_r_is_its_only_warm_kernel(somebody: tuple[Client, str]):
    client, person = somebody
    await client.start(person)
    async with client.kernel(person) as r:
        await r.run('writeLines(c("---", "title: x", "---", "", "```{r}", "6 * 7", "```"), "x.Rmd")')
    status, model = await client.call("GET", f"/user/{person}/api/contents/x.Rmd?type=notebook")
    assert status == 200
    assert [cell["cell_type"] for cell in model["content"]["cells"]] == ["raw", "code"]
