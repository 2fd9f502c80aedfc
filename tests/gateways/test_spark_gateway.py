"""The gateway with real Connect servers: what it forwards, what it refuses, and that users cannot reach each other's server."""

import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.hub import HANG_TIMEOUT, Client, Rc2, process_memory, until
from tests.fixtures.spark import stock_client
from tests.test_kill import COMMANDS, children
from tests.test_separation import server_token

STOCK = Path(__file__).with_name("stock.py")
NAMES = re.findall(r'^    "([^"]+)": ', STOCK.read_text(), re.MULTILINE)
MEGABYTE = 1 << 20


def gateway_address(rc2: Rc2) -> str:
    return f"127.0.0.1:{json.loads((rc2.home / 'ports.json').read_text())['spark']}"


def gateway_pid(rc2: Rc2) -> int:
    return next(pid for pid in children(rc2) if COMMANDS["gateway"] in Path(f"/proc/{pid}/cmdline").read_bytes())


@pytest.fixture(scope="module")
async def two(rc2: Rc2) -> AsyncIterator[tuple[Client, dict[str, str]]]:
    """Two users with Spark, and the tokens of their servers."""
    names = ["gwalice", "gwbob"]
    rc2.groups(alice=["analysts"], bob=[], **{name: ["analysts"] for name in names})
    async with rc2.client() as client:
        tokens = {}
        for name in names:
            await client.create(name)
            assert (await client.start(name, services=["spark"]))[0] == 201
            tokens[name] = await server_token(client, name)
        yield client, tokens
        for name in names:
            await client.stop(name)


@pytest.fixture(scope="module")
async def checked(rc2: Rc2, two: tuple[Client, dict[str, str]]) -> dict[str, str]:
    return stock_client(STOCK, gateway_address(rc2), *two[1].values())


@pytest.mark.timeout(3 * HANG_TIMEOUT)
@pytest.mark.parametrize("name", NAMES)
def test_with_sparks_stock_client(checked: dict[str, str], name: str):
    assert checked[name] == "ok"


@pytest.mark.usefixtures("checked")
def test_the_gateway_keeps_no_memory_of_200_sessions_and_streams_that_are_over(rc2: Rc2, two: tuple[Client, dict[str, str]]):
    before = process_memory(gateway_pid(rc2), "VmRSS")
    many = [name for name in NAMES if name.startswith("200 ")]
    assert stock_client(STOCK, gateway_address(rc2), *two[1].values(), *many) == dict.fromkeys(many, "ok")
    assert process_memory(gateway_pid(rc2), "VmRSS") < before + 8 * MEGABYTE


def test_a_user_who_uploads_a_lot_takes_no_memory_from_others(rc2: Rc2, two: tuple[Client, dict[str, str]]):
    Path(f"/proc/{gateway_pid(rc2)}/clear_refs").write_text("5")  # resets the peak
    found = stock_client(Path(__file__).with_name("uploads.py"), gateway_address(rc2), *two[1].values())
    assert process_memory(gateway_pid(rc2), "VmHWM") < 448 * MEGABYTE
    assert found["lengths"] == [24] * 4
    assert "larger than max" in found["refused"][0]
    assert found["calls"] > 1


def test_a_hub_token_does_not_open_the_port_of_a_connect_server(rc2: Rc2, two: tuple[Client, dict[str, str]]):
    script = Path(__file__).with_name("direct.py")
    for token in two[1].values():
        assert stock_client(script, gateway_address(rc2), token)["output"] == "1"
    ports = [file.read_text() for file in rc2.home.glob("hub/spark/spark/*/port")]
    assert len(ports) == 2
    for port in ports:
        for token in two[1].values():
            assert "UNAUTHENTICATED" in stock_client(script, f"127.0.0.1:{port}", token)["output"]


async def test_the_token_of_a_stopped_server_is_refused(rc2: Rc2, client: Client, username: str):
    rc2.groups(alice=["analysts"], bob=[], gwalice=["analysts"], gwbob=["analysts"], **{username: ["analysts"]})
    await client.create(username)
    await client.start(username, services=["spark"])
    token = await server_token(client, username)
    await client.stop(username)
    script = Path(__file__).with_name("direct.py")

    async def is_refused() -> bool:
        return "PERMISSION_DENIED" in stock_client(script, gateway_address(rc2), token)["output"]

    await until(is_refused)


async def test_a_lost_grant_cuts_a_running_stream_within_thirty_seconds(rc2: Rc2, client: Client, username: str):
    others = {"gwalice": ["analysts"], "gwbob": ["analysts"]}
    rc2.groups(alice=["analysts"], bob=[], **others, **{username: ["analysts"]})
    await client.create(username)
    await client.start(username, services=["spark"])
    async with client.kernel(username) as r:
        await r.run("con <- rc2::rc2_spark(); mine <- 41")
        started_at = time.monotonic()
        rc2.groups(alice=["analysts"], bob=[], **others, **{username: []})
        output = await r.run(
            "cat(tryCatch(DBI::dbGetQuery(con, 'select count(*) from range(1000000000000)'), error = conditionMessage))"
        )
        assert time.monotonic() - started_at < 30
        assert "spark" in output.lower()
        assert await r.run("cat(mine + 1)") == "42"
    await client.stop(username)
