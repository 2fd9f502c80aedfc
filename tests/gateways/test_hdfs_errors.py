"""What users read when HDFS cannot do what they ask."""

import pytest
from aiohttp import ClientPayloadError

from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hdfs_gateway import Gateway
from tests.fixtures.hub import until

BAD_CALLS = {
    "GET /user/bob/none?op=OPEN": (404, "FileNotFoundException", "File /user/bob/none not found"),
    "GET /user/bob?op=OPEN": (404, "FileNotFoundException", "Path is not a file: /user/bob"),
    "PUT /user/bob/a:b?op=MKDIRS": (400, "InvalidPathException", "Invalid file name: /user/bob/a:b"),
    f"PUT /user/bob/{'x' * 256}?op=MKDIRS": (403, "PathComponentTooLongException", "limit=255 length=256"),
    "PUT /user/bob/few/two?op=MKDIRS": (403, "NSQuotaExceededException", "The NameSpace quota"),
    "PUT /user/bob/f/below?op=MKDIRS": (403, "ParentNotDirectoryException", "/user/bob/f (is not a directory)"),
    "GET /user/bob?op=OPEN&offset=none": (400, "IllegalArgumentException", "offset"),
    "GET /user/bob/f?op=OPEN&offset=99999999": (403, "IOException", "Offset=99999999 out of the range"),
    "PUT /user/bob/f?op=SETPERMISSION&permission=2770": (400, "IllegalArgumentException", "permission"),
}
"""Call to status, exception and a part of the message."""


@pytest.mark.parametrize("bad", BAD_CALLS, ids=lambda bad: bad[:50])
async def test_a_bad_call_gets_one_sentence_of_hdfs(gateway: Gateway, tokens: dict[str, str], hdfs: Hdfs, bad: str):
    await gateway.call(tokens["bob"], "PUT", "/user/bob/f?op=CREATE&overwrite=true", data=b"bob's")
    await gateway.call(tokens["bob"], "PUT", "/user/bob/few?op=MKDIRS")
    await hdfs.call("PUT", "/user/bob/few", "SETQUOTA", namespacequota="1", storagespacequota="9223372036854775807")
    method, _, raw = bad.partition(" ")
    answered, refused = await gateway.call(tokens["bob"], method, raw)
    status, exception, message = BAD_CALLS[bad]
    found = refused["RemoteException"]
    assert (answered, found["exception"]) == (status, exception), found
    assert message in found["message"]
    assert "\n" not in found["message"]


async def test_in_safe_mode_users_read_and_a_write_says_why_it_fails(gateway: Gateway, tokens: dict[str, str], hdfs: Hdfs):
    await gateway.call(tokens["bob"], "PUT", "/user/bob/f?op=CREATE&overwrite=true", data=b"bob's")
    hdfs.admin("-safemode", "enter")
    try:
        assert await gateway.call(tokens["bob"], "GET", "/user/bob/f?op=OPEN") == (200, b"bob's")
        status, refused = await gateway.call(tokens["bob"], "PUT", "/user/bob/g?op=CREATE", data=b"x")
        assert status == 403
        assert "Name node is in safe mode" in refused["RemoteException"]["message"]
    finally:
        hdfs.admin("-safemode", "leave")


async def test_a_datanode_that_is_away_is_reported_and_afterwards_the_file_is_there(
    gateway: Gateway, tokens: dict[str, str], hdfs: Hdfs
):
    await gateway.call(tokens["bob"], "PUT", "/user/bob/f?op=CREATE&overwrite=true", data=b"bob's")
    hdfs.stop_datanode()
    try:
        status, refused = await gateway.call(tokens["bob"], "GET", "/user/bob/f?op=OPEN")
        assert (status, refused["RemoteException"]["message"]) == (503, "HDFS does not answer; try again in a moment.")
    finally:
        hdfs.start_datanode()

    async def is_back() -> bool:
        return await gateway.call(tokens["bob"], "GET", "/user/bob/f?op=OPEN") == (200, b"bob's")

    await until(is_back)


async def test_the_read_of_a_corrupt_block_is_cut_and_no_data_are_passed_on(
    gateway: Gateway, tokens: dict[str, str], hdfs: Hdfs
):
    content = b"a corrupt block" * 1000
    await gateway.call(tokens["bob"], "PUT", "/user/bob/corrupt?op=CREATE&overwrite=true", data=content)
    (block,) = (file for file in (hdfs.directory / "data").rglob("blk_*") if file.read_bytes() == content)
    block.write_bytes(b"x" * len(content))
    with pytest.raises(ClientPayloadError, match="received 0 of 15000 bytes"):
        await gateway.call(tokens["bob"], "GET", "/user/bob/corrupt?op=OPEN")
    await gateway.call(tokens["bob"], "DELETE", "/user/bob/corrupt?op=DELETE")
