"""A user has no access to the attachments, server or role of another user; no secret is stored where it must not be."""

import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from rc2hub.processes import marked_processes
from tests.fixtures.hub import Client, Rc2
from tests.test_kill import runtime_dir

ODD_NAMES = ["al@ce", "../bob", "Ünï cødé", "x" * 300, "semi;colon", "a b", "a-b", "a_b", "a%2fb"]
MALICIOUS_NAMES = [
    "../flights",
    "flights/../../x",
    "flights%00",
    "%2e%2e%2fflights",
    "flights:../write",
    "<script>",
    "x" * 3000,
]
STARTS = int(os.environ.get("RC2_TEST_STARTS", "8"))


async def user_token(client: Client, username: str) -> str:
    _, model = await client.call("POST", f"/hub/api/users/{quote(username, safe='')}/tokens", json={"note": "test"})
    return model["token"]


async def server_token(client: Client, username: str) -> str:
    async with client.kernel(username) as r:
        return await r.run('cat(Sys.getenv("JUPYTERHUB_API_TOKEN"))')


@pytest.fixture
async def two(rc2: Rc2, client: Client, username: str):
    """Two users with the same grant, each with a running server."""
    names = [username + "a", username + "b"]
    rc2.groups(alice=["analysts"], bob=[], **{name: ["analysts"] for name in names})
    for name in names:
        await client.create(name)
        assert (await client.start(name, services=["flights"]))[0] == 201
    yield names
    for name in names:
        await client.stop(name)


async def test_only_the_users_own_tokens_open_the_attachments(rc2: Rc2, client: Client, two: list[str]):
    user, owner = two
    path = f"/services/rc2/api/servers/{owner}/-/attachments"
    tokens = {
        "another user": await user_token(client, user),
        "the server of another user": await server_token(client, user),
        "the service of the tests": rc2.token,
        "an unknown token": "0" * 32,
    }
    for owner_of_token, token in tokens.items():
        async with rc2.client(token) as other:
            for method, where in [("GET", path), ("PUT", f"{path}/flights"), ("DELETE", f"{path}/flights")]:
                status, answer = await other.call(method, where)
                assert (status, list(answer)) == (403, ["message"]), f"{owner_of_token}, {method}"
    async with rc2.client("") as without_token:
        assert (await without_token.call("GET", path))[0] == 403


async def test_secrets_are_sent_only_for_the_servers_own_token(rc2: Rc2, client: Client, two: list[str]):
    path = f"/services/rc2/api/servers/{two[0]}/-/attachments"
    async with rc2.client(await user_token(client, two[0])) as owner:
        status, answer = await owner.call("GET", path)
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


async def test_a_servers_token_gives_access_to_no_other_server_and_no_hub_api(rc2: Rc2, client: Client, two: list[str]):
    owner, other = two
    async with rc2.client(await server_token(client, owner)) as server:
        assert (await server.call("GET", f"/user/{other}/api/kernels"))[0] == 403
        assert (await server.call("DELETE", f"/hub/api/users/{other}/server"))[0] in {403, 404}
        assert (await server.call("POST", f"/hub/api/users/{owner}/servers/second"))[0] in {403, 404}
        assert (await server.call("GET", "/hub/api/users"))[0] == 403
        assert (await server.call("PUT", "/services/rc2/api/desired-state", json={"servers": [], "grants": {}}))[0] == 403
        assert (await server.call("GET", "/services/rc2/api/change-requests"))[0] == 403


