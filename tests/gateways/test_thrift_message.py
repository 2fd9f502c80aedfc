"""Thrift's binary protocol without a definition: what is read is written the same, and what is ambiguous is refused."""

import pytest
from thrift.Thrift import TType

from rc2hub.gateways.thrift_message import CALL, Message, Pairs, ThriftError, Values, struct, text, texts

EVERY_TYPE = {
    1: (TType.BOOL, True),
    2: (TType.BYTE, -1),
    3: (TType.I16, 300),
    4: (TType.I32, -70000),
    5: (TType.I64, 1 << 40),
    6: (TType.DOUBLE, 0.5),
    7: (TType.STRING, b"\xff\x00 not text"),
    8: struct({1: text("ü")}),
    9: (TType.LIST, Values(TType.STRUCT, [{1: texts(["a", ""])}, {}])),
    10: (TType.SET, Values(TType.I32, [1, 2])),
    11: (TType.MAP, Pairs(TType.STRING, TType.STRUCT, [(b"key", {})])),
    12: (TType.MAP, Pairs(TType.STRING, TType.STRING, [])),
}


def test_a_message_comes_back_as_it_was_written():
    message = Message("call", CALL, 7, EVERY_TYPE)
    assert Message.read(message.write()) == message
    assert Message.read(message.write()).write() == message.write()


def test_a_message_that_is_cut_off_or_too_long_is_refused():
    content = Message("call", CALL, 7, EVERY_TYPE).write()
    for length in range(len(content)):
        with pytest.raises(ThriftError):
            Message.read(content[:length])
    with pytest.raises(ThriftError):
        Message.read(content + b"\0")


def nested(depth: int) -> Message:
    fields = {1: text("inside")}
    for _ in range(depth):
        fields = {1: struct(fields)}
    return Message("call", CALL, 1, fields)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x00\x00\x00\x04call", id="the old protocol"),
        pytest.param(b"\x80\x01\x00\x01\x00\x00\x00\x04call\x00\x00\x00\x01\x0b\x00\x01\x7f\xff\xff\xff", id="a huge text"),
        pytest.param(
            b"\x80\x01\x00\x01\x00\x00\x00\x04call\x00\x00\x00\x01\x0b\x00\x01\xff\xff\xff\xff", id="a negative length"
        ),
        pytest.param(
            b"\x80\x01\x00\x01\x00\x00\x00\x04call\x00\x00\x00\x01\x0f\x00\x01\x00\x7f\xff\xff\xff", id="nothing, often"
        ),
        pytest.param(b"\x80\x01\x00\x01\x00\x00\x00\x02\xff\xff\x00\x00\x00\x01\x00", id="a name that is no text"),
        pytest.param(nested(100).write(), id="nested deeply"),
        pytest.param(
            Message("call", CALL, 1, {1: (TType.LIST, Values(TType.STRUCT, [{}] * 300_000))}).write(), id="many values"
        ),
        pytest.param(
            b"\x80\x01\x00\x01\x00\x00\x00\x04call\x00\x00\x00\x01\x0b\x00\x01\x00\x00\x00\x01a\x0b\x00\x01\x00\x00\x00\x01b\x00",
            id="a field twice",
        ),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(content: bytes):
    with pytest.raises(ThriftError):
        Message.read(content)
