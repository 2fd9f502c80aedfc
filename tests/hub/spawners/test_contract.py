"""What JupyterHub relies on, for every spawner of Rc²: a new spawner adds one line to IMPLEMENTATIONS."""

import os
import signal

import pytest

from tests.fixtures.hub import Client, Rc2, until

IMPLEMENTATIONS = ["rc2"]
"""Fixtures of a running hub, one for each spawner."""


@pytest.fixture(params=IMPLEMENTATIONS)
def hub(request: pytest.FixtureRequest) -> Rc2:
    return request.getfixturevalue(request.param)


@pytest.fixture
async def user(hub: Rc2, username: str):
    async with hub.client() as client:
        await client.create(username)
        yield client, username
        await client.stop(username)


async def test_a_stopped_server_starts_again(user: tuple[Client, str]):
    client, username = user
    for _ in range(2):
        assert (await client.start(username))[0] == 201
        await client.stop(username)


async def test_a_running_server_is_not_started_twice(user: tuple[Client, str]):
    client, username = user
    await client.start(username)
    status, answer = await client.start(username)
    assert (status, answer["message"]) == (400, f"{username} is already running")


async def test_files_and_packages_of_a_user_are_kept(user: tuple[Client, str]):
    client, username = user
    await client.start(username)
    async with client.kernel(username) as r:
        await r.run('writeLines("mine", "kept.txt"); dir.create(Sys.getenv("R_LIBS_USER"), recursive = TRUE)')
    await client.stop(username)
    await client.start(username)
    async with client.kernel(username) as r:
        assert await r.run('cat(readLines("kept.txt"), Sys.getenv("R_LIBS_USER") %in% .libPaths())') == "mine TRUE"


async def test_a_crashed_server_is_noticed_and_starts_again(user: tuple[Client, str]):
    client, username = user
    await client.start(username)
    async with client.kernel(username) as r:
        server = int(await r.run('cat(system("ps -o ppid= -p $PPID", intern = TRUE))'))
    os.kill(server, signal.SIGKILL)

    async def starts() -> bool:
        return (await client.start(username))[0] == 201

    await until(starts)


async def test_progress_is_reported(hub: Rc2, user: tuple[Client, str]):
    client, username = user
    await client.start(username)
    async with client.session.get(f"{hub.url}/hub/api/users/{username}/server/progress") as progress:
        assert b"ready" in await progress.content.readline()


async def test_jupyterlab_opens_rmarkdown_as_a_notebook_and_r_is_its_only_warm_kernel(user: tuple[Client, str]):
    client, username = user
    await client.start(username)
    async with client.kernel(username) as r:
        await r.run('writeLines(c("---", "title: x", "---", "", "```{r}", "6 * 7", "```"), "x.Rmd")')
    status, model = await client.call("GET", f"/user/{username}/api/contents/x.Rmd?type=notebook")
    assert status == 200
    assert [cell["cell_type"] for cell in model["content"]["cells"]] == ["raw", "code"]
