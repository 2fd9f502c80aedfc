"""PostgreSQL's types as the driver gives them, and what R gets of each."""

import pyarrow as pa

KINDS = {
    "int2": "integer",
    "int4": "integer",
    "int8": "bigint",
    "oid": "oid",
    "float4": "double",
    "float8": "double",
    "numeric": "numeric",
    "bool": "logical",
    "text": "character",
    "varchar": "character",
    "bpchar": "character",
    "name": "character",
    "json": "character",
    "jsonb": "character",
    "date": "Date",
    "time": "hms",
    "timestamptz": "POSIXct",
    "timestamp": "timestamp",
    "bytea": "blob",
}
"""Kinds of r_columns.py. All other types are fetched as text, as PostgreSQL prints them, so that no value is ever wrong."""


def type_name(field):
    """The name of a column's type in PostgreSQL."""
    return (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()


def kind_of(field):
    """The kind of a column for r_columns.py, or None if it has to be fetched as text."""
    name, kind = type_name(field), field.type
    if pa.types.is_list(kind):
        inner = element_kind(kind.value_field, name.removeprefix("_"))
        return [inner] if inner and name.startswith("_") else None
    if name not in KINDS and pa.types.is_string(kind) and name != "char":
        return "character"  # an enum
    return KINDS.get(name)


def element_kind(field, name):
    """The kind of an array's elements, whose field has no name of PostgreSQL."""
    if name in KINDS:
        return KINDS[name]
    return "character" if pa.types.is_string(field.type) and name != "char" else None
