"""The S3 gateway as a process, in front of a real store: what users read and write, and what they are refused."""

import io
import re
from urllib.parse import quote

import pytest
from aiohttp import ClientSession

from tests.fixtures.s3 import BUCKET, KEY, KEYS_SECRET, Gateway, Store
from tests.fixtures.stream_gateway import SECRET

ODD_NAMES = ["a b", "100%", "a+b", "ü ß €", "a;b=c", "a&b", "a?b", "a#b", "'\"", "<x>", "名前", "x" * 200]
OWN, SECRET_KEY = "/users/bob", "/users/alice/secret"


def keys_of(listing: bytes) -> list[str]:
    return re.findall("<Key>([^<]*)</Key>", listing.decode())


def delete(*keys: str) -> bytes:
    return f"<Delete>{''.join(f'<Object><Key>{key}</Key></Object>' for key in keys)}</Delete>".encode()


@pytest.fixture(scope="module")
async def secret_object(s3_gateway: Gateway, s3_tokens: dict[str, str]) -> str:
    """An object in the folder of alice."""
    assert (await s3_gateway.call(s3_tokens["alice"], "PUT", SECRET_KEY, b"mine"))[0] == 200
    return SECRET_KEY


async def test_an_object_comes_back_as_it_was_written(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    content, token = bytes(range(256)) * 1000, s3_tokens["bob"]
    assert (await s3_gateway.call(token, "PUT", f"{OWN}/f", content, x_amz_meta_unit="m"))[0] == 200
    assert await s3_gateway.call(token, "GET", f"{OWN}/f") == (200, content)
    assert await s3_gateway.call(token, "GET", f"{OWN}/f", Range="bytes=7-11") == (206, content[7:12])
    assert await s3_gateway.call(token, "HEAD", f"{OWN}/f") == (200, b"")
    headers = {"Authorization": f"Bearer {token}"}
    async with s3_gateway.session.head(f"{s3_gateway.address}/{BUCKET}{OWN}/f", headers=headers) as answer:
        assert (answer.headers["Content-Length"], answer.headers["x-amz-meta-unit"]) == (str(len(content)), "m")
    assert await s3_gateway.call(token, "DELETE", f"{OWN}/f") == (204, b"")
    status, answered = await s3_gateway.call(token, "GET", f"{OWN}/f")
    assert (status, b"<Code>NoSuchKey</Code>" in answered) == (404, True)
    assert await s3_gateway.call(token, "HEAD", f"{OWN}/f") == (404, b"")


async def test_a_refusal_says_why_where_an_answer_has_no_content(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    headers = {"Authorization": f"Bearer {s3_tokens['bob']}"}
    for name, shown in (("x", "x"), ("%C3%BC%E5%90%8D", "??")):
        async with s3_gateway.session.head(f"{s3_gateway.address}/{BUCKET}/users/eve/{name}", headers=headers) as answer:
            reason = f"users/eve/{shown} is in no folder of yours; yours: users/bob/."
            assert (answer.status, answer.reason) == (403, reason)


async def test_odd_names_are_names(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    for name in ODD_NAMES:
        key = f"{OWN}/odd/{quote(name, safe='')}"
        assert (await s3_gateway.call(s3_tokens["bob"], "PUT", key, name.encode()))[0] == 200, name
        assert await s3_gateway.call(s3_tokens["bob"], "GET", key) == (200, name.encode())
        assert (await s3_gateway.call(s3_tokens["bob"], "DELETE", key))[0] == 204


async def test_an_upload_in_parts_is_one_object(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    token, key, parts = s3_tokens["bob"], f"{OWN}/parts", [b"a" * (5 << 20), b"end"]
    _, begun = await s3_gateway.call(token, "POST", f"{key}?uploads")
    upload = re.search("<UploadId>(.*)</UploadId>", begun.decode())[1]
    for number, part in enumerate(parts, 1):
        assert (await s3_gateway.call(token, "PUT", f"{key}?partNumber={number}&uploadId={upload}", io.BytesIO(part)))[
            0
        ] == 200
    _, listed = await s3_gateway.call(token, "GET", f"{key}?uploadId={upload}")
    tags = [tag.replace("&#34;", '"').replace("&quot;", '"') for tag in re.findall("<ETag>(.*?)</ETag>", listed.decode())]
    entries = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>" for n, tag in enumerate(tags, 1))
    complete = f"<CompleteMultipartUpload>{entries}</CompleteMultipartUpload>".encode()
    assert (await s3_gateway.call(token, "POST", f"{key}?uploadId={upload}", complete))[0] == 200
    assert await s3_gateway.call(token, "GET", key) == (200, b"".join(parts))
    _, begun = await s3_gateway.call(token, "POST", f"{key}?uploads")
    upload = re.search("<UploadId>(.*)</UploadId>", begun.decode())[1]
    assert (await s3_gateway.call(token, "DELETE", f"{key}?uploadId={upload}"))[0] == 204


async def test_the_members_of_a_group_share_its_folder(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    plan = "/groups/staff/plan"
    assert (await s3_gateway.call(s3_tokens["alice"], "PUT", plan, b"1"))[0] == 200
    assert await s3_gateway.call(s3_tokens["carol"], "GET", plan) == (200, b"1")
    _, listed = await s3_gateway.call(s3_tokens["carol"], "GET", "?list-type=2&prefix=groups/staff/plan")
    assert keys_of(listed) == ["groups/staff/plan"]
    status, refused = await s3_gateway.call(s3_tokens["bob"], "GET", plan)
    assert (status, b"groups/staff/plan is in no folder of yours; yours: users/bob/." in refused) == (403, True)
    assert (await s3_gateway.call(s3_tokens["alice"], "PUT", "/groups/board/plan", b"1"))[0] == 403


async def test_several_objects_are_deleted_in_one_call(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    token = s3_tokens["bob"]
    for name in ("d1", "d%262"):
        await s3_gateway.call(token, "PUT", f"{OWN}/{name}", b"x")
    assert (await s3_gateway.call(token, "POST", "?delete", delete("users/bob/d1", "users/bob/d&amp;2")))[0] == 200
    _, listed = await s3_gateway.call(token, "GET", "?prefix=users/bob/d")
    assert keys_of(listed) == []


TRICKS = [
    ("GET", "/users/alice/secret"),
    ("HEAD", "/users/alice/secret"),
    ("GET", "/users/bob/../alice/secret"),
    ("GET", "/users/bob/%2e%2e/alice/secret"),
    ("GET", "/users/bob/%2E%2E%2Falice%2Fsecret"),
    ("GET", "/users/bob/%252e%252e/alice/secret"),
    ("GET", "/users/bob/%252e%252e%252falice/secret"),
    ("GET", "/users/bob//../alice/secret"),
    ("GET", "/users//alice/secret"),
    ("GET", "/users/bob/./secret"),
    ("GET", "/users%2Falice/secret"),
    ("GET", "/users/bob%00/../alice/secret"),
    ("GET", "/users/bob/%0A"),
    ("GET", "/users/bobby/f"),
    ("GET", "/groups/board/plan"),
    ("GET", f"//{BUCKET}/users/alice/secret"),
    ("GET", "//other/users/bob/f"),
    ("GET", f"//other/../{BUCKET}/users/bob/f"),
    ("GET", "?list-type=2"),
    ("GET", "?list-type=2&prefix="),
    ("GET", "?list-type=2&prefix=users/"),
    ("GET", "?list-type=2&prefix=users/bob"),
    ("GET", "?list-type=2&prefix=users/alice/"),
    ("GET", "?list-type=2&prefix=users/bob/../alice/"),
    ("GET", "?list-type=2&prefix=users/bob/&prefix=users/alice/"),
    ("GET", "?list-type=2&prefix=users/bob/%26prefix=users/alice/&prefix=users/alice/"),
    ("GET", "?prefix=users/alice/&marker="),
    ("GET", "?uploads&prefix=users/bob/"),
    ("GET", "?versions&prefix=users/bob/"),
    ("GET", "?policy"),
    ("GET", "?acl"),
    ("GET", "?location"),
    ("HEAD", ""),
    ("PUT", ""),
    ("DELETE", ""),
    ("PUT", "?policy"),
    ("PUT", "?versioning"),
    ("POST", ""),
    ("PUT", "//mine"),
    ("GET", "//"),
    ("GET", "/users/bob/f?acl"),
    ("PUT", "/users/bob/f?acl"),
    ("PUT", "/users/bob/f?tagging"),
    ("GET", "/users/bob/f?versionId=1"),
    ("DELETE", "/users/bob/f?versionId=1"),
    ("POST", "/users/bob/f?select&select-type=2"),
    ("PUT", "/users/alice/new"),
    ("DELETE", "/users/alice/secret"),
    ("POST", "/users/alice/new?uploads"),
    ("PUT", "/users/alice/new?partNumber=1&uploadId=x"),
    ("DELETE", "/users/alice/secret?uploadId=x"),
]


@pytest.mark.parametrize(("method", "raw"), TRICKS)
async def test_a_trick_reaches_nothing_of_another_user(
    s3_gateway: Gateway, s3_tokens: dict[str, str], secret_object: str, method: str, raw: str
):
    status, answered = await s3_gateway.call(s3_tokens["bob"], method, raw)
    assert 400 <= status < 500, answered
    assert method == "HEAD" or re.search(b"<Message>[^<]+[.]</Message>", answered), answered
    assert await s3_gateway.call(s3_tokens["alice"], "GET", secret_object) == (200, b"mine")


@pytest.mark.parametrize(
    "source",
    [
        "/lab/users/alice/secret",
        "lab/users/alice/secret",
        "lab/users/bob/../alice/secret",
        "lab/users/bob/%2e%2e/alice/secret",
        "lab/users%2Falice%2Fsecret",
        "other/users/bob/f",
        "lab/users/bob/f?versionId=1",
        "lab//users/bob/f",
        "",
    ],
)
async def test_a_copy_reads_nothing_of_another_user(
    s3_gateway: Gateway, s3_tokens: dict[str, str], secret_object: str, source: str
):
    for raw in (f"{OWN}/copy", f"{OWN}/copy?partNumber=1&uploadId=x"):
        status, answered = await s3_gateway.call(s3_tokens["bob"], "PUT", raw, x_amz_copy_source=source)
        assert 400 <= status < 500, answered
    assert (await s3_gateway.call(s3_tokens["bob"], "GET", f"{OWN}/copy"))[0] == 404


async def test_a_copy_within_the_own_folder_is_made(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    await s3_gateway.call(s3_tokens["bob"], "PUT", f"{OWN}/a%20%2B", b"x")
    status, _ = await s3_gateway.call(s3_tokens["bob"], "PUT", f"{OWN}/copied", x_amz_copy_source="lab/users/bob/a%20%2B")
    assert status == 200
    assert await s3_gateway.call(s3_tokens["bob"], "GET", f"{OWN}/copied") == (200, b"x")
    assert (await s3_gateway.call(s3_tokens["bob"], "GET", f"{OWN}/a%20%2B", x_amz_copy_source="lab/users/bob/f"))[0] == 400


@pytest.mark.parametrize(
    "content",
    [
        delete("users/bob/f", "users/alice/secret"),
        delete("users/bob/../alice/secret"),
        delete("users/alice/secret").decode().encode("utf-16"),
        b'<!DOCTYPE d [<!ENTITY k "users/alice/secret">]><Delete><Object><Key>&k;</Key></Object></Delete>',
        b"<Delete><Object><Key>users/bob/f</Key><VersionId>1</VersionId></Object></Delete>",
        b"<Delete><Object><Key>users/bob/f</Key><Key>users/alice/secret</Key></Object>",
        delete(*["users/bob/f"] * 1001),
        b"<Delete></Delete>",
        b"none",
        b"",
    ],
    ids=range(10),
)
async def test_a_list_of_keys_deletes_nothing_of_another_user(
    s3_gateway: Gateway, s3_tokens: dict[str, str], secret_object: str, content: bytes
):
    status, answered = await s3_gateway.call(s3_tokens["bob"], "POST", "?delete", content)
    assert status in {400, 403, 501}, answered
    assert await s3_gateway.call(s3_tokens["alice"], "GET", secret_object) == (200, b"mine")


async def test_a_header_that_gives_rights_is_refused(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    for header in (
        "x-amz-acl",
        "x-amz-grant-read",
        "x-amz-tagging",
        "x-amz-website-redirect-location",
        "x-amz-bypass-governance-retention",
    ):
        status, answered = await s3_gateway.call(s3_tokens["bob"], "PUT", f"{OWN}/acl", b"x", **{header: "public-read"})
        assert (status, f"The header {header} is not offered here.".encode() in answered) == (403, True)


async def test_an_address_with_a_signature_is_refused(s3_gateway: Gateway, s3_tokens: dict[str, str], secret_object: str):
    signed = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=operator&X-Amz-Signature=0&X-Amz-Security-Token="
    for raw in (f"{OWN}/f{signed}{s3_tokens['bob']}", f"{OWN}/f?AWSAccessKeyId=operator&Signature=x&Expires=9999999999"):
        assert (await s3_gateway.call(s3_tokens["bob"], "GET", raw))[0] == 403
        async with ClientSession() as session, session.get(f"{s3_gateway.address}/{BUCKET}{raw}") as answer:
            assert answer.status == 403


async def test_a_call_without_a_token_of_an_attached_server_is_refused(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    for token in ("", "unknown", SECRET, KEYS_SECRET, s3_tokens["bob"][:-1]):
        status, answered = await s3_gateway.call(token, "GET", "?list-type=2&prefix=users/bob/")
        assert (status, b"<Code>AccessDenied</Code>" in answered) == (403, True)
    async with s3_gateway.session.post(f"{s3_gateway.address}/rc2/Detach", json={}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("PUT", "/users/carol/f"),
        ("DELETE", "/users/carol/f"),
        ("POST", "/users/carol/f?uploads"),
        ("POST", "?delete"),
        ("PUT", "/groups/staff/f"),
    ],
)
async def test_the_level_read_does_not_write(s3_gateway: Gateway, s3_tokens: dict[str, str], method: str, raw: str):
    status, answered = await s3_gateway.call(s3_tokens["carol"], method, raw, delete("users/carol/f"))
    assert (status, b"takes the level write; this server has the level read." in answered) == (403, True)
    assert (await s3_gateway.call(s3_tokens["carol"], "GET", "?list-type=2&prefix=users/carol/"))[0] == 200


async def test_content_that_is_signed_in_parts_is_refused_with_a_sentence(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    signed = {"x_amz_content_sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    status, answered = await s3_gateway.call(
        s3_tokens["bob"], "PUT", f"{OWN}/signed", b"0;chunk-signature=0\r\n\r\n", **signed
    )
    assert (status, b"switch that off in the client" in answered) == (501, True)


async def test_a_key_that_the_store_refuses_is_no_secret_and_one_sentence(
    s3_gateway: Gateway, s3_tokens: dict[str, str], store: Store
):
    right = store.credentials.read_text()
    store.credentials.write_text(right.replace(KEYS_SECRET, "another"))
    try:
        status, answered = await s3_gateway.call(s3_tokens["bob"], "GET", f"{OWN}/f")
        assert (status, b"The store refuses its gateway; ask the operator" in answered) == (403, True)
        assert KEY.encode() not in answered.replace(b"the operator", b"")
        store.credentials.unlink()
        status, answered = await s3_gateway.call(s3_tokens["bob"], "GET", f"{OWN}/f")
        assert (status, b"ask an operator to provide it" in answered) == (503, True)
    finally:
        store.credentials.write_text(right)
    assert (await s3_gateway.call(s3_tokens["bob"], "GET", f"{OWN}/none"))[0] == 404


async def test_each_call_is_one_line_of_the_log_without_a_secret(s3_gateway: Gateway, s3_tokens: dict[str, str]):
    before = s3_gateway.log.read_text()
    await s3_gateway.call(s3_tokens["bob"], "PUT", f"{OWN}/log%20x", b"123")
    await s3_gateway.call(s3_tokens["bob"], "PUT", f"{OWN}/y", x_amz_copy_source="lab/users/bob/log%20x")
    await s3_gateway.call(s3_tokens["bob"], "GET", "/users/alice/secret")
    await s3_gateway.call("unknown", "GET", f"{OWN}/y")
    added = s3_gateway.log.read_text()[len(before) :].splitlines()
    lines = [re.sub(r" bytes=\d+ seconds.*", "", line).partition("] ")[2] for line in added]
    assert lines == [
        "user=bob server= PUT PutObject path=/lab/users/bob/log%20x to= outcome=200",
        "user=bob server= PUT CopyObject path=/lab/users/bob/y to=users/bob/log%20x outcome=200",
        "user=bob server= GET GetObject path=/lab/users/alice/secret to= outcome=403",
        "user=- server= GET - path=- to= outcome=403",
    ]
    for secret in (*s3_tokens.values(), SECRET, "unknown", KEYS_SECRET):
        assert secret not in s3_gateway.log.read_text()
