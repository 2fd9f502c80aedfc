"""What of a user's request reaches HDFS, and what is refused before."""

from urllib.parse import parse_qs, urlsplit

import pytest

from rc2hub.gateways.webhdfs_request import WebHdfsError, acting_for, address, parse

NAMENODE = "http://namenode:9870"


def sent(raw: str, method: str = "GET") -> tuple[str, dict[str, list[str]]]:
    """Path and query that the NameNode gets."""
    asked = parse(method, f"/webhdfs/v1{raw}", "bob")
    parts = urlsplit(address(NAMENODE, asked.path, asked.query | acting_for("bob")))
    return parts.path.removeprefix("/webhdfs/v1"), parse_qs(parts.query, keep_blank_values=True)


def test_the_query_is_built_anew_in_the_name_of_the_user():
    assert sent("/user/bob?op=liststatus&user.name=root") == (
        "/user/bob",
        {"op": ["LISTSTATUS"], "user.name": ["rc2"], "doas": ["bob"]},
    )


def test_an_operation_of_a_datanode_is_asked_without_a_redirect():
    assert sent("/f?op=OPEN&offset=5&noredirect=false") == (
        "/f",
        {"op": ["OPEN"], "offset": ["5"], "noredirect": ["true"], "user.name": ["rc2"], "doas": ["bob"]},
    )


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/a%20b", "/a%20b"),
        ("/a+b", "/a%2Bb"),
        ("/100%25", "/100%25"),
        ("/%252e%252e", "/%252e%252e"),
        ("/bob;doas=alice", "/bob%3Bdoas%3Dalice"),
        ("/%C3%BC", "/%C3%BC"),
        ("/a%3Fop=DELETE", "/a%3Fop%3DDELETE"),
        ("/a%23b", "/a%23b"),
        ("/...", "/..."),
        ("", "/"),
    ],
)
def test_a_path_is_decoded_once_and_encoded_again(raw: str, path: str):
    assert sent(f"{raw}?op=LISTSTATUS")[0] == path


@pytest.mark.parametrize(
    "raw",
    [
        "/user/bob/../alice?op=LISTSTATUS",
        "/user/bob/%2e%2e/alice?op=LISTSTATUS",
        "/user/bob%2F..%2Falice?op=LISTSTATUS",
        "/user/bob/.?op=LISTSTATUS",
        "//user/alice?op=LISTSTATUS",
        "/user//alice?op=LISTSTATUS",
        "/.reserved/.inodes/16389?op=LISTSTATUS",
        "/%2Ereserved/raw/user?op=LISTSTATUS",
        "/a%00b?op=LISTSTATUS",
        "user/alice?op=LISTSTATUS",
    ],
)
def test_a_path_that_means_another_one_is_refused(raw: str):
    with pytest.raises(WebHdfsError, match="A path must be absolute") as refused:
        parse("GET", f"/webhdfs/v1{raw}", "bob")
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("/?op=LISTSTATUS&doas=alice", "You are bob in HDFS"),
        ("/?op=LISTSTATUS&DoAs=alice", "You are bob in HDFS"),
        ("/?op=LISTSTATUS&doas=", "You are bob in HDFS"),
        ("/?op=LISTSTATUS&delegation=x", "parameter delegation is not offered"),
        ("/?op=OPEN&namenoderpcaddress=127.0.0.1:1", "parameter namenoderpcaddress is not offered"),
        ("/?op=LISTSTATUS&op=DELETE", "op is there twice"),
        ("/?op=LISTSTATUS&OP=DELETE", "op is there twice"),
        ("/?op=LISTSTATUS%26doas=alice", "is not offered here"),
        ("/?op=GETDELEGATIONTOKEN", "GET GETDELEGATIONTOKEN is not offered"),
        ("/?op=DELETE", "GET DELETE is not offered"),
        ("/?op=", "is not offered"),
        ("/", "is not offered"),
        ("/%ff?op=LISTSTATUS", "must be UTF-8"),
        ("/?op=OPEN&offset=%ff", "must be UTF-8"),
        ("/?" + "&".join(f"a{number}" for number in range(60)), "must be UTF-8"),
    ],
)
def test_what_is_not_on_the_list_is_refused(raw: str, message: str):
    with pytest.raises(WebHdfsError, match=message):
        parse("GET", f"/webhdfs/v1{raw}", "bob")


@pytest.mark.parametrize("raw", ["http://other/webhdfs/v1/f?op=OPEN", "/webhdfs/%761/f?op=OPEN", "*", "/f?op=OPEN"])
def test_an_address_is_not_rewritten(raw: str):
    with pytest.raises(WebHdfsError, match="An address begins with /webhdfs/v1"):
        parse("GET", raw, "bob")


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("PUT", "/f?op=RENAME&destination=/user/../alice"),
        ("PUT", "/f?op=RENAME&destination=/.reserved/x"),
        ("PUT", "/f?op=RENAME&destination=g"),
        ("POST", "/f?op=CONCAT&sources=/g,/../h"),
    ],
)
def test_a_second_path_is_checked_as_the_first_one(method: str, raw: str):
    with pytest.raises(WebHdfsError, match="A path must be absolute"):
        parse(method, f"/webhdfs/v1{raw}", "bob")


@pytest.mark.parametrize(
    ("method", "operation"),
    [
        *(("PUT", name) for name in ("SETOWNER", "CREATESYMLINK", "SETQUOTA", "ALLOWSNAPSHOT", "RENEWDELEGATIONTOKEN")),
        *(("POST", name) for name in ("OPEN", "UNSETSTORAGEPOLICY")),
        *((method, "OPEN") for method in ("HEAD", "PATCH", "OPTIONS", "DELETE")),
    ],
)
def test_an_operation_that_users_do_not_need_is_refused(method: str, operation: str):
    with pytest.raises(WebHdfsError, match="is not offered here"):
        parse(method, f"/webhdfs/v1/f?op={operation}", "bob")


def test_only_what_reads_is_allowed_to_the_level_read():
    assert parse("GET", "/webhdfs/v1/f?op=OPEN", "bob").levels == {"read", "write"}
    for method, operation in (("PUT", "MKDIRS"), ("PUT", "SETACL"), ("POST", "APPEND"), ("DELETE", "DELETE")):
        assert parse(method, f"/webhdfs/v1/f?op={operation}", "bob").levels == {"write"}


def test_the_second_step_of_a_write_leads_to_the_gateway():
    asked = parse("PUT", "/webhdfs/v1/a%20b?op=CREATE&permission=600&user.name=bob", "bob")
    assert asked.second_step("http://gateway:1") == ("http://gateway:1/webhdfs/v1/a%20b?op=CREATE&permission=600&data=true")
    assert not asked.has_second_step
    assert parse("PUT", "/webhdfs/v1/f?op=CREATE&data=true", "bob").has_second_step
