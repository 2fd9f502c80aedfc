"""What may pass to Hive's metastore: the methods of the list, with databases, catalogs and locations that are checked."""

import pytest
from thrift.Thrift import TType

from rc2hub.gateways.hive_calls import (
    MissingError,
    RefusedCallError,
    as_called,
    check_locations,
    current,
    databases,
    method_of,
    refusal,
    set_owner,
)
from rc2hub.gateways.hive_methods import METHODS
from rc2hub.gateways.thrift_message import CALL, REPLY, Fields, Message, Pairs, ThriftError, Values, struct, text
from rc2hub.gateways.webhdfs_request import WRITE


def table(
    database: str = "alice", location: str = "webhdfs://rc2/warehouse/alice.db/t", **more: tuple[int, object]
) -> Fields:
    return {1: text("t"), 2: text(database), 3: text("mallory"), 7: struct({2: text(location), **more.get("storage", {})})}


def partition(database: str = "alice", location: str = "webhdfs://rc2/warehouse/alice.db/t/k=1") -> Fields:
    return {2: text(database), 3: text("t"), 6: struct({2: text(location)})}


def call(name: str, fields: Fields) -> Message:
    return Message.read(Message(name, CALL, 3, fields).write())


def named(name: str, fields: Fields) -> set[str]:
    asked = call(name, fields)
    return databases(asked, method_of(asked))


def several(*structs: Fields) -> tuple[int, Values]:
    return TType.LIST, Values(TType.STRUCT, list(structs))


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("get_database", {1: text("@hive#Alice")}, {"alice"}),
        ("get_table", {1: text("alice"), 2: text("t")}, {"alice"}),
        ("get_table_req", {1: struct({1: text("alice"), 2: text("t"), 4: text("hive")})}, {"alice"}),
        ("create_table", {1: struct(table("bob"))}, {"bob"}),
        ("alter_table", {1: text("alice"), 2: text("t"), 3: struct(table("bob"))}, {"alice", "bob"}),
        ("alter_table_req", {1: struct({2: text("alice"), 4: struct(table("bob"))})}, {"alice", "bob"}),
        ("add_partitions", {1: several(partition("alice"), partition("bob"))}, {"alice", "bob"}),
        ("add_partitions_req", {1: struct({1: text("alice"), 3: several(partition("bob"))})}, {"alice", "bob"}),
        ("rename_partition", {1: text("alice"), 2: text("t"), 4: struct(partition("bob"))}, {"alice", "bob"}),
        ("alter_partitions", {1: text("alice"), 2: text("t"), 3: several(partition("bob"))}, {"alice", "bob"}),
        ("set_aggr_stats_for", {1: struct({1: several({1: struct({2: text("bob")})})})}, {"bob"}),
        (
            "create_table_req",
            {1: struct({1: struct(table()), 4: several({1: text("bob"), 4: text("alice")})})},
            {"alice", "bob"},
        ),
    ],
)
def test_every_database_of_a_call_is_found(name: str, fields: Fields, expected: set[str]):
    assert named(name, fields) == expected


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("get_table", {2: text("t")}),
        ("get_table", {1: text("@other#alice")}),
        ("get_table", {1: text("@hive#*")}),
        ("get_table", {1: text("alice/../bob")}),
        ("get_table", {1: (TType.I32, 1)}),
        ("get_table_req", {1: text("alice")}),
        ("get_table_req", {1: struct({1: text("alice"), 4: text("other")})}),
        ("create_table", {1: struct({**table(), 17: text("other")})}),
        ("create_table", {1: struct({1: text("t")})}),
        ("alter_table", {1: text("alice"), 2: text("t")}),
        ("add_partitions", {1: several()}),
        ("add_partitions", {1: several(partition(), {3: text("t")})}),
        ("add_partitions", {1: struct(partition())}),
        ("drop_table_req", {1: struct({1: text("other"), 2: text("alice")})}),
    ],
)
def test_a_call_without_a_clear_database_is_refused(name: str, fields: Fields):
    with pytest.raises((RefusedCallError, ThriftError)):
        named(name, fields)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "shutdown",
            "set_ugi",
            "get_delegation_token",
            "add_token",
            "create_role",
            "grant_privileges",
            "lock",
            "open_txns",
        ),
        *("get_partitions_by_expr", "get_partitions_spec_by_expr", "drop_partitions_req", "create_catalog", "cm_recycle"),
        *("create_database", "drop_database", "alter_database", "create_function", "create_dataconnector", "setMetaConf"),
        *(
            "get_table_meta",
            "get_all_functions",
            "add_partitions_pspec",
            "exchange_partition",
            "put_file_metadata",
            "unknown",
        ),
    ],
)
def test_a_method_that_is_not_in_the_list_is_refused(name: str):
    with pytest.raises(RefusedCallError, match=r"^[A-Z].*[.]$"):
        method_of(call(name, {}))


