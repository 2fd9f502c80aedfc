"""A secret in a whole login: users of the group have it as a file, follow its rotation, and lose it with the grant."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fixtures.hub import Client, Kernel, Rc2, RError, rc2_with, until
from tests.test_kill import kill, processes
from tests.test_separation import user_token

OLD, NEW = "a-key-of-2025", "a-key-of-2026"
READ = 'key <- rc2::rc2_secret("weather")\ncat(paste0("Bearer ", key), Sys.getenv("WEATHER_API_KEY"))'
ENTRY = """
c.SharedServices.catalogue["weather"] = {{
    "kind": "secret", "file": "{file}", "variable": "WEATHER_API_KEY", "file_variable": "WEATHER_KEY_FILE"
}}
c.JupyterHub.load_roles += [{{"name": "staff", "groups": ["staff"], "scopes": ["custom:rc2:weather:use"]}}]
"""


@pytest.fixture(scope="module")
def rc2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """An Rc² that offers the secret `weather` to the group staff."""
    folder = tmp_path_factory.mktemp("rc2")
    rotate(folder / "weather", OLD)
    with rc2_with(folder, ENTRY.format(file=folder / "weather"), RC2_SERVICES="flights") as running:
        yield running


def rotate(file: Path, content: str) -> None:
    """Replace the secret as an operator does."""
    draft = file.with_name("draft")
    draft.touch(mode=0o600)
    draft.write_text(content + "\n")
    draft.rename(file)


@pytest.fixture
async def r(rc2: Rc2, client: Client) -> AsyncIterator[Kernel]:
    """R of alice, who is of the group and has the secret."""
    rc2.groups(alice=["staff"], bob=[])
    rotate(rc2.home.with_name("weather"), OLD)
    async with client.working("alice", ["weather"], "mine <- 41") as kernel:
        yield kernel


async def is_gone(r: Kernel) -> bool:
    return await r.run('cat(file.exists(file.path(Sys.getenv("RC2_ATTACHMENTS_DIR"), "weather.secret")))') == "FALSE"


async def test_a_user_reads_the_value_and_programs_find_the_variables(r: Kernel):
    assert await r.run(READ) == f"Bearer {OLD} {OLD}"
    assert (
        await r.run("""cat(system('echo "$WEATHER_API_KEY"; cat "$WEATHER_KEY_FILE"', intern = TRUE))""") == f"{OLD} {OLD}"
    )
    assert await r.run('cat(format(file.mode(rc2::rc2_secret("weather", as = "path"))))') == "600"


async def test_a_notebook_does_not_keep_the_value(r: Kernel):
    shown = await r.run('key <- rc2::rc2_secret("weather"); key; str(key); list(key)')
    assert "<secret weather>" in shown
    assert OLD not in shown
    every = 'cat(unlist(lapply(repr::mime2repr, function(show) tryCatch(show(key), error = function(error) ""))))'
    assert OLD not in await r.run(every)


async def test_a_rotation_reaches_a_running_server_within_a_minute(rc2: Rc2, r: Kernel):
    assert OLD in await r.run(READ)
    rotate(rc2.home.with_name("weather"), NEW)
    started_at = time.monotonic()

    async def is_new() -> bool:
        return await r.run(READ) == f"Bearer {NEW} {NEW}"

    await until(is_new, 60, interval=0.5)
    assert time.monotonic() - started_at < 60
    assert await r.run("cat(mine + 1)") == "42"


async def test_a_detached_secret_is_gone_and_comes_back_at_the_next_use(rc2: Rc2, r: Kernel, client: Client):
    async with rc2.client(await user_token(client, "alice")) as alice:
        assert (await alice.call("DELETE", "/services/rc2/api/servers/alice/-/attachments/weather"))[0] in {202, 204}
    await until(lambda: is_gone(r))
    assert OLD in await r.run(READ)


async def test_a_lost_grant_removes_the_file_within_thirty_seconds(rc2: Rc2, r: Kernel):
    rc2.groups(alice=[], bob=[])
    await until(lambda: is_gone(r), 30)
    with pytest.raises(RError, match="weather: you have no grant for this service; ask the operator of this hub"):
        await r.run(READ)
    assert await r.run("cat(mine + 1)") == "42"


async def test_a_user_without_a_grant_is_refused(rc2: Rc2, r: Kernel, client: Client):
    await client.create("bob")
    status, answer = await client.start("bob", services=["weather"])
    assert (status, answer["message"]) == (403, "weather: you have no grant for this service; ask the operator of this hub.")
    assert (await client.start("bob"))[0] == 201
    async with client.kernel("bob") as kernel:
        with pytest.raises(RError, match="weather: you have no grant"):
            await kernel.run(READ)
    await client.stop("bob")


async def test_the_value_is_in_no_answer_log_command_line_or_database(rc2: Rc2, r: Kernel, client: Client):
    assert OLD in await r.run(READ)
    async with rc2.client(await user_token(client, "alice")) as alice:
        paths = ("/services/rc2/api/servers/alice/-/attachments", "/services/rc2/api/services", "/hub/api/user")
        answers = [await alice.call("GET", path) for path in paths]
    assert "weather.secret" in json.dumps(answers)
    assert OLD not in json.dumps(answers)
    assert OLD not in rc2.log()
    assert [command for _, command in processes(rc2) if OLD.encode() in command] == []
    for database in rc2.home.rglob("*.sqlite*"):
        assert OLD.encode() not in database.read_bytes()


async def test_a_broker_that_is_killed_leaves_no_secret_behind(rc2: Rc2, r: Kernel):
    assert OLD in await r.run(READ)
    kill(rc2, "broker")
    rc2.groups(alice=[], bob=[])
    await until(lambda: is_gone(r))
    rc2.groups(alice=["staff"], bob=[])

    async def is_back() -> bool:
        return OLD in await r.run(f"cat(tryCatch({{{READ}}}, error = conditionMessage))")

    await until(is_back, interval=0.5)


async def test_a_missing_file_is_one_sentence_for_the_user(rc2: Rc2, r: Kernel, client: Client):
    await client.stop("alice")
    rc2.home.with_name("weather").unlink()
    status, answer = await client.start("alice", services=["weather"])
    assert status in {500, 503}  # from the progress, or at once
    assert "weather: the broker cannot read the file" in answer["message"]
