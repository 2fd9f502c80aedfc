"""Converts Arrow tables to R's data frames and back, without numpy objects between.

To R: the bytes that R's `serialize()` would write, which `unserialize()` reads fast. The format is in "R Internals", section
1.8, https://cran.r-project.org/doc/manuals/r-release/R-ints.html#Serialization-Formats. From R: columns as `pack()` of
R/pack.R makes them, whose bytes are used as Arrow's buffers.
"""

import json
import struct

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NIL, PAIRS, CHAR, LOGICAL, INTEGER, REAL, STRING, LIST, RAW = 254, 2, 9, 10, 13, 14, 16, 19, 24
OBJECT, ATTRIBUTES, TAG, UTF8 = 1 << 8, 1 << 9, 1 << 10, 8 << 12
NA_INTEGER = -(2**31)
NA_INTEGER64 = -(2**63)
NA_REAL = struct.unpack("<d", struct.pack("<II", 1954, 0x7FF00000))[0]
MICROSECONDS = 1e6
pack_int = struct.Struct("<i").pack


def to_r(table, bigint="numeric"):
    """The table as the bytes of a serialized data.frame; int64 becomes `numeric`, or bit64's `integer64`."""
    columns = [part for column in table.columns for part in vector(combine(column), bigint)]
    attributes = {
        "names": strings(table.column_names),
        "class": strings(["data.frame"]),
        "row.names": pack_int(INTEGER) + pack_int(2) + pack_int(NA_INTEGER) + pack_int(-table.num_rows),
    }
    header = b"B\n" + pack_int(2) + pack_int(0x040202) + pack_int(0x020300)
    return bytearray().join([header, *item(LIST, table.num_columns, columns, attributes)])


def combine(column):
    """A column as one array."""
    joined = column.combine_chunks()
    if isinstance(joined, pa.ChunkedArray):
        return pa.concat_arrays(joined.chunks) if joined.num_chunks else pa.array([], joined.type)
    return joined


def vector(array, bigint):
    """An array as an R vector: a list of byte parts, which are copied only once, when all are joined."""
    kind, types = array.type, pa.types
    if types.is_dictionary(kind):
        return vector(array.dictionary_decode(), bigint)
    if types.is_boolean(kind) or types.is_null(kind):
        return integer(array, LOGICAL)
    if types.is_int64(kind) and bigint == "integer64":
        values = pc.fill_null(array, NA_INTEGER64).to_numpy(zero_copy_only=False)
        return item(REAL, len(array), [values.astype("<i8", copy=False).data], {"class": strings(["integer64"])})
    if types.is_int64(kind) or types.is_uint64(kind) or types.is_uint32(kind):
        return real(array)
    if types.is_integer(kind):
        return integer(array, INTEGER)
    if types.is_floating(kind) or types.is_decimal(kind):
        return real(array)
    return special(array, bigint)


def special(array, bigint):
    """Types that have a class in R, lists, and all others as text."""
    kind, types = array.type, pa.types
    if types.is_date(kind):
        return real(array.cast(pa.date32()).cast(pa.int32()), {"class": strings(["Date"])})
    if types.is_timestamp(kind):
        instants = array.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()).cast(pa.float64(), safe=False)
        attributes = {"class": strings(["POSIXct", "POSIXt"]), "tzone": strings([kind.tz or "UTC"])}
        return real(pc.divide(instants, MICROSECONDS), attributes)
    if types.is_string(kind) or types.is_large_string(kind):
        return text(array)
    if types.is_binary(kind):
        return elements([None if value is None else raw(value) for value in array.to_pylist()])
    if types.is_list(kind) or types.is_large_list(kind):
        return elements([vector(cell.values, bigint) if cell.is_valid else None for cell in array])
    return text(pa.array([as_json(value, types.is_map(kind)) for value in array.to_pylist()], pa.string()))


def as_json(value, is_map):
    if value is None:
        return None
    return json.dumps({str(key): entry for key, entry in value} if is_map else value, default=str, ensure_ascii=False)


def real(array, attributes=None):
    values = array.cast(pa.float64(), safe=False)
    numbers = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False)
    if values.null_count:
        numbers = np.where(values.is_valid().to_numpy(zero_copy_only=False), numbers, NA_REAL)
    return item(REAL, len(values), [np.ascontiguousarray(numbers, "<f8").data], attributes)


