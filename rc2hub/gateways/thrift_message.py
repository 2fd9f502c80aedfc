"""Messages of Thrift's binary protocol, read and written without a definition of their structs.

A message is read whole, with number and type of each field, and written again: what is checked is what is sent on.
"""

from dataclasses import dataclass
from typing import Any, Final

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TException, TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 300_000
PLAIN: Final = {
    TType.BOOL: "Bool",
    TType.BYTE: "Byte",
    TType.I16: "I16",
    TType.I32: "I32",
    TType.I64: "I64",
    TType.DOUBLE: "Double",
    TType.STRING: "Binary",
}
"""The types of plain values, and the protocol's names of them; a text is bytes."""
CALL, REPLY, EXCEPTION = TMessageType.CALL, TMessageType.REPLY, TMessageType.EXCEPTION
Fields = dict[int, tuple[int, Any]]
"""The content of a struct: number of a field to its type and value."""


class ThriftError(Exception):
    """What was sent is not a message."""


@dataclass
class Values:
    """A list or a set."""

    of: int
    values: list[Any]


@dataclass
class Pairs:
    """A map."""

    of_keys: int
    of_values: int
    pairs: list[tuple[Any, Any]]


@dataclass
class Message:
    """A call or its answer."""

    name: str
    kind: int
    number: int
    fields: Fields

    @classmethod
    def read(cls, content: bytes) -> "Message":
        """Read a message.

        Raises:
            ThriftError: if it is not one, or names a field twice.
        """
        transport = TMemoryBuffer(content)
        protocol = TBinaryProtocol(
            transport, strictRead=True, string_length_limit=len(content), container_length_limit=len(content)
        )
        try:
            name, kind, number = protocol.readMessageBegin()
            message = cls(name, kind, number, _Reader(protocol).read(TType.STRUCT))
        except (TException, EOFError, ValueError) as error:
            raise ThriftError("This is not a message of Thrift.") from error
        if transport.read(1):
            raise ThriftError("This is more than one message of Thrift.")
        return message

    def write(self) -> bytes:
        """The message as bytes."""
        transport = TMemoryBuffer()
        protocol = TBinaryProtocol(transport, strictWrite=True)
        protocol.writeMessageBegin(self.name, self.kind, self.number)
        _write(protocol, TType.STRUCT, self.fields)
        written: bytes = transport.getvalue()
        return written


def text(value: str) -> tuple[int, bytes]:
    """A field with a text."""
    return TType.STRING, value.encode()


def struct(fields: Fields) -> tuple[int, Fields]:
    """A field with a struct."""
    return TType.STRUCT, fields


def texts(values: list[str]) -> tuple[int, Values]:
    """A field with a list of texts."""
    return TType.LIST, Values(TType.STRING, [value.encode() for value in values])


class _Reader:
    """Reads values, up to a number of them: an empty struct is one byte of a message, and much more in memory."""

    def __init__(self, protocol: TBinaryProtocol) -> None:
        self._protocol, self._count = protocol, 0

    def read(self, kind: int, depth: int = 0) -> Any:
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_VALUES:
            raise ThriftError("This message of Thrift has too many values, or they are nested too deeply.")
        if kind in PLAIN:
            return getattr(self._protocol, f"read{PLAIN[kind]}")()
        if kind == TType.STRUCT:
            return self._read_struct(depth)
        if kind in {TType.LIST, TType.SET}:
            of, size = self._protocol.readListBegin()
            return Values(of, [self.read(of, depth + 1) for _ in range(size)])
        if kind == TType.MAP:
            of_keys, of_values, size = self._protocol.readMapBegin()
            pairs = [(self.read(of_keys, depth + 1), self.read(of_values, depth + 1)) for _ in range(size)]
            return Pairs(of_keys, of_values, pairs)
        raise ThriftError(f"Thrift's type {kind} is unknown.")

    def _read_struct(self, depth: int) -> Fields:
        fields: Fields = {}
        while True:
            _, kind, number = self._protocol.readFieldBegin()
            if kind == TType.STOP:
                return fields
            if number in fields:
                raise ThriftError(f"The field {number} is there twice.")
            fields[number] = kind, self.read(kind, depth + 1)


def _write(protocol: Any, kind: int, value: Any) -> None:
    if kind in PLAIN:
        getattr(protocol, f"write{PLAIN[kind]}")(value)
    elif kind == TType.STRUCT:
        for number, (inner, content) in value.items():
            protocol.writeFieldBegin("", inner, number)
            _write(protocol, inner, content)
        protocol.writeFieldStop()
    elif kind == TType.MAP:
        protocol.writeMapBegin(value.of_keys, value.of_values, len(value.pairs))
        for key, content in value.pairs:
            _write(protocol, value.of_keys, key)
            _write(protocol, value.of_values, content)
    else:
        protocol.writeListBegin(value.of, len(value.values))
        for content in value.values:
            _write(protocol, value.of, content)
