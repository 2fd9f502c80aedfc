"""Reads a user's call of Hive's metastore: which databases it names, and whether it may pass. Pure: nothing is sent.

The metastore makes and removes folders wherever a location says, in its own file system too, so every location is checked.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from thrift.Thrift import TApplicationException, TType

from rc2hub.gateways.hive_methods import METHODS, NOT_OFFERED, Method, Path
from rc2hub.gateways.thrift_message import CALL, EXCEPTION, REPLY, Fields, Message, Pairs, ThriftError, Values, struct, text
from rc2hub.gateways.webhdfs_conf import NAME

ROOT: Final = f"webhdfs://{NAME}/"
CATALOG: Final = "hive"
DATABASE: Final = re.compile(rf"(?:@{CATALOG}#)?([A-Za-z0-9_]+)")
"""How clients name a database; those of Hive 4 put the catalog before it."""
TABLE_OWNER, TABLE_OWNER_TYPE, USER_TYPE = 3, 18, 1
LOCATION, SKEWED, SKEWED_LOCATIONS = 2, 11, 3


class RefusedCallError(Exception):
    """A call that may not pass; `str()` of it is one sentence for the user."""


class MissingError(RefusedCallError):
    """What a call names does not exist, as far as the user may know."""


def method_of(call: Message) -> Method:
    """What the gateway knows of the method that is called.

    Raises:
        RefusedCallError: if it is not offered.
    """
    if call.name in NOT_OFFERED:
        raise RefusedCallError(NOT_OFFERED[call.name][1])
    if call.kind != CALL or call.name not in METHODS:
        raise RefusedCallError(f"The method {call.name[:60]} of Hive's metastore is not offered here.")
    return METHODS[call.name]


def databases(call: Message, method: Method) -> set[str]:
    """The databases that a call names.

    Raises:
        RefusedCallError: if a name is missing or is none, or is in another catalog.
    """
    for path in method.catalogs:
        for catalog in _found(call.fields, path, is_required=False):
            if catalog != CATALOG.encode():
                raise RefusedCallError(f"Hive has one catalog here, {CATALOG}.")
    names = [_database(name) for path in method.databases for name in _found(call.fields, path)]
    if not names and not method.filtered:
        raise RefusedCallError("The call names no database.")
    return set(names)


def check_locations(call: Message, method: Method) -> None:
    """Check that all locations are in HDFS.

    Raises:
        RefusedCallError: naming one that is not.
    """
    for path in method.storage:
        for storage in _found(call.fields, path, is_required=False):
            if not isinstance(storage, dict):
                raise ThriftError("This is not a call of Hive's metastore.")
            _check_location(storage.get(LOCATION, text(""))[1])
            skewed = storage.get(SKEWED, struct({}))[1]
            if not isinstance(skewed, dict) or skewed.get(SKEWED_LOCATIONS, (TType.MAP, Pairs(0, 0, [])))[1].pairs:
                raise RefusedCallError("Tables with folders for skewed values are not offered here.")


def set_owner(call: Message, method: Method, user: str) -> None:
    """Set the owner of a new table, which clients could claim to be another user's."""
    for table in _found(call.fields, method.made) if method.made else ():
        table |= {TABLE_OWNER: text(user), TABLE_OWNER_TYPE: (TType.I32, USER_TYPE)}


def current(call: Message, method: Method) -> Message:
    """The call as today's metastore knows it."""
    if not method.renamed:
        return call
    return Message(method.renamed, CALL, call.number, {1: struct(call.fields)})


def as_called(answer: Message, call: Message) -> Message:
    """The answer to a call that was renamed: the first field of the result is what the older client expects."""
    result = answer.fields.get(0)
    fields = answer.fields if result is None else {0: result[1][1]}
    return Message(call.name, answer.kind, call.number, fields)


def refusal(call: Message, error: Exception) -> Message:
    """The answer to a call that is refused."""
    if call.name in METHODS:
        method = METHODS[call.name]
        exception = method.missing if isinstance(error, MissingError) and method.missing else method.refusal
    elif call.name in NOT_OFFERED:
        exception = NOT_OFFERED[call.name][0]
    else:
        kind = (TType.I32, TApplicationException.INTERNAL_ERROR)
        return Message(call.name, EXCEPTION, call.number, {1: text(str(error)), 2: kind})
    return Message(call.name, REPLY, call.number, {exception: struct({1: text(str(error))})})


def _check_location(location: Any) -> None:
    if not isinstance(location, bytes):
        raise ThriftError("This is not a call of Hive's metastore.")
    place = location.decode(errors="replace")
    if place and (not place.startswith(ROOT) or ".." in place.split("/") or "\0" in place):
        raise RefusedCallError(f"A location must begin with {ROOT}, and {place[:200]} does not.")


def _database(name: Any) -> str:
    match = DATABASE.fullmatch(name.decode(errors="replace")) if isinstance(name, bytes) else None
    if not match:
        raise RefusedCallError("The name of a database has letters, digits and _.")
    return match[1].lower()


def _found(fields: Fields, path: Path, is_required: bool = True) -> Iterator[Any]:
    """The values at a path.

    Raises:
        ThriftError: if something else is there, or if nothing is where a value is required.
    """
    number, *rest = path
    if number not in fields:
        if is_required and rest[:1] != [None]:
            raise RefusedCallError("The call does not name its database.")
        return
    value = fields[number][1]
    items = [value]
    if rest[:1] == [None]:
        if not isinstance(value, Values):
            raise ThriftError("This is not a call of Hive's metastore.")
        items, rest = value.values, rest[1:]
    for item in items:
        if not rest:
            yield item
        elif isinstance(item, dict):
            yield from _found(item, tuple(rest), is_required)
        else:
            raise ThriftError("This is not a call of Hive's metastore.")
