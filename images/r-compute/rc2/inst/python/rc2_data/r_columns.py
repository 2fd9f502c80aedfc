"""Arrow columns as vectors of R, without an object for each value."""

import json
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rc2_data.r_format import (
    CHAR,
    INTEGER,
    LIST,
    LOGICAL,
    NA_INTEGER,
    NA_INTEGER64,
    NA_REAL,
    NIL,
    RAW,
    REAL,
    STRING,
    UTF8,
    item,
    pack_int,
    strings,
    vector_length,
)  # fmt: skip

MICROSECONDS = 1e6
INFINITE_DATES = {-2147472692: np.inf, -2147472691: -np.inf}
"""Days whose distance to PostgreSQL's epoch, the year 2000, is its infinity."""
INFINITE_TIMES = {-9222425352054775809: np.inf, -9222425352054775808: -np.inf}
EARLIEST_TIME = -210866803200000000
"""Microseconds of 4714 BC, the first year of PostgreSQL. Earlier ones are later than the last microsecond of 64 bits."""


FIXED_WIDTHS = {
    "logical": 4,
    "integer": 4,
    "double": 8,
    "numeric": 8,
    "Date": 8,
    "hms": 8,
    "duration": 8,
    "POSIXct": 8,
    "timestamp": 8,
}
"""Bytes of each value of R's vectors."""


@dataclass
class Options:
    """How R wants its numbers and times."""

    bigint: str = "integer64"
    numeric: str = "double"
    zone: str = "UTC"
    lost_digits: bool = False


def combine(column):
    """A column as one array, in its storage type."""
    if isinstance(column, pa.ChunkedArray):
        joined = column.combine_chunks()
        if isinstance(joined, pa.ChunkedArray):
            joined = pa.concat_arrays(joined.chunks) if joined.num_chunks else pa.array([], joined.type)
        column = joined
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def frame(columns, names, kinds, options):
    """The byte parts of a data.frame."""
    count = len(columns[0]) if columns else 0
    parts = [part for column, kind in zip(columns, kinds, strict=True) for part in vector(column, kind, options)]
    attributes = {
        "names": strings(names),
        "class": strings(["data.frame"]),
        "row.names": pack_int(INTEGER) + pack_int(2) + pack_int(NA_INTEGER) + pack_int(-count),
    }
    return item(LIST, len(columns), parts, attributes)


def vector(column, kind, options):
    """An array as an R vector, by its kind: a name, a list for an array, a dict for a struct, or a tuple for a map."""
    array = combine(column)
    if isinstance(kind, list):
        return lists(array, kind[0], options)
    if isinstance(kind, dict):
        return structures(array, kind, options)
    if isinstance(kind, tuple):
        return maps(array, kind[1], options)
    return WRITERS[kind](array, options)


def numbers(array, missing, dtype):
    """The values as numpy array, with `missing` in place of nulls."""
    values = pc.fill_null(array, pa.scalar(missing, array.type)) if array.null_count else array
    return values.to_numpy(zero_copy_only=False).astype(dtype, copy=False)


def logical(array, _options):
    return item(LOGICAL, len(array), [buffer(numbers(array.cast(pa.int32()), NA_INTEGER, "<i4"))])


def integer(array, _options):
    return item(INTEGER, len(array), [buffer(numbers(array.cast(pa.int32()), NA_INTEGER, "<i4"))])


def buffer(values):
    return np.ascontiguousarray(values).data.cast("B") if len(values) else b""


def reals(values, null_mask, attributes=None):
    """A vector of doubles, where `null_mask` is True R's NA."""
    if null_mask is not None:
        values = np.where(null_mask, NA_REAL, values)
    return item(REAL, len(values), [buffer(values.astype("<f8", copy=False))], attributes)


def nulls(array):
    return array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None


def double(array, _options):
    return reals(numbers(array.cast(pa.float64()), 0.0, "<f8"), nulls(array))


def big_integer(array, options):
    array = array.cast(pa.uint32()) if pa.types.is_uint32(array.type) else array
    array = array.cast(pa.int64())
    if options.bigint == "character":
        return text(array.cast(pa.string()), options)
    if options.bigint == "numeric":
        return reals(numbers(array, 0, "<i8").astype("<f8"), nulls(array))
    values = numbers(array, NA_INTEGER64, "<i8")
    if options.bigint == "integer":
        fits = np.abs(values) < 2**31
        return item(INTEGER, len(values), [buffer(np.where(fits, values, NA_INTEGER).astype("<i4"))])
    return item(REAL, len(values), [buffer(values)], {"class": strings(["integer64"])})


def oid(array, options):
    """PostgreSQL's numbers of objects have 32 bits without a sign, which the driver gives as signed."""
    return big_integer(pc.bit_wise_and(array.cast(pa.int64()), 0xFFFFFFFF), options)


def decimal(array, options):
    """Exact numbers, which come as text or as decimals of Arrow."""
    if options.numeric == "character":
        return text(plain_digits(array) if pa.types.is_decimal(array.type) else with_r_names(array), options)
    values = numbers(array.cast(pa.float64()), 0.0, "<f8")
    options.lost_digits |= loses_digits(array, values)
    return reals(values, nulls(array))


def plain_digits(array):
    return pa.array([None if number is None else f"{number:f}" for number in array.to_pylist()], pa.string())


def with_r_names(array):
    names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    for name, other in names.items():
        array = pc.if_else(pc.equal(array, name), other, array)
    return array


def loses_digits(array, values):
    """Whether an integer part has more digits than a double holds."""
    with np.errstate(invalid="ignore"):
        large = np.flatnonzero(np.isfinite(values) & (np.abs(values) >= 2**53))
    return any(Decimal(array[int(at)].as_py()) != Decimal(values[at].item()) for at in large[:10000])


