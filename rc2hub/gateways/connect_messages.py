"""Sets the user in a request of Spark Connect, on the raw bytes.

All request messages of the protocol have `session_id` as field 1 and `user_context` as field 2; a test checks this against
the protocol's own definition. So the gateway does not parse whole messages and does not need Spark's classes, whose import
takes 100 MB. The encoding: https://protobuf.dev/programming-guides/encoding/
"""

SESSION_ID, USER_CONTEXT = 1, 2
VARINT, LENGTH_DELIMITED = 0, 2
FIXED_SIZES = {1: 8, 5: 4}
"""Wire type to the size of its values in bytes."""
MAX_VARINT_BYTES = 10


def set_user(message: bytes, user: str) -> tuple[bytes, str]:
    """The message with this user, whatever user it names; also its session id, empty if it has none.

    Raises:
        ValueError: if this is not a message of the protocol.
    """
    kept, session, position = [], b"", 0
    view = memoryview(message)
    while position < len(view):
        start = position
        key, position = _read_varint(view, position)
        content, position = _skip_field(view, position, key & 7)
        if key >> 3 == SESSION_ID:
            session = bytes(view[content:position])
        if key >> 3 != USER_CONTEXT:
            kept.append(view[start:position])
    name = user.encode()
    context = _encode_field(USER_CONTEXT, _encode_field(1, name) + _encode_field(2, name))  # user_id and user_name only
    return b"".join([*kept, context]), session.decode()


def release_session(session: str, user: str) -> bytes:
    """A request that closes a session."""
    return set_user(_encode_field(SESSION_ID, session.encode()), user)[0]


def _read_varint(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(MAX_VARINT_BYTES):
        if position >= len(view):
            break
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << 7 * shift
        if not byte & 0x80:
            return value, position
    raise ValueError("a number in the message does not end")


def _skip_field(view: memoryview, position: int, wire_type: int) -> tuple[int, int]:
    """Where the field's content begins and where the next field begins."""
    if wire_type == LENGTH_DELIMITED:
        size, position = _read_varint(view, position)
    elif wire_type == VARINT:
        size = _read_varint(view, position)[1] - position
    elif wire_type in FIXED_SIZES:
        size = FIXED_SIZES[wire_type]
    else:
        raise ValueError("a field of the message has an unknown wire type")
    if position + size > len(view):
        raise ValueError("the message is cut off")
    return position, position + size


def _encode_field(number: int, content: bytes) -> bytes:
    return _encode_varint(number << 3 | LENGTH_DELIMITED) + _encode_varint(len(content)) + content


def _encode_varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | 0x80 if value else low)
        if not value:
            return bytes(out)
