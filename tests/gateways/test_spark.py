"""The gateway before real Connect servers: what passes, what is refused, and that one person never reaches another's."""

import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.hub import Client, Rc2, until
from tests.fixtures.spark import stock_client
from tests.test_kill import COMMANDS, children, processes
from tests.test_separation import server_token

STOCK = Path(__file__).with_name("stock.py")
NAMES = re.findall(r'^    "([^"]+)": ', STOCK.read_text(), re.MULTILINE)
MEGABYTE = 1 << 20


def gateway_address(rc2: Rc2) -> str:
    return f"127.0.0.1:{json.loads((rc2.home / 'ports.json').read_text())['spark']}"


def gateway_memory(rc2: Rc2) -> int:
    gateway = next(pid for pid in children(rc2) if COMMANDS["gateway"] in Path(f"/proc/{pid}/cmdline").read_bytes())
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{gateway}/status").read_text())[1]) * 1024


@pytest.fixture(scope="module")
async def two(rc2: Rc2) -> AsyncIterator[tuple[Client, dict[str, str]]]:
    """Two people with Spark, and the tokens of their servers."""
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
async def checked(rc2: Rc2, two: tuple[Client, dict[str, str]]) -> tuple[dict[str, str], int]:
    said = stock_client(STOCK, gateway_address(rc2), *two[1].values())
    return said, gateway_memory(rc2)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_with_the_stock_client(checked: tuple[dict[str, str], int], name: str):
    assert checked[0][name] == "ok"


def test_after_200_sessions_and_streams_the_gateway_is_small(checked: tuple[dict[str, str], int]):
    assert checked[1] < 80 * MEGABYTE


def test_the_port_of_a_server_behind_the_gateway_opens_to_nobody(rc2: Rc2, two: tuple[Client, dict[str, str]]):
    script = Path(__file__).with_name("direct.py")
    for token in two[1].values():  # idle ones may have ended
        assert stock_client(script, gateway_address(rc2), token)["said"] == "1"
    ports = {
        found[1].decode()
        for _, command in processes(rc2)
        if (found := re.search(rb"grpc\.binding\.port=(\d+)", command)) and b"SparkSubmit" in command
    }
    assert len(ports) == 2
    for port in ports:
        for token in two[1].values():
            assert "UNAUTHENTICATED" in stock_client(script, f"127.0.0.1:{port}", token)["said"]


async def test_the_token_of_a_server_that_stopped_opens_nothing(rc2: Rc2, client: Client, person: str):
    rc2.groups(alice=["analysts"], bob=[], gwalice=["analysts"], gwbob=["analysts"], **{person: ["analysts"]})
    await client.create(person)
    await client.start(person, services=["spark"])
    token = await server_token(client, person)
    await client.stop(person)
    script = Path(__file__).with_name("direct.py")

    async def is_refused() -> bool:
        return "PERMISSION_DENIED" in stock_client(script, gateway_address(rc2), token)["said"]

    await until(is_refused, 30)


async def test_a_lost_grant_cuts_a_running_stream_within_thirty_seconds(rc2: Rc2, client: Client, person: str):
    everyone = {"gwalice": ["analysts"], "gwbob": ["analysts"]}
    rc2.groups(alice=["analysts"], bob=[], **everyone, **{person: ["analysts"]})
    await client.create(person)
    await client.start(person, services=["spark"])
    async with client.kernel(person) as r:
        await r.run("con <- rc2::rc2_spark(); mine <- 41")
        began = time.monotonic()
        rc2.groups(alice=["analysts"], bob=[], **everyone, **{person: []})
        said = await r.run(
            "cat(tryCatch(DBI::dbGetQuery(con, 'select count(*) from range(1000000000000)'), error = conditionMessage))"
        )
        assert time.monotonic() - began < 30
        assert "spark" in said.lower()
        assert await r.run("cat(mine + 1)") == "42"
    await client.stop(person)