def integer(array, kind):
    numbers = pc.fill_null(array.cast(pa.int32()), NA_INTEGER).to_numpy(zero_copy_only=False)
    return item(kind, len(array), [np.ascontiguousarray(numbers, "<i4").data])


def raw(value):
    return [pack_int(RAW), pack_int(len(value)), value]


def elements(cells):
    """A list of vectors, with NULL for a missing one."""
    return item(LIST, len(cells), [part for cell in cells for part in ([pack_int(NIL)] if cell is None else cell)])


def text(array):
    """A character vector: the headers and bytes of all strings are placed together, not in a loop."""
    array = array.cast(pa.large_string())
    if array.null_count or array.offset:
        array = array.take(pa.array(np.arange(len(array))))  # buffers without an offset, and without bytes under a null
    count = len(array)
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.frombuffer(array.buffers()[1], np.int64, count + 1, array.offset * 8) if count else np.zeros(1, np.int64)
    data = np.frombuffer(array.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    headers = np.empty((count, 2), "<i4")
    headers[:, 0] = np.where(valid, CHAR | UTF8, CHAR)
    headers[:, 1] = np.where(valid, np.diff(offsets), -1)
    # a string of n bytes takes a header of 8 bytes and n bytes: runs of header and content alternate
    runs = np.empty(2 * count, np.int64)
    runs[::2], runs[1::2] = 8, np.diff(offsets)
    is_header = np.repeat(np.tile([True, False], count), runs)
    out = np.empty(len(is_header), np.uint8)
    out[is_header] = headers.view(np.uint8).ravel()
    out[~is_header] = data
    return [pack_int(STRING), pack_int(count), out.data]


def strings(values):
    return pack_int(STRING) + pack_int(len(values)) + b"".join(map(char, values))


def char(value):
    encoded = value.encode()
    return pack_int(CHAR | UTF8) + pack_int(len(encoded)) + encoded


def item(kind, length, parts, attributes=None):
    """One R object: flags, length, content, attributes."""
    flags = (ATTRIBUTES if attributes else 0) | (OBJECT if attributes and "class" in attributes else 0)
    pairs = [pack_int(PAIRS | TAG) + pack_int(1) + char(name) + value for name, value in (attributes or {}).items()]
    return [pack_int(kind | flags), pack_int(length), *parts, *([*pairs, pack_int(NIL)] if attributes else [])]


def from_r(names, columns):
    """A table from columns that R has packed."""
    return pa.table([unpack(column) for column in columns], names=names)


def unpack(column):
    """One packed column as an array."""
    kind, data = column["kind"], column["data"]
    missing = np.frombuffer(column["missing"], bool)
    if kind == "character":
        offsets = np.concatenate([[0], np.cumsum(np.frombuffer(column["sizes"], "<i4"), dtype=np.int64)])
        buffers = [validity(missing), pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(bytes(data))]
        return pa.Array.from_buffers(pa.large_string(), len(missing), buffers).cast(pa.string())
    if kind == "list":
        offsets = np.concatenate([[0], np.cumsum(np.frombuffer(column["sizes"], "<i4"))]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), unpack(data), mask=pa.array(missing))
    if kind == "logical":
        return pa.array(np.frombuffer(data, "<i4") != 0, mask=missing)
    if kind == "integer":
        return pa.array(np.frombuffer(data, "<i4"), mask=missing)
    if kind == "integer64":
        numbers = np.frombuffer(data, "<i8")
        return pa.array(numbers, mask=missing | (numbers == NA_INTEGER64))
    return doubles(kind, np.frombuffer(data, "<f8"), missing)


def doubles(kind, numbers, missing):
    """Types that R stores as double: numbers, days, seconds."""
    if kind == "double":
        return pa.array(numbers, mask=missing)
    finite = np.where(missing, 0.0, numbers)
    if kind == "Date":
        return pa.array(np.floor(finite).astype(np.int32), mask=missing).cast(pa.date32())
    instants = pa.array(np.rint(finite * MICROSECONDS).astype(np.int64), mask=missing)
    return instants.cast(pa.timestamp("us", "UTC"))


def validity(missing):
    return pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
