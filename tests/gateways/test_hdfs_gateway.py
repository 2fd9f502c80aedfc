"""The gateway as a process, in front of a real HDFS: what users read and write, and what they are refused."""

import asyncio
import json
from urllib.parse import quote

import pytest
from aiohttp import encode_basic_auth

from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hdfs_gateway import Gateway
from tests.fixtures.stream_gateway import SECRET

ODD_NAMES = ["a b", "100%", "%41", "a+b", "ü ß €", "a;b=c", "a&b", "a?b", "a#b", "'\"", "a\\b", "ends ", "x" * 255, "名前"]


@pytest.fixture
async def secret_file(gateway: Gateway, tokens: dict[str, str]) -> str:
    """A file of alice, which only alice may read."""
    assert (await gateway.call(tokens["alice"], "PUT", "/user/alice/secret?op=CREATE&overwrite=true", data=b"mine"))[
        0
    ] == 201
    return "/user/alice/secret"


async def test_a_file_comes_back_as_it_was_written(gateway: Gateway, tokens: dict[str, str]):
    content = bytes(range(256)) * 1000
    assert await gateway.call(tokens["bob"], "PUT", "/user/bob/f?op=CREATE&overwrite=true", data=content) == (201, b"")
    assert await gateway.call(tokens["bob"], "GET", "/user/bob/f?op=OPEN") == (200, content)
    assert await gateway.call(tokens["bob"], "GET", "/user/bob/f?op=OPEN&offset=7&length=5") == (200, content[7:12])
    assert await gateway.call(tokens["bob"], "POST", "/user/bob/f?op=APPEND", data=b"end") == (200, b"")
    assert await gateway.call(tokens["bob"], "GET", f"/user/bob/f?op=OPEN&offset={len(content)}") == (200, b"end")


async def test_a_write_in_two_steps_is_sent_to_the_gateway_itself(gateway: Gateway, tokens: dict[str, str]):
    headers = {"Authorization": f"Bearer {tokens['bob']}"}
    first = gateway.url("/user/bob/two%20steps?op=CREATE")
    async with gateway.session.put(first, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 307
        assert answer.headers["Location"].startswith(f"{gateway.address}/webhdfs/v1/user/bob/two%20steps?op=CREATE&")
    assert (await gateway.call(tokens["bob"], "PUT", "/user/bob/two%20steps?op=CREATE"))[0] == 201
    assert await gateway.call(tokens["bob"], "GET", "/user/bob/two%20steps?op=OPEN", allow_redirects=False) == (200, b"")


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


async def test_a_group_shares_a_folder_as_the_documents_say(gateway: Gateway, tokens: dict[str, str], hdfs: Hdfs):
    folder = "/groups/staff"
    await hdfs.call("PUT", folder, "MKDIRS", permission="755")
    await hdfs.call("PUT", folder, "SETOWNER", group="staff")
    await hdfs.call("PUT", folder, "SETPERMISSION", permission="770")
    await hdfs.call("PUT", folder, "MODIFYACLENTRIES", aclspec="default:group:staff:rwx")
    carol, reader = gateway.grant("carol", "write"), gateway.grant("carol", "read")
    assert (await gateway.call(tokens["alice"], "PUT", f"{folder}/plan?op=CREATE&overwrite=true", data=b"1"))[0] == 201
    assert (await gateway.call(carol, "POST", f"{folder}/plan?op=APPEND", data=b"2"))[0] == 200
    assert await gateway.call(reader, "GET", f"{folder}/plan?op=OPEN") == (200, b"12")
    assert (await gateway.call(reader, "POST", f"{folder}/plan?op=APPEND", data=b"3"))[0] == 403
    status, refused = await gateway.call(tokens["bob"], "GET", f"{folder}/plan?op=OPEN")
    assert (status, refused["RemoteException"]["message"].partition(",")[0]) == (403, "Permission denied: user=bob")


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


async def test_a_client_with_user_and_password_is_who_the_token_in_the_password_says(
    gateway: Gateway, tokens: dict[str, str]
):
    for password, status, text in ((tokens["bob"], 200, '"/user/bob"'), ("unknown", 403, "No grant"), ("", 401, "no token")):
        headers = {"Authorization": encode_basic_auth("alice", password)}
        async with gateway.session.get(gateway.url("/?op=GETHOMEDIRECTORY"), headers=headers) as answer:
            assert (answer.status, text in await answer.text()) == (status, True)


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


async def raw_call(gateway: Gateway, token: str, target: bytes) -> bytes:
    """A GET whose target is sent as it is; the whole answer."""
    host, _, port = gateway.address.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"Host: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    writer.write(b"GET " + target + b" HTTP/1.1\r\n" + head)
    answer = await reader.read()
    writer.close()
    return answer


async def test_letters_beyond_ascii_need_no_escape_as_hadoops_client_sends_none(gateway: Gateway, tokens: dict[str, str]):
    await gateway.call(tokens["bob"], "PUT", f"/user/bob/{quote('ü.csv')}?op=CREATE&overwrite=true", data=b"x")
    found = await raw_call(gateway, tokens["bob"], "/webhdfs/v1/user/bob/ü.csv?op=OPEN".encode())
    assert found.startswith(b"HTTP/1.1 200 ")
    assert found.endswith(b"\r\nx")
    refused = await raw_call(gateway, tokens["bob"], "/webhdfs/v1/user/bob/ü.csv?op=OPEN".encode("latin-1"))
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert b"The path and the parameters must be UTF-8." in refused


async def test_answers_have_no_content_type_as_hadoops_client_cannot_read_one(gateway: Gateway, tokens: dict[str, str]):
    for path in ("/user/bob?op=LISTSTATUS", "/user/alice?op=LISTSTATUS", "/user/bob?op=NONE"):
        assert b"content-type" not in (await raw_call(gateway, tokens["bob"], f"/webhdfs/v1{path}".encode())).lower()


async def test_hadoops_client_gets_its_secret_as_its_token(gateway: Gateway, tokens: dict[str, str]):
    form = {"grant_type": "client_credentials", "client_id": "spark", "client_secret": tokens["bob"]}
    async with gateway.session.post(f"{gateway.address}/oauth2/token", data=form) as answer:
        assert answer.status == 200
        found = json.loads(await answer.read())
    assert found == {"access_token": tokens["bob"], "token_type": "bearer", "expires_in": 3600}


async def test_a_new_file_has_the_copies_and_blocks_that_hdfs_is_set_to(
    gateway: Gateway, tokens: dict[str, str], hdfs: Hdfs
):
    raw = "/user/bob/copies?op=CREATE&overwrite=true&replication=3&blocksize=1048576"
    assert (await gateway.call(tokens["bob"], "PUT", raw, data=b"x"))[0] == 201
    status = (await hdfs.call("GET", "/user/bob/copies", "GETFILESTATUS"))["FileStatus"]
    assert (status["replication"], status["blockSize"]) == (1, 128 << 20)
    assert (await gateway.call(tokens["bob"], "PUT", "/user/bob/copies?op=SETREPLICATION&replication=2"))[0] == 200
    assert (await hdfs.call("GET", "/user/bob/copies", "GETFILESTATUS"))["FileStatus"]["replication"] == 2


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
