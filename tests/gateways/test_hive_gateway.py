"""The gateway in front of a real metastore: what users see and change, and what they are refused. The broker is a stand-in."""

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from thrift.Thrift import TType

from rc2hub.errors import NotGrantedError
from rc2hub.gateways.hdfs_client import HdfsClient
from rc2hub.gateways.hive_client import HiveClient
from rc2hub.gateways.hive_databases import HiveDatabases
from rc2hub.gateways.hive_gateway import HiveGateway
from rc2hub.gateways.hive_key import create_key, key_file, sign
from rc2hub.gateways.thrift_message import CALL, Fields, Message, Pairs, Values, struct, text, texts
from rc2hub.gateways.token_review import Review
from rc2hub.gateways.webhdfs_request import ACCOUNT
from rc2hub.server_id import ServerId
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hive import Hive

LEVELS = {"alice": "write", "bob": "write", "carol": "read"}
NOTHING = (TType.MAP, Pairs(TType.STRING, TType.STRING, []))


class Reviewer:
    """Says that each user's name is a token, until the grant is taken away."""

    def __init__(self) -> None:
        self.levels = dict(LEVELS)

    async def review(self, token: str) -> Review:
        if token not in self.levels:
            raise NotGrantedError("tables is not attached to your server.")
        return Review(ServerId(token), self.levels[token])

    def forget(self, server_id: ServerId) -> None:
        pass


@pytest.fixture
async def gateway(hive: Hive) -> AsyncIterator[HiveGateway]:
    """A gateway to which the servers of all three users are attached."""
    hdfs, metastore = HdfsClient(hive.namenode), HiveClient(hive.url, hive.key, ACCOUNT)
    found = HiveGateway(Reviewer(), hdfs, metastore, HiveDatabases(hdfs, metastore, ["staff"]))
    for user, level in LEVELS.items():
        await found.attach(ServerId(user), level, time.time() + 3600)
    yield found
    await metastore.close()
    await hdfs.close()


async def call(gateway: HiveGateway, token: str, method: str, fields: Fields) -> Fields:
    return Message.read(await gateway.answer(token, Message(method, CALL, 1, fields).write())).fields


def sentence(answer: Fields) -> str:
    """The sentence of the exception that is an answer."""
    assert 0 not in answer
    ((_, content),) = answer.values()
    return content[1][1].decode()


def table(database: str, name: str, location: str = "") -> Fields:
    columns = (TType.LIST, Values(TType.STRUCT, [{1: text("id"), 2: text("bigint"), 3: text("")}]))
    serde = struct({1: text(name), 2: text("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"), 3: NOTHING})
    storage = {1: columns, 3: text("x"), 4: text("x"), 5: (TType.BOOL, False), 6: (TType.I32, -1), 7: serde}
    storage |= {8: texts([]), 9: (TType.LIST, Values(TType.STRUCT, [])), 10: NOTHING}
    if location:
        storage[2] = text(location)
    return {
        1: text(name), 2: text(database), 3: text("mallory"), 7: struct(storage), 8: (TType.LIST, Values(TType.STRUCT, [])),
        9: NOTHING, 12: text("MANAGED_TABLE"),
    }  # fmt: skip


@pytest.fixture
async def things(gateway: HiveGateway) -> str:
    """A table of alice."""
    if 0 not in await call(gateway, "alice", "get_table", {1: text("alice"), 2: text("things")}):
        assert await call(gateway, "alice", "create_table", {1: struct(table("alice", "things"))}) == {}
    return "things"


async def test_a_table_belongs_to_its_user_in_the_metastore_and_in_hdfs(gateway: HiveGateway, things: str, hdfs: Hdfs):
    found = await call(gateway, "alice", "get_table", {1: text("alice"), 2: text(things)})
    assert found[0][1][3] == text("alice")
    folder = (await hdfs.call("GET", "/warehouse/alice.db/things", "GETFILESTATUS"))["FileStatus"]
    assert folder["owner"] == "alice"


async def test_a_list_of_databases_has_those_that_the_user_may_read(gateway: HiveGateway):
    for user, expected in (("alice", {"alice", "default", "staff"}), ("bob", {"bob", "default"})):
        for method, fields in (("get_all_databases", {}), ("get_databases", {1: text("*")})):
            names = {name.decode() for name in (await call(gateway, user, method, fields))[0][1].values}
            assert names == expected


async def test_a_driver_that_starts_before_the_server_is_attached_finds_the_database_of_its_user(gateway: HiveGateway):
    gateway.token_reviewer.levels["dora"] = "write"
    assert await gateway.own_database("dora") == "dora"
    assert 0 in await call(gateway, "dora", "get_database", {1: text("dora")})


