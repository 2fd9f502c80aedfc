"""A standby with a real Spark: it is warmed without a user, and after its activation it is the server of its user."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.connect_process import ConnectProcess
from rc2hub.gateways.driver_token import driver_token
from rc2hub.gateways.hdfs_gateway import drop_content_type
from rc2hub.gateways.java_command import ConnectServerJava
from tests.fixtures.spark import stock_client

CLAIMED = Path(__file__).with_name("claimed.py")
WAREHOUSE = "spark.sql.warehouse.dir"


class HdfsGateway:
    """In the place of the HDFS gateway: notes with which token a driver comes, and has no file."""

    def __init__(self) -> None:
        self.address, self.tokens = "", []

    async def token(self, request: web.Request) -> web.Response:
        self.tokens.append((await request.post())["client_secret"])
        return web.json_response({"access_token": self.tokens[-1], "expires_in": 3600})

    async def file(self, _request: web.Request) -> web.Response:
        missing = {"exception": "FileNotFoundException", "javaClassName": "java.io.FileNotFoundException", "message": "none"}
        return web.json_response({"RemoteException": missing}, status=404)


@pytest.fixture
async def hdfs_gateway() -> AsyncIterator[HdfsGateway]:
    found = HdfsGateway()
    app = web.Application()
    app.on_response_prepare.append(drop_content_type)
    app.router.add_post("/oauth2/token", found.token)
    app.router.add_get("/webhdfs/v1/{path:.*}", found.file)
    async with TestServer(app) as server:
        found.address = str(server.make_url("")).rstrip("/")
        yield found


@pytest.fixture
async def standby(hdfs_gateway: HdfsGateway, tmp_path: Path) -> AsyncIterator[ConnectProcess]:
    java = ConnectServerJava(Path(sys.prefix, "spark"), hdfs_gateway=hdfs_gateway.address)
    process = ConnectProcess(java, tmp_path / "standby")
    await process.start()
    await process.warm_up()
    yield process
    await process.stop()
    assert not process.folder.exists()


async def test_spark_with_an_s3_store_needs_its_client(tmp_path: Path):
    spark = Path(sys.prefix, "spark")
    found = ConnectServerJava(spark, s3_gateway="http://127.0.0.1:1/lab").command(tmp_path)
    assert "/s3a/hadoop-aws-" in found[found.index("-cp") + 1]
    without = " ".join(ConnectServerJava(spark).command(tmp_path))
    assert "hadoop-aws" not in without
    assert "fs.s3a" not in without
    (tmp_path / "lib").symlink_to(spark / "lib")
    with pytest.raises(ServiceUnavailableError, match="^Spark's client of S3 is not installed in .*/s3a; an operator"):
        ConnectServerJava(tmp_path, s3_gateway="http://127.0.0.1:1/lab").check()


async def test_a_standby_becomes_the_server_of_its_user(standby: ConnectProcess, hdfs_gateway: HdfsGateway):
    java, program = standby._processes
    token = driver_token("key", "alice", "name")
    shown = b"\0".join(Path(f"/proc/{java.pid}/{name}").read_bytes() for name in ("environ", "cmdline"))
    assert b"alice" not in shown
    assert token.encode() not in shown
    await standby.activate(token, {WAREHOUSE: "/warehouse/of-alice"})
    assert await program.wait() == 0
    found = await asyncio.to_thread(stock_client, CLAIMED, f"127.0.0.1:{standby.port}", standby.secret)
    assert found["answer"] == 3
    assert found["token"] == token
    assert found["application"] == "Rc2"
    assert found["tables"] == []
    assert found["warehouse"] == "file:/warehouse/of-alice"
    assert set(hdfs_gateway.tokens) == {token}
