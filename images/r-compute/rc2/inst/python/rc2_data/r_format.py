"""R's own serialization of lists, which R reads and writes fast.

The format is in "R Internals", section 1.8, https://cran.r-project.org/doc/manuals/r-release/R-ints.html#Serialization-Formats.
Values are written as byte parts, which are joined once; raw vectors are read without a copy.
"""

import struct
from functools import partial

import numpy as np

NIL, PAIRS, CHAR, LOGICAL, INTEGER, REAL, STRING, LIST, RAW = 254, 2, 9, 10, 13, 14, 16, 19, 24
SYMBOL, REFERENCE = 1, 255
OBJECT, ATTRIBUTES, TAG, UTF8 = 1 << 8, 1 << 9, 1 << 10, 8 << 12
NA_INTEGER = -(2**31)
NA_INTEGER64 = -(2**63)
NA_REAL = struct.unpack("<d", struct.pack("<II", 1954, 0x7FF00000))[0]
HEADER = b"B\n" + struct.pack("<iii", 2, 0x040202, 0x020300)
pack_int = partial(struct.pack, "<i")  # which Spark can pickle


def dumps(parts):
    """The byte parts of one serialized object."""
    return [HEADER, *parts]


def value(content):
    """A Python value as the byte parts of an R object; a dict becomes a named list, a list of strings a character vector."""
    if isinstance(content, Parts):
        return content.parts
    if content is None:
        return [pack_int(NIL)]
    if isinstance(content, str):
        return [strings([content])]
    if isinstance(content, np.ndarray):
        return item(REAL, len(content), [content.astype("<f8").tobytes()])
    if isinstance(content, dict):
        parts = [part for entry in content.values() for part in value(entry)]
        return item(LIST, len(content), parts, {"names": strings(content)})
    return [strings(content)] if isinstance(content, list) else number(content)


def number(content):
    """A number or truth value as an R vector."""
    if isinstance(content, bool):
        return item(LOGICAL, 1, [pack_int(content)])
    if isinstance(content, int) and abs(content) < 2**31:
        return item(INTEGER, 1, [pack_int(content)])
    return item(REAL, 1, [struct.pack("<d", content)])


class Parts:
    """An R object that is serialized already."""

    def __init__(self, parts):
        self.parts = parts


def item(kind, length, parts, attributes=None):
    """One R object: flags, length, content, attributes."""
    flags = (ATTRIBUTES if attributes else 0) | (OBJECT if attributes and "class" in attributes else 0)
    pairs = [pack_int(PAIRS | TAG) + pack_int(SYMBOL) + char(name) + content for name, content in (attributes or {}).items()]
    return [pack_int(kind | flags) + vector_length(length), *parts, *([*pairs, pack_int(NIL)] if attributes else [])]


def vector_length(length):
    return pack_int(length) if length < 2**31 else struct.pack("<iII", -1, length >> 32, length & 0xFFFFFFFF)


def char(text):
    encoded = text.encode()
    return pack_int(CHAR | UTF8) + pack_int(len(encoded)) + encoded


def strings(texts):
    """A character vector without missing values."""
    texts = list(texts)
    return b"".join([pack_int(STRING), pack_int(len(texts)), *map(char, texts)])


class Reader:
    """Reads an object that R serialized with `xdr = FALSE, version = 2`."""

    def __init__(self, data):
        self._data, self._at, self._symbols = memoryview(data), 14, []

    def read(self):
        """The next object: text as str or list, numbers as numpy arrays, lists as dict or list, raw as memoryview."""
        flags = self._int()
        kind = flags & 255
        if kind == NIL:
            return None
        if kind == SYMBOL:
            self._symbols.append(self.read())
            return self._symbols[-1]
        if kind == REFERENCE:
            return self._symbols[(flags >> 8) - 1]
        if kind == CHAR:
            length = self._int()
            return None if length < 0 else str(self._take(length), "utf-8")
        if kind == PAIRS:
            return self._pairs(flags)
        content = self._vector(kind, self._int())
        attributes = self.read() if flags & ATTRIBUTES else {}
        return dict(zip(attributes["names"], content, strict=True)) if kind == LIST and "names" in attributes else content

    def _pairs(self, flags):
        pairs = {}
        while flags & 255 == PAIRS:
            name = self.read()
            pairs[name] = self.read()
            flags = self._int()
        return pairs

    def _vector(self, kind, length):
        if kind == RAW:
            return self._take(length)
        if kind == STRING:
            return [self.read() for _ in range(length)]
        if kind == LIST:
            return [self.read() for _ in range(length)]
        width, dtype = (8, "<f8") if kind == REAL else (4, "<i4")
        return np.frombuffer(self._take(length * width), dtype)

    def _int(self):
        self._at += 4
        return struct.unpack_from("<i", self._data, self._at - 4)[0]

    def _take(self, length):
        self._at += length
        return self._data[self._at - length : self._at]


def loads(data):
    """The list that R sent, with vectors of one element as that element."""
    content = Reader(data).read()
    return {name: single(entry) for name, entry in content.items()} if isinstance(content, dict) else {}


def single(entry):
    """The element of a vector of one; other values as they are."""
    if isinstance(entry, np.ndarray) and len(entry) == 1:
        return entry[0].item()
    return entry[0] if isinstance(entry, list) and len(entry) == 1 and isinstance(entry[0], str) else entry
