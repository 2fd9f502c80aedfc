"""Nobody reaches somebody else's attachments, server or role; no secret is where it should not be."""

import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from rc2hub.processes import marked
from tests.fixtures.hub import Client, Rc2
from tests.test_kill import runtime_dir

ODD_NAMES = ["al@ce", "../bob", "Ünï cødé", "x" * 300, "semi;colon", "a b", "a-b", "a_b", "a%2fb"]
TRICKS = ["../flights", "flights/../../x", "flights%00", "%2e%2e%2fflights", "flights:../write", "<script>", "x" * 3000]
STARTS = int(os.environ.get("RC2_TEST_STARTS", "8"))


async def person_token(client: Client, person: str) -> str:
    _, model = await client.call("POST", f"/hub/api/users/{quote(person, safe='')}/tokens", json={"note": "test"})
    return model["token"]


async def server_token(client: Client, person: str) -> str:
    async with client.kernel(person) as r:
        return await r.run('cat(Sys.getenv("JUPYTERHUB_API_TOKEN"))')


@pytest.fixture
async def two(rc2: Rc2, client: Client, person: str):
    """Two people with the same grant and a running server each."""
    names = [person + "a", person + "b"]
    rc2.groups(alice=["analysts"], bob=[], **{name: ["analysts"] for name in names})
    for name in names:
        await client.create(name)
        assert (await client.start(name, services=["flights"]))[0] == 201
    yield names
    for name in names:
        await client.stop(name)


async def test_only_her_own_token_opens_her_attachments(rc2: Rc2, client: Client, two: list[str]):
    anna, bert = two
    path = f"/services/rc2/api/servers/{bert}/-/attachments"
    theirs = {
        "anna's own": await person_token(client, anna),
        "her server's": await server_token(client, anna),
        "the tests' admin": rc2.token,
        "a made-up": "0" * 32,
    }
    for whose, token in theirs.items():
        async with rc2.client(token) as other:
            for method, where in [("GET", path), ("PUT", f"{path}/flights"), ("DELETE", f"{path}/flights")]:
                status, answer = await other.call(method, where)
                assert (status, list(answer)) == (403, ["message"]), f"{whose} token, {method}"
    async with rc2.client("") as nobody:
        assert (await nobody.call("GET", path))[0] == 403


async def test_secrets_are_for_the_servers_own_token_only(rc2: Rc2, client: Client, two: list[str]):
    path = f"/services/rc2/api/servers/{two[0]}/-/attachments"
    async with rc2.client(await person_token(client, two[0])) as person:
        status, answer = await person.call("GET", path)
        assert status == 200
        assert "files" not in answer["attachments"][0]
    async with rc2.client(await server_token(client, two[0])) as server:
        _, answer = await server.call("GET", path)
        assert answer["attachments"][0]["files"]["pgpass"]


async def test_the_token_of_a_stopped_server_opens_nothing(rc2: Rc2, client: Client, two: list[str]):
    token = await server_token(client, two[0])
    await client.stop(two[0])
    async with rc2.client(token) as old:
        for path in (f"/services/rc2/api/servers/{two[0]}/-/attachments", "/services/rc2/api/services"):
            status, answer = await old.call("GET", path)
            assert status == 403, answer
        assert (await old.call("GET", "/hub/api/user"))[0] == 403


async def test_a_servers_token_does_nothing_at_the_hub_but_its_own_business(rc2: Rc2, client: Client, two: list[str]):
    anna, bert = two
    async with rc2.client(await server_token(client, anna)) as server:
        assert (await server.call("GET", f"/user/{bert}/api/kernels"))[0] == 403
        assert (await server.call("DELETE", f"/hub/api/users/{bert}/server"))[0] in {403, 404}
        assert (await server.call("POST", f"/hub/api/users/{anna}/servers/second"))[0] in {403, 404}
        assert (await server.call("GET", "/hub/api/users"))[0] == 403
        assert (await server.call("PUT", "/services/rc2/api/state", json={"servers": [], "grants": {}}))[0] == 403
        assert (await server.call("GET", "/services/rc2/api/wishes"))[0] == 403


