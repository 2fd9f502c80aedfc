"""Long transfers through the gateway: within its memory, and cut when the grant, the level or the client is gone."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientPayloadError, ClientResponse

from tests.fixtures.hdfs_gateway import Gateway
from tests.fixtures.hub import until
from tests.fixtures.stream_gateway import HOUR


async def chunks(count: int, chunk: bytes) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield chunk


async def test_a_large_file_passes_in_both_directions_within_64_mib_of_memory(gateway: Gateway, tokens: dict[str, str]):
    count, chunk = 1024, bytes(1 << 20)
    status, _ = await gateway.call(
        tokens["bob"], "PUT", "/user/bob/large?op=CREATE&overwrite=true", data=chunks(count, chunk)
    )
    assert status == 201
    headers = {"Authorization": f"Bearer {tokens['bob']}"}
    size = 0
    async with gateway.session.get(gateway.url("/user/bob/large?op=OPEN"), headers=headers) as answer:
        async for piece in answer.content.iter_any():
            size += len(piece)
    assert size == count * len(chunk)
    assert gateway.memory("VmHWM") <= 64 << 20
    await gateway.call(tokens["bob"], "DELETE", "/user/bob/large?op=DELETE")


async def begin_write(gateway: Gateway, token: str, raw: str, opened: asyncio.Event) -> "asyncio.Task[tuple[int, Any]]":
    """A write that waits for the event after its first megabyte has reached HDFS."""

    async def data() -> AsyncIterator[bytes]:
        yield bytes(1 << 20)
        await opened.wait()
        yield b"end"

    task = asyncio.create_task(gateway.call(token, "PUT", raw, data=data()))
    path = raw.partition("?")[0]

    async def has_begun() -> bool:
        return (await gateway.call(token, "GET", f"{path}?op=GETFILESTATUS"))[0] == 200

    await until(has_begun)
    return task


@pytest.fixture
async def reading(gateway: Gateway, tokens: dict[str, str]) -> AsyncIterator[Callable[[str], Awaitable[ClientResponse]]]:
    """Begins to read a file that is larger than all buffers on the way."""
    await gateway.call(tokens["bob"], "PUT", "/user/bob/long?op=CREATE&overwrite=true", data=chunks(64, bytes(1 << 20)))
    await gateway.call(tokens["bob"], "PUT", "/user/bob?op=SETPERMISSION&permission=755")
    answers = []

    async def begin(token: str) -> ClientResponse:
        headers = {"Authorization": f"Bearer {token}"}
        answers.append(await gateway.session.get(gateway.url("/user/bob/long?op=OPEN"), headers=headers))
        return answers[-1]

    yield begin
    for answer in answers:
        answer.close()
    await gateway.call(tokens["bob"], "PUT", "/user/bob?op=SETPERMISSION&permission=700")


async def test_a_detached_server_reads_no_further_and_does_not_take_the_part_for_the_whole(gateway: Gateway, reading: Any):
    answer = await reading(gateway.grant("carol", "read"))
    await gateway.broker_call("Detach", user="carol", server="")
    with pytest.raises(ClientPayloadError):
        await answer.read()


async def test_a_detached_server_writes_no_further(gateway: Gateway, tokens: dict[str, str]):
    never = asyncio.Event()
    writing = await begin_write(gateway, tokens["bob"], "/user/bob/cut?op=CREATE&overwrite=true", never)
    await gateway.broker_call("Detach", user="bob", server="")
    status, refused = await writing
    assert (status, refused["RemoteException"]["message"]) == (403, "HDFS was detached from this server.")


async def test_a_grant_that_is_lost_without_a_call_of_the_broker_ends_streams_within_thirty_seconds(
    gateway: Gateway, reading: Any
):
    reader, writer = gateway.grant("carol", "read"), gateway.grant("alice", "write")
    answer = await reading(reader)
    writing = await begin_write(gateway, writer, "/user/alice/cut?op=CREATE&overwrite=true", asyncio.Event())
    started_at = time.monotonic()
    del gateway.reviews[reader], gateway.reviews[writer]
    status, refused = await writing
    assert (status, refused["RemoteException"]["message"]) == (403, "No grant of store.")
    with pytest.raises(ClientPayloadError):
        await answer.read()
    assert time.monotonic() - started_at < 30


async def test_a_lower_level_ends_writes_and_no_reads(gateway: Gateway, tokens: dict[str, str], reading: Any):
    answer = await reading(tokens["bob"])
    writing = await begin_write(gateway, tokens["bob"], "/user/bob/cut?op=CREATE&overwrite=true", asyncio.Event())
    gateway.reviews[tokens["bob"]] = {"user": "bob", "server": "", "level": "read"}
    await gateway.broker_call("Attach", user="bob", server="", level="read", expires_at=time.time() + HOUR)
    status, refused = await writing
    assert (status, refused["RemoteException"]["message"]) == (403, "Your level of this service no longer allows this call.")
    assert len(await answer.read()) == 64 << 20
    assert (await gateway.call(tokens["bob"], "PUT", "/user/bob/d?op=MKDIRS"))[0] == 403
    gateway.grant("bob", "write")
    await gateway.broker_call("Attach", user="bob", server="", level="write", expires_at=time.time() + HOUR)


async def test_the_gateway_stops_reading_when_the_client_has_gone(gateway: Gateway, tokens: dict[str, str], reading: Any):
    before, count = len(gateway.log.read_text()), 40

    def outcomes() -> list[tuple[str, str]]:
        return re.findall(r" OPEN .*outcome=(\w+) bytes=(\d+)", gateway.log.read_text()[before:])

    for _ in range(count):  # a failed write or a closed connection, whichever the gateway sees first
        (await reading(tokens["bob"])).close()

    async def are_logged() -> bool:
        return len(outcomes()) == count

    await until(are_logged)
    assert {outcome for outcome, _ in outcomes()} == {"gone"}
    assert all(int(sent) < 64 << 20 for _, sent in outcomes())


async def test_a_write_that_its_client_breaks_off_keeps_what_had_arrived(gateway: Gateway, tokens: dict[str, str]):
    writing = await begin_write(gateway, tokens["bob"], "/user/bob/broken?op=CREATE&overwrite=true", asyncio.Event())
    writing.cancel()

    async def is_closed() -> bool:
        _, found = await gateway.call(tokens["bob"], "GET", "/user/bob/broken?op=GETFILESTATUS")
        return bool(found["FileStatus"]["length"])

    await until(is_closed)
    _, found = await gateway.call(tokens["bob"], "GET", "/user/bob/broken?op=GETFILESTATUS")
    assert found["FileStatus"]["length"] <= 1 << 20
