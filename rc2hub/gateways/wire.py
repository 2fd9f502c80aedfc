"""The person in a request of Spark Connect, put there on the raw bytes.

All request messages of the protocol have `session_id` as field 1 and `user_context` as field 2; a test checks that against
the protocol's own definition. So no message has to be understood, and the gateway does without Spark's classes, whose
import costs 100 MB. The encoding: https://protobuf.dev/programming-guides/encoding/
"""

SESSION_ID, USER_CONTEXT = 1, 2
VARINT, BYTES = 0, 2
FIXED = {1: 8, 5: 4}
"""Wire type to the size of its values in bytes."""
LONGEST_VARINT = 10


def force_user(message: bytes, user: str) -> tuple[bytes, str]:
    """The message as this person's, whoever it says it is from; also its session id, empty if it has none.

    Raises:
        ValueError: if this is no message of the protocol.
    """
    kept, session, position = [], b"", 0
    view = memoryview(message)
    while position < len(view):
        start = position
        key, position = _varint(view, position)
        body, position = _skip(view, position, key & 7)
        if key >> 3 == SESSION_ID:
            session = bytes(view[body:position])
        if key >> 3 != USER_CONTEXT:
            kept.append(view[start:position])
    name = user.encode()
    context = _field(USER_CONTEXT, _field(1, name) + _field(2, name))  # user_id and user_name; no extensions
    return b"".join([*kept, context]), session.decode()


def release_session(session: str, user: str) -> bytes:
    """A request that closes a session."""
    return force_user(_field(SESSION_ID, session.encode()), user)[0]


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(LONGEST_VARINT):
        if position >= len(view):
            break
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << 7 * shift
        if not byte & 0x80:
            return value, position
    raise ValueError("a number in the message does not end")


def _skip(view: memoryview, position: int, kind: int) -> tuple[int, int]:
    """Where the field's content begins and where the next field does."""
    if kind == BYTES:
        size, position = _varint(view, position)
    elif kind == VARINT:
        size = _varint(view, position)[1] - position
    elif kind in FIXED:
        size = FIXED[kind]
    else:
        raise ValueError("a field of the message is of no known kind")
    if position + size > len(view):
        raise ValueError("the message is cut off")
    return position, position + size


def _field(number: int, content: bytes) -> bytes:
    return _encode(number << 3 | BYTES) + _encode(len(content)) + content


def _encode(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | 0x80 if value else low)
        if not value:
            return bytes(out)
