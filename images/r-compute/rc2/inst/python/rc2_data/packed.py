"""Arrow columns from the columns that `pack()` of R has packed, whose bytes are used as Arrow's buffers."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rc2_data.r_columns import INFINITE_DATES, MICROSECONDS
from rc2_data.r_format import NA_INTEGER64


def table(names, columns):
    """A table of packed columns."""
    return pa.Table.from_arrays([unpack(column) for column in columns], names=list(names))


def unpack(column):
    """One packed column as an array."""
    kind, missing = column["kind"][0], np.frombuffer(column["missing"], bool)
    if kind in NESTED:
        return NESTED[kind](column, missing)
    data, mask = column["data"], missing if len(missing) else None
    if kind == "character":
        return texts(np.frombuffer(data, np.uint8), missing)
    if kind == "logical":
        return pa.array(np.frombuffer(data, "<i4") != 0, mask=mask)
    if kind == "integer":
        return pa.array(np.frombuffer(data, "<i4"), mask=mask)
    if kind == "integer64":
        numbers = np.frombuffer(data, "<i8")
        return pa.array(numbers, mask=numbers == NA_INTEGER64)
    return doubles(kind, np.frombuffer(data, "<f8"), mask)


def blobs(column, missing):
    buffers = [validity(missing), pa.py_buffer(offsets(column, np.int64)), pa.py_buffer(column["data"])]
    return pa.Array.from_buffers(pa.large_binary(), len(missing), buffers).cast(pa.binary())


def lists(column, missing):
    return pa.ListArray.from_arrays(pa.array(offsets(column, np.int32)), unpack(column["data"]), mask=pa.array(missing))


def structs(column, missing):
    fields = [unpack(field) for field in column["fields"]]
    return pa.StructArray.from_arrays(fields, column["names"], mask=pa.array(missing))


def maps(column, missing):
    keys, items = unpack(column["keys"]), unpack(column["items"])
    return pa.MapArray.from_arrays(offsets(column, np.int32), keys, items, mask=pa.array(missing))


NESTED = {"raw": blobs, "list": lists, "struct": structs, "map": maps}


def offsets(column, dtype):
    return np.concatenate([[0], np.cumsum(np.frombuffer(column["sizes"], "<i4"), dtype=np.int64)]).astype(dtype)


def texts(content, missing):
    """Texts from their bytes, each with a zero behind it."""
    ends = np.flatnonzero(content == 0)
    starts = np.concatenate([[0], ends - np.arange(len(ends))]).astype(np.int64)
    valid = validity(missing) if len(missing) else None
    buffers = [valid, pa.py_buffer(starts), pa.py_buffer(content[content != 0])]
    # the cast fails for more than 2 GiB
    return pa.Array.from_buffers(pa.large_string(), len(ends), buffers).cast(pa.string())


def doubles(kind, numbers, missing):
    """Types that R stores as double: numbers, days, seconds."""
    if kind == "double":
        return pa.array(numbers, mask=missing)
    infinite = np.isinf(numbers)  # a missing value is none
    finite = np.where(np.isfinite(numbers), numbers, 0.0)
    if kind == "Date":
        days = np.floor(finite).astype(np.int32)
        for stored, number in INFINITE_DATES.items():
            days = np.where(numbers == number, np.int32(stored), days)
        return pa.array(days, mask=missing).cast(pa.date32())
    microseconds = pa.array(np.rint(finite * MICROSECONDS).astype(np.int64), mask=missing)
    if kind == "hms":
        return microseconds.cast(pa.time64("us"))
    if kind == "duration":
        return microseconds.cast(pa.duration("us"))
    return with_infinities(microseconds.cast(pa.timestamp("us", "UTC")), numbers, infinite)


def with_infinities(array, numbers, infinite):
    """Instants; as text if some are infinite, which Arrow has not."""
    if not infinite.any():
        return array
    names = np.where(numbers > 0, "infinity", "-infinity")
    texts = np.datetime_as_string(array.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)).tolist()
    finite = pa.array([instant_text(text) for text in texts], mask=array.is_null().to_numpy(zero_copy_only=False))
    return pc.if_else(pa.array(infinite), pa.array(names), finite)


def instant_text(text):
    """An ISO text of an instant as PostgreSQL reads it: it has no year 0."""
    found = re.match(r"(-?\d+)(-.*)", text)
    if found is None or int(found[1]) > 0:
        return text + "Z"
    return f"{1 - int(found[1]):04d}{found[2]}Z BC"


def validity(missing):
    return pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
