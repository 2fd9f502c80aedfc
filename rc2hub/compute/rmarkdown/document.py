"""Cuts an R Markdown document into pieces: `"".join(piece.text for piece in split(text)) == text` for every text.

The chunks are those of `knitr:::group_indices`, its oddities included; tests/compute/rmarkdown compares them with R.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

# What R's regular expressions take for white space; `\s` of Python has more.
_SPACE = "[\t-\r \u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000]"
HEADER = "[A-Za-z0-9_]+(?: *[ ,].*)?"
"""What stands in the braces of a chunk: its engine, then its options."""
BEGIN = re.compile(rf"(?P<fence>(?P<prefix>[\t >]*)(?P<ticks>```+)){_SPACE}*\{{(?P<header>{HEADER})\}}{_SPACE}*", re.DOTALL)
"""A line that begins a chunk, without its line end."""
END = re.compile(rf"[\t >]*(?P<ticks>```+){_SPACE}*")
"""A line that ends a chunk, without its line end."""
# `splitlines` would also cut at form feeds and U+2028; R reads a carriage return alone as a line end.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_HEAD = re.compile(r"\ufeff?---[ \t]*(?:\r\n|\r|\n)(?:.*?(?:\r\n|\r|\n))??(?:---|\.\.\.)[ \t]*(?:\r\n|\r|\n|\Z)", re.DOTALL)


class Kind(Enum):
    """What a piece is."""

    HEAD = "head"
    TEXT = "text"
    CHUNK = "chunk"


@dataclass(frozen=True)
class Piece:
    """A stretch of a document. Only a chunk has an opening and a closing line, and one that never ends has no closing."""

    kind: Kind
    body: str
    opening: str = ""
    closing: str = ""

    @property
    def text(self) -> str:
        """All of it, as in the file."""
        return self.opening + self.body + self.closing


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends."""
    return _LINE.findall(text)


def first_lines(pieces: Sequence[Piece]) -> list[int]:
    """The line in the document at which each piece begins, counted from 1."""
    return list(accumulate((len(lines_of(piece.text)) for piece in pieces), initial=1))[:-1]


def split(text: str) -> list[Piece]:
    """The head in YAML if there is one, and then chunks and the text between them."""
    head = _head(text)
    lines = lines_of(text[len(head) :])
    pieces = [Piece(Kind.HEAD, head)] if head else []
    first = not head
    for fence, start, stop in _stretches(lines, first):
        pieces.append(_chunk(lines[start:stop]) if fence else Piece(Kind.TEXT, "".join(lines[start:stop])))
    return pieces


def _head(text: str) -> str:
    """The YAML head. knitr knows none, so one with a line that begins a chunk is no head."""
    found = _HEAD.match(text)
    if not found or any(BEGIN.fullmatch(line.rstrip("\r\n")) for line in lines_of(found[0])):
        return ""
    return found[0]


def _stretches(lines: list[str], first: bool) -> Iterator[tuple[bool, int, int]]:
    """Whether it is a chunk, first line and line behind its last, of each stretch; `first` if no head is before them."""
    bare = [line.rstrip("\r\n") for line in lines]
    start, fence = 0, None
    for number, line in enumerate(bare):
        begin = BEGIN.fullmatch(line)
        if fence is None and begin:
            if number > start:
                yield False, start, number
            start, fence = number, begin["fence"]
        elif fence is not None and begin and line.startswith(fence + "{"):
            yield True, start, number
            start = number
        # knitr takes any end for the end of a chunk in the first line of a file
        elif fence is not None and END.fullmatch(line) and ((first and start == 0) or _ends(bare, number, fence)):
            yield True, start, number + 1
            start, fence = number + 1, None
    if start < len(lines):
        yield fence is not None, start, len(lines)


def _ends(bare: list[str], number: int, fence: str) -> bool:
    """Whether this line ends the chunk: its own fence does, any other one if its own does not come before a next chunk."""
    own = re.compile(re.escape(fence) + f"{_SPACE}*")
    if own.fullmatch(bare[number]):
        return True
    later = next((i for i in range(number + 1, len(bare)) if own.fullmatch(bare[i])), None)
    if later is None:
        return True
    next_chunk = re.compile(re.escape(fence) + r"`*\{")
    return any(next_chunk.match(line) for line in bare[number + 1 : later])


def _chunk(lines: list[str]) -> Piece:
    closed = len(lines) > 1 and END.fullmatch(lines[-1].rstrip("\r\n"))
    body = "".join(lines[1:-1] if closed else lines[1:])
    return Piece(Kind.CHUNK, body, opening=lines[0], closing=lines[-1] if closed else "")
