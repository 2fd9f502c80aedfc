"""Long transfers through the S3 gateway: within its memory, and cut when the grant, the level or the group is gone."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientPayloadError, ClientResponse

from tests.fixtures.hub import until
from tests.fixtures.s3 import BUCKET, Gateway
from tests.fixtures.stream_gateway import HOUR

MIB = 1 << 20


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(MIB)


async def write(gateway: Gateway, token: str, key: str, count: int) -> tuple[int, bytes]:
    return await gateway.call(token, "PUT", key, chunks(count), Content_Length=str(count * MIB))


async def read(gateway: Gateway, token: str, key: str) -> ClientResponse:
    """An answer of which only the head is read."""
    return await gateway.session.get(f"{gateway.address}/{BUCKET}{key}", headers={"Authorization": f"Bearer {token}"})


async def begin_write(gateway: Gateway, token: str, key: str) -> "asyncio.Task[tuple[int, bytes]]":
    """A write whose second half does not come; the gateway passes it on when this returns."""
    passed = asyncio.Event()

    async def data() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(MIB)
        passed.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(gateway.call(token, "PUT", key, data(), Content_Length=str(16 * MIB)))
    await passed.wait()
    return task


async def test_256_mib_pass_in_both_directions_within_64_mib_of_memory(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    token, size = s3_tokens["bob"], 0
    assert (await write(s3_gateway, token, "/users/bob/large", 256))[0] == 200
    async with await read(s3_gateway, token, "/users/bob/large") as answer:
        async for piece in answer.content.iter_any():
            size += len(piece)
    assert size == 256 * MIB
    assert s3_gateway.memory("VmHWM") <= 64 * MIB
    await s3_gateway.call(token, "DELETE", "/users/bob/large")


async def test_a_lost_grant_ends_a_running_read_and_write_within_thirty_seconds(
    s3_gateway: Gateway, s3_tokens: dict[str, str]
):
    await write(s3_gateway, s3_tokens["bob"], "/users/bob/long", 64)
    await write(s3_gateway, s3_tokens["alice"], "/groups/staff/long", 64)
    carol = s3_gateway.grant("carol", "read", "staff")
    bob = s3_gateway.grant("bob", "write")
    own = await read(s3_gateway, bob, "/users/bob/long")
    of_group = await read(s3_gateway, carol, "/groups/staff/long")
    writing = await begin_write(s3_gateway, bob, "/users/bob/cut")
    started_at = time.monotonic()
    del s3_gateway.reviews[bob]
    s3_gateway.grant("carol", "read")  # of no group any more
    status, answered = await writing
    assert (status, b"<Message>No grant of store.</Message>" in answered) == (403, True)
    for answer in (own, of_group):
        with pytest.raises(ClientPayloadError):  # a part is not taken for the whole
            await answer.read()
    assert time.monotonic() - started_at < 30
    s3_gateway.grant("bob", "write")
    s3_gateway.grant("carol", "read", "staff")
    assert (await s3_gateway.call(bob, "GET", "/users/bob/cut"))[0] == 404


async def test_a_lower_level_ends_writes_and_no_reads(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    await write(s3_gateway, s3_tokens["bob"], "/users/bob/long", 64)
    answer = await read(s3_gateway, s3_tokens["bob"], "/users/bob/long")
    writing = await begin_write(s3_gateway, s3_tokens["bob"], "/users/bob/cut")
    await s3_gateway.broker_call("Attach", user="bob", server="", level="read", expires_at=time.time() + HOUR)
    status, answered = await writing
    assert (status, b"Your level of this service no longer allows this call." in answered) == (403, True)
    assert len(await answer.read()) == 64 * MIB
    await s3_gateway.broker_call("Attach", user="bob", server="", level="write", expires_at=time.time() + HOUR)


async def test_a_detached_server_reads_no_further(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    await write(s3_gateway, s3_tokens["bob"], "/users/bob/long", 64)
    answer = await read(s3_gateway, s3_tokens["bob"], "/users/bob/long")
    await s3_gateway.broker_call("Detach", user="bob", server="")
    with pytest.raises(ClientPayloadError):
        await answer.read()


async def test_the_gateway_stops_reading_when_the_client_has_gone(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    await write(s3_gateway, s3_tokens["bob"], "/users/bob/long", 64)
    before = len(s3_gateway.log.read_text())
    (await read(s3_gateway, s3_tokens["bob"], "/users/bob/long")).close()

    async def is_logged() -> bool:
        return "GetObject path=/lab/users/bob/long to= outcome=gone" in s3_gateway.log.read_text()[before:]

    await until(is_logged)