async def test_her_role_reads_and_is_denied_the_rest_in_words(client: Client, two: list[str]):
    async with client.kernel(two[0]) as r:
        await r.run(
            'con <- rc2::rc2_connect("flights"); said <- function(sql) tryCatch(DBI::dbExecute(con, sql), error = conditionMessage)'
        )
        assert await r.run('cat(DBI::dbGetQuery(con, "SELECT count(*) FROM flights")[[1]])') == "336776"
        assert "permission denied" in await r.run('cat(said("CREATE TABLE mine (a int)"))')
        assert "permission denied" in await r.run("cat(said(\"INSERT INTO airlines VALUES ('x', 'y')\"))")
        other = await r.run(f"cat(DBI::dbGetQuery(con, \"SELECT rolname FROM pg_roles WHERE rolname ~ '{two[1]}'\")[[1]])")
        assert "permission denied" in await r.run(f"cat(said('SET ROLE \"{other}\"'))")


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick[:24])
async def test_tricks_in_a_request_are_refused_in_one_sentence(client: Client, person: str, trick: str):
    await client.create(person)
    status, answer = await client.start(person, services=[trick])
    assert status == 400, answer
    assert answer["message"].startswith("services: ")
    status, answer = await client.start(person, profile=trick)
    assert (status, answer["message"].split(":")[0]) == (400, "profile")


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: name[:12])
async def test_odd_names_get_a_home_and_a_role_of_their_own(rc2: Rc2, client: Client, name: str):
    rc2.groups(alice=["analysts"], bob=[], **{f'"{name}"': ["analysts"]})
    status, _ = await client.call("POST", f"/hub/api/users/{quote(name, safe='')}")
    if "/" in name:
        assert status == 400  # the hub itself does not want this name
        return
    status, answer = await client.start(name, services=["flights"])
    assert status == 201, answer
    async with client.kernel(name) as r:
        home = Path(await r.run("cat(getwd())"))
        assert home.parent == rc2.home / "homes"
        assert (
            await r.run(
                'con <- rc2::rc2_connect("flights"); cat(DBI::dbGetQuery(con, "SELECT count(*) FROM airlines")[[1]])'
            )
            == "16"
        )
    await client.stop(name)


async def test_no_secret_is_left_in_logs_files_or_process_tables(rc2: Rc2, client: Client, person: str):
    rc2.groups(alice=["analysts"], bob=[], **{person: ["analysts"]})
    await client.create(person)
    secrets: set[bytes] = set()
    for _ in range(STARTS):
        assert (await client.start(person, services=["flights"]))[0] == 201
        async with client.kernel(person) as r:
            said = await r.run('cat(Sys.getenv("JUPYTERHUB_API_TOKEN"), readLines(Sys.getenv("PGPASSFILE")))')
        token, line = said.split(" ", 1)
        secrets |= {token.encode(), line.rsplit(":", 1)[1].encode()}
        assert found_in_processes(rc2, secrets, person) == []
        await client.stop(person)
    assert len(secrets) == 2 * STARTS
    pattern = re.compile(b"|".join(map(re.escape, secrets)))
    files = [file for folder in (rc2.home, runtime_dir(rc2)) for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 100
    assert [file for file in files if pattern.search(content_of(file))] == []


def content_of(file: Path) -> bytes:
    """What is in a file; nothing in one that has gone since, as PostgreSQL's own come and go."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def found_in_processes(rc2: Rc2, secrets: set[bytes], person: str) -> list[str]:
    """Processes other than those of the person's own server whose arguments or environment hold a secret."""
    mine = {folder for pid, folder in marked(runtime_dir(rc2)) if cwd(pid) == rc2.home / "homes" / person}
    own = {pid for pid, folder in marked(runtime_dir(rc2)) if folder in mine} | {os.getpid()}
    pattern = re.compile(b"|".join(map(re.escape, secrets)))
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for what in ("cmdline", "environ"):
            try:
                content = (process / what).read_bytes()
            except OSError:
                continue
            if pattern.search(content) and (int(process.name) not in own or what == "cmdline"):
                found.append(f"{process.name} {what}")
    return found


def cwd(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None