def date(array, _options):
    days = numbers(array.cast(pa.int32()), 0, "<i4")
    return reals(with_infinities(days, days.astype("<f8"), INFINITE_DATES), nulls(array), {"class": strings(["Date"])})


def time_of_day(array, _options):
    seconds = numbers(array.cast(pa.time64("us")).cast(pa.int64()), 0, "<i8") / MICROSECONDS
    return reals(seconds, nulls(array), {"units": strings(["secs"]), "class": strings(["hms", "difftime"])})


def duration(array, _options):
    seconds = numbers(array.cast(pa.duration("us")).cast(pa.int64()), 0, "<i8") / MICROSECONDS
    return reals(seconds, nulls(array), {"units": strings(["secs"]), "class": strings(["difftime"])})


def instant(array, options):
    """An instant, in R's time zone."""
    return instants(array, options.zone)


def wall_clock(array, _options):
    """A time without a zone: the same digits, in UTC."""
    return instants(array, "UTC")


def instants(array, zone):
    kind = array.type
    count = numbers(array.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()), 0, "<i8")
    seconds = count / MICROSECONDS
    seconds = np.where(count < EARLIEST_TIME, seconds + 2**64 / MICROSECONDS, seconds)
    seconds = with_infinities(count, seconds, INFINITE_TIMES)
    return reals(seconds, nulls(array), {"class": strings(["POSIXct", "POSIXt"]), "tzone": strings([zone])})


def with_infinities(stored, values, infinite):
    for number, meaning in infinite.items():
        found = stored == number
        if np.any(found):
            values = np.where(found, meaning, values)
    return values


def blob(array, options):
    cells = [None if cell is None else [pack_int(RAW), pack_int(len(cell)), cell] for cell in array.to_pylist()]
    attributes = {"ptype": pack_int(RAW) + pack_int(0), "class": strings(["blob", "vctrs_list_of", "vctrs_vctr", "list"])}
    return item(LIST, len(cells), elements(cells), attributes)


def elements(cells):
    return [part for cell in cells for part in ([pack_int(NIL)] if cell is None else cell)]


def lists(array, kind, options):
    """A list column of vectors, with NULL for a missing one."""
    offsets, valid = array.offsets.to_numpy(), array.is_valid().to_numpy(zero_copy_only=False)
    cell_of = cells_of(array.values, kind, options)
    cells = [cell_of(offsets[at], offsets[at + 1]) if valid[at] else None for at in range(len(array))]
    return item(LIST, len(cells), elements(cells))


def cells_of(values, kind, options):
    """A function that gives the R vector of a range of the values; where it can, as a part of the bytes of all."""
    sliceable = isinstance(kind, str) and (kind in FIXED_WIDTHS or kind == "character")
    if not sliceable or (kind == "numeric" and options.numeric == "character"):
        return lambda start, end: vector(values.slice(start, end - start), kind, options)
    header, content, *attributes = vector(values, kind, options)
    flags = header[:4]
    if kind == "character":
        sizes = pc.fill_null(pc.binary_length(combine(values).cast(pa.string())), 0).to_numpy(zero_copy_only=False)
        starts = np.concatenate([[0], np.cumsum(sizes + 8, dtype=np.int64)])
    else:
        starts = np.arange(len(values) + 1) * FIXED_WIDTHS[kind]
    return lambda start, end: [flags + pack_int(int(end - start)), content[starts[start] : starts[end]], *attributes]


def structures(array, kinds, options):
    """A list column of named lists."""
    fields = {name: array.field(name) for name in kinds}
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    cells = []
    for at in range(len(array)):
        entries = [vector(fields[name].slice(at, 1), kind, options) for name, kind in kinds.items()] if valid[at] else None
        cells.append(None if entries is None else item(LIST, len(entries), elements(entries), {"names": strings(kinds)}))
    return item(LIST, len(cells), elements(cells))


def maps(array, kind, options):
    """A list column of lists, whose names are the keys."""
    offsets, valid = array.offsets.to_numpy(), array.is_valid().to_numpy(zero_copy_only=False)
    keys, entry_of = array.keys.cast(pa.string()).to_pylist(), cells_of(array.items, kind, options)
    cells = []
    for at in range(len(array)):
        places = range(offsets[at], offsets[at + 1])
        names = {"names": strings(keys[places.start : places.stop])}
        cells.append(item(LIST, len(places), elements([entry_of(i, i + 1) for i in places]), names) if valid[at] else None)
    return item(LIST, len(cells), elements(cells))


def text(array, _options):
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
    return [pack_int(STRING) + vector_length(count), out.data]


def json_text(array, options):
    """Values without a type in R, as JSON."""
    cells = [None if value is None else json.dumps(value, default=str, ensure_ascii=False) for value in array.to_pylist()]
    return text(pa.array(cells, pa.string()), options)


WRITERS = {
    "logical": logical,
    "integer": integer,
    "double": double,
    "bigint": big_integer,
    "oid": oid,
    "numeric": decimal,
    "character": text,
    "Date": date,
    "hms": time_of_day,
    "duration": duration,
    "POSIXct": instant,
    "timestamp": wall_clock,
    "blob": blob,
    "json": json_text,
}


def r_type(kind, options):
    """The name that R gives to a kind; columns without one are fetched as text."""
    if isinstance(kind, (list, dict, tuple)):
        return "list"
    if kind in ("bigint", "oid"):
        return {"numeric": "double"}.get(options.bigint, options.bigint)
    if kind == "numeric":
        return options.numeric
    others = {None: "character", "timestamp": "POSIXct", "json": "character", "duration": "difftime"}
    return others.get(kind, kind)