async def test_tables_are_listed_without_thrift(gateway: HiveGateway, things: str):
    assert {"database": "alice", "table": things, "type": "MANAGED_TABLE", "comment": ""} in await gateway.list_tables(
        "alice"
    )
    assert [found for found in await gateway.list_tables("bob") if found["database"] == "alice"] == []


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("get_database", {1: text("alice")}),
        ("get_database", {1: text("@hive#ALICE")}),
        ("get_table", {1: text("alice"), 2: text("things")}),
        ("get_table_req", {1: struct({1: text("alice"), 2: text("things")})}),
        ("get_table_objects_by_name", {1: text("alice"), 2: texts(["things"])}),
        ("get_all_tables", {1: text("alice")}),
        ("get_tables", {1: text("alice"), 2: text("*")}),
        ("get_fields", {1: text("alice"), 2: text("things")}),
        ("get_partitions", {1: text("alice"), 2: text("things")}),
        ("drop_table", {1: text("alice"), 2: text("things"), 3: (TType.BOOL, True)}),
        ("create_table", {1: struct(table("alice", "bobs"))}),
        ("alter_table", {1: text("bob"), 2: text("b"), 3: struct(table("alice", "b"))}),
        ("truncate_table", {1: text("alice"), 2: text("things")}),
    ],
)
async def test_a_database_that_one_may_not_read_looks_like_none(
    gateway: HiveGateway, things: str, method: str, fields: Fields
):
    assert sentence(await call(gateway, "bob", method, fields)) == "There is no database alice, or you may not read it."
    elsewhere = {**fields, 1: text("nowhere")} if fields[1][0] == TType.STRING and "alter" not in method else None
    if elsewhere:
        answer = sentence(await call(gateway, "bob", method, elsewhere))
        assert answer == "There is no database nowhere, or you may not read it."
    assert 0 in await call(gateway, "alice", "get_table", {1: text("alice"), 2: text(things)})


async def test_a_reader_of_a_groups_database_changes_nothing(gateway: HiveGateway):
    refused = sentence(await call(gateway, "carol", "create_table", {1: struct(table("staff", "carols"))}))
    assert refused == "create_table takes the level write; this server has the level read."
    assert 0 in await call(gateway, "carol", "get_all_tables", {1: text("staff")})


async def test_hives_own_database_is_changed_by_no_user(gateway: HiveGateway):
    refused = sentence(await call(gateway, "alice", "create_table", {1: struct(table("default", "x"))}))
    assert refused == "You may not change the database default; make your tables in one of yours."


async def test_a_location_of_another_user_or_outside_of_hdfs_is_refused(gateway: HiveGateway, things: str, tmp_path):
    outside = await call(gateway, "bob", "create_table", {1: struct(table("bob", "x", f"file://{tmp_path}/evil"))})
    assert sentence(outside).startswith("A location must begin with webhdfs://rc2/")
    assert not (tmp_path / "evil").exists()
    theirs = await call(
        gateway, "bob", "create_table", {1: struct(table("bob", "x", "webhdfs://rc2/warehouse/alice.db/new"))}
    )
    assert "Permission denied: user=bob" in sentence(theirs)


async def test_databases_are_not_made_or_dropped_by_users(gateway: HiveGateway):
    for method, fields in (
        ("create_database", {1: struct({1: text("mine"), 3: text("file:///tmp/evil")})}),
        ("drop_database", {1: text("bob"), 2: (TType.BOOL, True), 3: (TType.BOOL, True)}),
        ("alter_database", {1: text("bob"), 2: struct({1: text("bob"), 3: text("file:///tmp/evil")})}),
    ):
        assert sentence(await call(gateway, "bob", method, fields)).startswith(
            "The hub makes and keeps the databases of Hive"
        )


async def test_a_token_without_a_grant_reads_whom_to_ask(gateway: HiveGateway):
    answer = await call(gateway, "mallory", "get_all_databases", {})
    assert sentence(answer) == "tables is not attached to your server."
    gateway.token_reviewer.levels.pop("bob")
    assert sentence(await call(gateway, "bob", "get_database", {1: text("bob")})) == "tables is not attached to your server."


async def test_the_metastore_answers_only_calls_that_its_gateway_has_signed(hive: Hive, tmp_path):
    create_key(tmp_path)
    message = Message("get_all_databases", CALL, 1, {}).write()
    other = sign(key_file(tmp_path).read_bytes(), "alice")
    for headers in ({}, {"x-actor-username": "alice"}, {"Authorization": f"Bearer {other}"}, {"Authorization": "Bearer x"}):
        async with aiohttp.ClientSession() as session, session.post(hive.url, data=message, headers=headers) as answer:
            assert answer.status == 401
