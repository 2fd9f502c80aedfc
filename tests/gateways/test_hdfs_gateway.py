"""The gateway as a process, in front of a real HDFS: what users read and write, and what they are refused."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientPayloadError, ClientResponse

from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hdfs_gateway import SECRET, Gateway
from tests.fixtures.hub import until

HOUR = 3600
ODD_NAMES = ["a b", "100%", "%41", "a+b", "ü ß €", "a;b=c", "a&b", "a?b", "a#b", "'\"", "a\\b", "ends ", "x" * 255, "名前"]


@pytest.fixture(scope="module")
async def tokens(gateway: Gateway) -> dict[str, str]:
    """The tokens of alice and bob, who may write, and of carol, who may read; each has a folder."""
    levels = {"alice": "write", "bob": "write", "carol": "read"}
    for user, level in levels.items():
        await gateway.broker_call("Attach", user=user, server="", level=level, expires_at=time.time() + HOUR)
    return {user: gateway.grant(user, level) for user, level in levels.items()}


@pytest.fixture
async def secret_file(gateway: Gateway, tokens: dict[str, str]) -> str:
    """A file of alice, which only alice may read."""
    assert (await gateway.call(tokens["alice"], "PUT", "/user/alice/secret?op=CREATE&overwrite=true", data=b"mine"))[
        0
    ] == 201
    return "/user/alice/secret"


async def test_a_file_comes_back_as_it_was_written(gateway: Gateway, tokens: dict[str, str]):
    content = bytes(range(256)) * 1000
    assert await gateway.call(tokens["bob"], "PUT", "/user/bob/f?op=CREATE", data=content) == (201, b"")
    assert await gateway.call(tokens["bob"], "GET", "/user/bob/f?op=OPEN") == (200, content)
    assert await gateway.call(tokens["bob"], "GET", "/user/bob/f?op=OPEN&offset=7&length=5") == (200, content[7:12])
    assert await gateway.call(tokens["bob"], "POST", "/user/bob/f?op=APPEND", data=b"end") == (200, b"")
    assert await gateway.call(tokens["bob"], "GET", f"/user/bob/f?op=OPEN&offset={len(content)}") == (200, b"end")


async def test_a_write_in_two_steps_is_sent_to_the_gateway_itself(gateway: Gateway, tokens: dict[str, str]):
    status, _ = await gateway.call(tokens["bob"], "PUT", "/user/bob/two%20steps?op=CREATE", allow_redirects=False)
    assert status == 307
    assert (await gateway.call(tokens["bob"], "PUT", "/user/bob/two%20steps?op=CREATE"))[0] == 201
    assert await gateway.call(tokens["bob"], "GET", "/user/bob/two%20steps?op=OPEN") == (200, b"")


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_an_odd_name_is_one_file(gateway: Gateway, tokens: dict[str, str], name: str):
    folder = "/user/bob/odd"
    assert (await gateway.call(tokens["bob"], "DELETE", f"{folder}?op=DELETE&recursive=true"))[0] == 200
    path = f"{folder}/{quote(name, safe='')}"
    assert (await gateway.call(tokens["bob"], "PUT", f"{path}?op=CREATE", data=name.encode()))[0] == 201
    assert await gateway.call(tokens["bob"], "GET", f"{path}?op=OPEN") == (200, name.encode())
    _, listed = await gateway.call(tokens["bob"], "GET", f"{folder}?op=LISTSTATUS")
    assert [entry["pathSuffix"] for entry in listed["FileStatuses"]["FileStatus"]] == [name]
    renamed = f"{folder}/{quote('new ' + name[:200], safe='')}"
    destination = quote(f"{folder}/new {name[:200]}", safe="")
    assert (await gateway.call(tokens["bob"], "PUT", f"{path}?op=RENAME&destination={destination}"))[1] == {"boolean": True}
    assert await gateway.call(tokens["bob"], "GET", f"{renamed}?op=OPEN") == (200, name.encode())


async def test_a_user_acts_under_the_own_name(gateway: Gateway, tokens: dict[str, str], secret_file: str):
    _, home = await gateway.call(tokens["bob"], "GET", "/?op=GETHOMEDIRECTORY&user.name=alice")
    assert home == {"Path": "/user/bob"}
    status, refused = await gateway.call(tokens["bob"], "GET", f"{secret_file}?op=OPEN&user.name=alice")
    assert status == 403
    assert refused["RemoteException"]["javaClassName"] == "org.apache.hadoop.security.AccessControlException"
    assert refused["RemoteException"]["message"].startswith("Permission denied: user=bob, access=EXECUTE")


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("GET", "/user/alice?op=LISTSTATUS&user.name=alice"),
        ("GET", "/user/alice?op=LISTSTATUS&doas=alice"),
        ("GET", "/user/alice?op=LISTSTATUS&DoAs=alice"),
        ("GET", "/user/alice?op=LISTSTATUS&delegation=x"),
        ("GET", "/user/bob/../alice?op=LISTSTATUS"),
        ("GET", "/user/bob/%2e%2e/alice?op=LISTSTATUS"),
        ("GET", "/webhdfs/v1/../v1/user/alice/secret?op=OPEN"),
        ("GET", "/user/bob/%252e%252e/alice/secret?op=OPEN"),
        ("GET", "/user/%252e%252e/user/alice/secret?op=OPEN"),
        ("GET", "/user/bob%2F..%2Falice/secret?op=OPEN"),
        ("GET", "//user/alice/secret?op=OPEN"),
        ("GET", "/user/alice/secret;doas=alice?op=OPEN"),
        ("GET", "/user/alice/secret?op=OPEN&namenoderpcaddress=127.0.0.1:1"),
        ("GET", "/user/alice/secret?op=OPEN%26doas=alice"),
        ("GET", "/user/alice/secret?op=OPEN&offset=0%26doas%3Dalice"),
        ("GET", "/user/alice/secret?op=GETFILESTATUS&recursive=true%26doas%3Dalice%26user.name%3Dhdfs"),
        ("GET", "/?op=GETDELEGATIONTOKEN"),
        ("PUT", "/user/alice/new?op=MKDIRS"),
        ("PUT", "/user/alice/secret?op=SETPERMISSION&permission=777"),
        ("PUT", "/user/bob/f?op=RENAME&destination=/user/alice/g"),
        ("PUT", "/user/alice/secret?op=RENAME&destination=/user/bob/g"),
        ("PUT", "/user/bob?op=SETOWNER&owner=alice"),
        ("PUT", "/user/zoe?op=MKDIRS"),
        ("POST", "/user/bob/f?op=CONCAT&sources=/user/alice/secret"),
        ("DELETE", "/user/alice/secret?op=DELETE"),
        ("DELETE", "/user/bob?op=DELETE&recursive=true&user.name=hdfs&doas=hdfs"),
    ],
)
async def test_a_trick_reaches_no_file_of_another_user(
    gateway: Gateway, tokens: dict[str, str], secret_file: str, hdfs: Hdfs, method: str, raw: str
):
    await gateway.call(tokens["bob"], "PUT", "/user/bob/f?op=CREATE&overwrite=true", data=b"bob's")
    before = await hdfs.call("GET", "/user/alice", "LISTSTATUS")
    status, answer = await gateway.call(tokens["bob"], method, raw)
    assert 400 <= status < 500, answer
    assert answer["RemoteException"]["message"]
    assert await hdfs.call("GET", "/user/alice", "LISTSTATUS") == before


async def test_a_file_has_no_number_by_which_another_user_opens_it(
    gateway: Gateway, tokens: dict[str, str], secret_file: str, hdfs: Hdfs
):
    number = (await hdfs.call("GET", secret_file, "GETFILESTATUS"))["FileStatus"]["fileId"]
    for first in (".reserved", "%2Ereserved"):
        status, _ = await gateway.call(tokens["bob"], "GET", f"/{first}/.inodes/{number}?op=OPEN")
        assert status == 403


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("PUT", "/user/carol/f?op=CREATE"),
        ("PUT", "/user/carol/f?op=CREATE&data=true"),
        ("PUT", "/user/carol/d?op=MKDIRS"),
        ("POST", "/user/carol/f?op=APPEND"),
        ("DELETE", "/user/carol/f?op=DELETE"),
    ],
)
async def test_the_level_read_does_not_write(gateway: Gateway, tokens: dict[str, str], method: str, raw: str):
    status, refused = await gateway.call(tokens["carol"], method, raw)
    operation = raw.partition("op=")[2].partition("&")[0]
    assert (status, refused["RemoteException"]["message"]) == (
        403,
        f"{operation} takes the level write; this server has the level read.",
    )
    assert (await gateway.call(tokens["carol"], "GET", "/user/carol?op=LISTSTATUS"))[0] == 200


async def test_a_call_without_a_token_of_an_attached_server_is_refused(gateway: Gateway, tokens: dict[str, str]):
    for token, status in (("", 401), ("unknown", 403), (SECRET, 403), (tokens["bob"][:-1], 403)):
        answered, refused = await gateway.call(token, "GET", "/?op=LISTSTATUS")
        assert answered == status
        assert refused["RemoteException"]["exception"] == "AccessControlException"
    async with gateway.session.get(gateway.url(f"/?op=LISTSTATUS&user.name=hdfs&token={tokens['bob']}")) as answer:
        assert answer.status == 401


async def test_a_user_of_the_hub_with_the_name_of_the_superuser_is_refused(gateway: Gateway):
    for name in ("hdfs", "root", "rc2"):
        status, refused = await gateway.call(gateway.grant(name, "write"), "GET", "/?op=LISTSTATUS")
        assert (status, "an account of HDFS itself" in refused["RemoteException"]["message"]) == (503, True)


async def test_hdfs_lets_the_gateway_act_for_its_group_alone(gateway: Gateway):
    status, refused = await gateway.call(gateway.grant("stranger", "read"), "GET", "/?op=LISTSTATUS")
    assert (status, refused["RemoteException"]["message"]) == (
        403,
        "User: rc2 is not allowed to impersonate stranger",
    )


async def test_only_the_broker_attaches(gateway: Gateway, tokens: dict[str, str]):
    for method in ("Attach", "Detach", "ListAttachments"):
        headers = {"Authorization": f"Bearer {tokens['bob']}"}
        async with gateway.session.post(f"{gateway.address}/rc2/{method}", json={}, headers=headers) as answer:
            assert answer.status == 403


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


async def test_each_call_is_one_line_of_the_log_without_a_secret(gateway: Gateway, tokens: dict[str, str]):
    before = gateway.log.read_text()
    await gateway.call(tokens["bob"], "GET", "/user/bob/%0Auser=alice?op=GETFILESTATUS")
    await gateway.call(tokens["bob"], "PUT", "/user/bob/x?op=RENAME&destination=/user/bob/y%20z")
    await gateway.call("unknown", "GET", "/user/bob?op=LISTSTATUS")
    added = gateway.log.read_text()[len(before) :].splitlines()
    assert [line.partition(" seconds=")[0].partition("] ")[2] for line in added] == [
        "user=bob server= GET GETFILESTATUS path=/user/bob/%0Auser%3Dalice to= outcome=404 bytes=0",
        "user=bob server= PUT RENAME path=/user/bob/x to=/user/bob/y%20z outcome=200 bytes=17",
        "user=- server= GET - path=- to= outcome=403 bytes=0",
    ]
    for secret in (*tokens.values(), SECRET, "unknown"):
        assert secret not in gateway.log.read_text()


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
    before = len(gateway.log.read_text())
    (await reading(tokens["bob"])).close()

    async def is_logged() -> bool:
        return "outcome=gone" in gateway.log.read_text()[before:]

    await until(is_logged)
    sent = int(re.findall(r"outcome=gone bytes=(\d+)", gateway.log.read_text()[before:])[-1])
    assert sent < 64 << 20


async def test_a_write_that_its_client_breaks_off_keeps_what_had_arrived(
    gateway: Gateway, tokens: dict[str, str], hdfs: Hdfs
):
    writing = await begin_write(gateway, tokens["bob"], "/user/bob/broken?op=CREATE&overwrite=true", asyncio.Event())
    writing.cancel()

    async def is_closed() -> bool:
        _, found = await gateway.call(tokens["bob"], "GET", "/user/bob/broken?op=GETFILESTATUS")
        return bool(found["FileStatus"]["length"])

    await until(is_closed)
    _, found = await gateway.call(tokens["bob"], "GET", "/user/bob/broken?op=GETFILESTATUS")
    assert found["FileStatus"]["length"] <= 1 << 20