def test_a_call_that_expects_no_answer_is_refused():
    with pytest.raises(RefusedCallError):
        method_of(Message("drop_table", 4, 1, {}))


BAD_LOCATIONS = [
    "file:///etc",
    "hdfs://namenode:8020/warehouse",
    "//elsewhere/warehouse",
    "/warehouse/alice.db",
    "webhdfs://rc2evil/warehouse",
    "webhdfs://rc2@evil/warehouse",
    "WEBHDFS://rc2/warehouse",
    " webhdfs://rc2/warehouse",
    "webhdfs://rc2/user/alice/../bob",
    "webhdfs://rc2/x\0",
    "s3a://bucket/x",
]


@pytest.mark.parametrize("location", BAD_LOCATIONS)
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("create_table", lambda place: {1: struct(table(location=place))}),
        ("create_table_req", lambda place: {1: struct({1: struct(table(location=place))})}),
        ("alter_table", lambda place: {1: text("alice"), 3: struct(table(location=place))}),
        ("alter_table_req", lambda place: {1: struct({2: text("alice"), 4: struct(table(location=place))})}),
        ("add_partition", lambda place: {1: struct(partition(location=place))}),
        (
            "add_partitions_req",
            lambda place: {1: struct({1: text("a"), 3: several(partition(), partition(location=place))})},
        ),
        ("alter_partition", lambda place: {1: text("alice"), 3: struct(partition(location=place))}),
        ("alter_partitions", lambda place: {1: text("alice"), 3: several(partition(location=place))}),
        ("rename_partition", lambda place: {1: text("alice"), 4: struct(partition(location=place))}),
        ("rename_partition_req", lambda place: {1: struct({2: text("alice"), 5: struct(partition(location=place))})}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_location_outside_of_hdfs_is_refused(name: str, fields: "object", location: str):
    asked = call(name, fields(location))
    with pytest.raises(RefusedCallError, match="A location must begin with webhdfs://rc2/"):
        check_locations(asked, method_of(asked))


def test_a_location_in_hdfs_or_none_may_pass():
    for location in ("webhdfs://rc2/groups/staff/x", ""):
        asked = call("create_table", {1: struct(table(location=location))})
        check_locations(asked, method_of(asked))


def test_the_folders_of_skewed_values_are_refused():
    folders = (TType.MAP, Pairs(TType.STRING, TType.STRING, [(b"1", b"file:///etc")]))
    asked = call("create_table", {1: struct(table(storage={11: struct({3: folders})}))})
    with pytest.raises(RefusedCallError, match="skewed"):
        check_locations(asked, method_of(asked))


def test_every_method_that_brings_storage_has_it_checked():
    brings = [
        name
        for name in METHODS
        if METHODS[name].level == WRITE and name.split("_")[0] in {"create", "add", "alter", "rename"}
    ]
    assert all(METHODS[name].storage for name in brings)


def test_a_new_table_belongs_to_its_user_whatever_the_client_says():
    asked = call("create_table", {1: struct(table())})
    set_owner(asked, method_of(asked), "alice")
    assert asked.fields[1][1][3] == text("alice")


def test_a_call_of_hives_older_client_is_passed_on_as_the_new_one_and_answered_as_the_old_one():
    asked = call("get_table", {1: text("alice"), 2: text("t")})
    sent = current(asked, method_of(asked))
    assert (sent.name, sent.fields) == ("get_table_req", {1: struct({1: text("alice"), 2: text("t")})})
    answer = Message("get_table_req", REPLY, 3, {0: struct({1: struct(table()), 2: (TType.BOOL, True)})})
    assert as_called(answer, asked) == Message("get_table", REPLY, 3, {0: struct(table())})
    missing = Message("get_table_req", REPLY, 3, {2: struct({1: text("no such table")})})
    assert as_called(missing, asked).fields == missing.fields


def test_a_refusal_is_an_exception_that_clients_know():
    asked = call("get_table", {1: text("bob")})
    assert refusal(asked, MissingError("Gone.")).fields == {2: struct({1: text("Gone.")})}
    assert refusal(asked, RefusedCallError("No.")).fields == {1: struct({1: text("No.")})}
    assert refusal(call("create_database", {}), RefusedCallError("No.")).fields == {3: struct({1: text("No.")})}
    assert refusal(call("unknown", {}), RefusedCallError("No.")).fields[1] == text("No.")