async def test_a_users_role_reads_and_other_statements_end_in_permission_denied(client: Client, two: list[str]):
    async with client.kernel(two[0]) as r:
        await r.run(
            'con <- rc2::rc2_connect("flights"); attempt <- function(sql) tryCatch(DBI::dbExecute(con, sql), error = conditionMessage)'
        )
        assert await r.run('cat(DBI::dbGetQuery(con, "SELECT count(*)::int FROM flights")[[1]])') == "336776"
        assert "permission denied" in await r.run('cat(attempt("CREATE TABLE new_table (a int)"))')
        assert "permission denied" in await r.run("cat(attempt(\"INSERT INTO airlines VALUES ('x', 'y')\"))")
        other = await r.run(f"cat(DBI::dbGetQuery(con, \"SELECT rolname FROM pg_roles WHERE rolname ~ '{two[1]}'\")[[1]])")
        assert "permission denied" in await r.run(f"cat(attempt('SET ROLE \"{other}\"'))")


@pytest.mark.parametrize("malicious", MALICIOUS_NAMES, ids=lambda malicious: malicious[:24])
async def test_malicious_names_in_a_request_are_refused_in_one_sentence(client: Client, username: str, malicious: str):
    await client.create(username)
    status, answer = await client.start(username, services=[malicious])
    assert status == 400, answer
    assert answer["message"].startswith("services: ")
    status, answer = await client.start(username, profile=malicious)
    assert (status, answer["message"].split(":")[0]) == (400, "profile")


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: name[:12])
async def test_each_odd_user_name_gets_its_own_home_and_role(rc2: Rc2, client: Client, name: str):
    rc2.groups(alice=["analysts"], bob=[], **{f'"{name}"': ["analysts"]})
    status, _ = await client.call("POST", f"/hub/api/users/{quote(name, safe='')}")
    if "/" in name:
        assert status == 400  # JupyterHub refuses this name
        return
    status, answer = await client.start(name, services=["flights"])
    assert status == 201, answer
    async with client.kernel(name) as r:
        home = Path(await r.run("cat(getwd())"))
        assert home.parent == rc2.home / "homes"
        assert (
            await r.run(
                'con <- rc2::rc2_connect("flights"); cat(DBI::dbGetQuery(con, "SELECT count(*)::int FROM airlines")[[1]])'
            )
            == "16"
        )
    await client.stop(name)


async def test_no_secret_is_left_in_logs_files_or_process_tables(rc2: Rc2, client: Client, username: str):
    rc2.groups(alice=["analysts"], bob=[], **{username: ["analysts"]})
    await client.create(username)
    secrets: set[bytes] = set()
    for _ in range(STARTS):
        assert (await client.start(username, services=["flights"]))[0] == 201
        async with client.kernel(username) as r:
            output = await r.run('cat(Sys.getenv("JUPYTERHUB_API_TOKEN"), readLines(Sys.getenv("PGPASSFILE")))')
        token, line = output.split(" ", 1)
        secrets |= {token.encode(), line.rsplit(":", 1)[1].encode()}
        assert found_in_processes(rc2, secrets, username) == []
        await client.stop(username)
    assert len(secrets) == 2 * STARTS
    pattern = re.compile(b"|".join(map(re.escape, secrets)))
    files = [file for folder in (rc2.home, runtime_dir(rc2)) for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 100
    assert [file for file in files if pattern.search(content_of(file))] == []


def content_of(file: Path) -> bytes:
    """The bytes of a file; empty if it no longer exists, as PostgreSQL creates and removes files all the time."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def found_in_processes(rc2: Rc2, secrets: set[bytes], username: str) -> list[str]:
    """Processes whose arguments or environment hold a secret, except for the environment of the user's own server."""
    own_folders = {folder for pid, folder in marked_processes(runtime_dir(rc2)) if cwd(pid) == rc2.home / "homes" / username}
    own = {pid for pid, folder in marked_processes(runtime_dir(rc2)) if folder in own_folders} | {os.getpid()}
    pattern = re.compile(b"|".join(map(re.escape, secrets)))
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                content = (process / name).read_bytes()
            except OSError:
                continue
            if pattern.search(content) and (int(process.name) not in own or name == "cmdline"):
                found.append(f"{process.name} {name}")
    return found


def cwd(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None
