"""The names of users in HDFS, and the folders that the gateway makes for them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.hdfs_client import HdfsClient, hdfs_user
from tests.fixtures.hdfs import Hdfs


@pytest.fixture
async def client(hdfs: Hdfs) -> AsyncIterator[HdfsClient]:
    connected = HdfsClient(hdfs.namenode)
    yield connected
    await connected.close()


@pytest.mark.parametrize("name", ["alice", "A", "a.b-c_d", "_x1"])
def test_a_plain_name_is_the_same_in_hdfs(name: str):
    assert hdfs_user(name) == name


@pytest.mark.parametrize(
    "name", ["alice@EXAMPLE.ORG", "alice/admin", "../bob", "x" * 65, "rc2-alice", "1a", "a b", "ü", "", "a\n"]
)
def test_a_name_that_hdfs_would_shorten_or_refuse_is_hashed(name: str):
    assert hdfs_user(name).startswith("rc2-")
    assert len(hdfs_user(name)) == 28


@pytest.mark.parametrize("name", ["hdfs", "rc2", "root", "HDFS"])
def test_an_account_that_runs_hdfs_is_no_user(name: str):
    with pytest.raises(ServiceUnavailableError, match="is an account of HDFS itself"):
        hdfs_user(name)


async def status(hdfs: Hdfs, path: str) -> tuple[str, str]:
    found = (await hdfs.call("GET", path, "GETFILESTATUS"))["FileStatus"]
    return found["owner"], found["permission"]


async def test_a_users_folder_belongs_to_the_user_alone(hdfs: Hdfs, client: HdfsClient):
    await client.make_home("dora")
    assert await status(hdfs, "/user/dora") == ("dora", "700")
    assert await status(hdfs, "/user") == ("hdfs", "755")


async def test_a_folder_that_exists_stays_as_it_is(hdfs: Hdfs, client: HdfsClient):
    await hdfs.call("PUT", "/user/emil", "MKDIRS", permission="750")
    await hdfs.call("PUT", "/user/emil", "SETOWNER", owner="emil")
    await client.make_home("emil")
    assert await status(hdfs, "/user/emil") == ("emil", "750")


async def test_a_folder_that_a_killed_gateway_began_is_completed(hdfs: Hdfs, client: HdfsClient):
    await hdfs.call("PUT", "/user/.rc2-fay", "MKDIRS", permission="700")
    await client.make_home("fay")
    assert await status(hdfs, "/user/fay") == ("fay", "700")
    assert "RemoteException" in await hdfs.call("GET", "/user/.rc2-fay", "GETFILESTATUS")


async def test_two_servers_of_a_user_attach_at_the_same_time(hdfs: Hdfs, client: HdfsClient):
    await asyncio.gather(*(client.make_home("gus") for _ in range(5)))
    assert await status(hdfs, "/user/gus") == ("gus", "700")
    assert (await hdfs.call("GET", "/user/gus", "LISTSTATUS"))["FileStatuses"]["FileStatus"] == []


async def test_a_refusal_of_hdfs_names_its_reason(hdfs: Hdfs, client: HdfsClient):
    hdfs.admin("-safemode", "enter")
    try:
        with pytest.raises(ServiceUnavailableError, match="HDFS refuses to make the folder: .*safe mode"):
            await client.make_home("ida")
    finally:
        hdfs.admin("-safemode", "leave")
    await client.make_home("ida")


@pytest.mark.parametrize(
    ("exception", "sentence"),
    [
        ("org.apache.hadoop.ipc.RetriableException", "HDFS is starting; try again in a moment."),
        ("org.apache.hadoop.ipc.StandbyException", "HDFS is starting; try again in a moment."),
        ("java.net.ConnectException", "HDFS does not answer; try again in a moment."),
        ("java.lang.SecurityException", "HDFS refuses its gateway: The reason."),
    ],
)
async def test_the_gateway_says_why_hdfs_gives_no_answer(exception: str, sentence: str):
    refusal = {"RemoteException": {"javaClassName": exception, "message": "The reason."}}

    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response(refusal, status=403)

    namenode = web.Application()
    namenode.router.add_get("/{path:.*}", refuse)
    async with TestServer(namenode) as server:
        client = HdfsClient(f"http://127.0.0.1:{server.port}")
        with pytest.raises(ServiceUnavailableError) as error:
            await client.check()
        await client.close()
    assert str(error.value) == sentence
