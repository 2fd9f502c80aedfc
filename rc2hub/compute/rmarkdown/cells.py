"""Notebook cells of a document, and the document of cells: an unedited cell is the text that it came from.

A chunk is a code cell. What stands in its braces is the first line of the cell after `%%`, unless that is `r` alone. What a
cell does not show (fences, indentation, blank lines around it, kinds of line ends) is in its metadata, with its text.
"""

import re
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from rc2hub.compute.rmarkdown.document import BEGIN, END, HEADER, Kind, Piece, lines_of, split

Cell = dict[str, Any]
"""A cell of nbformat 4."""
METADATA = "rmarkdown"
_HEADER_LINE = re.compile(f"%%(?P<header>{HEADER})")
_CELL_TYPES = {Kind.HEAD: "raw", Kind.TEXT: "markdown", Kind.CHUNK: "code"}
_TEXTS = ("before", "opening", "body", "closing", "after")
_BLANK_LINE_AT_END = re.compile(r"(?:\A|\n|\r(?!\n))(?P<blank>[ \t]*(?:\r\n|\r|\n))\Z")


@dataclass(frozen=True)
class Origin:
    """Where a cell comes from: its place among the cells of the document, and its text with the blank lines around it."""

    index: int
    before: str
    opening: str
    body: str
    closing: str
    after: str


@dataclass(frozen=True)
class _Part:
    """What a cell becomes in the document."""

    text: str
    index: int | None = None
    """The place that it had; None for a new cell."""
    edited: bool = True
    lacks: str = ""
    """The closing line that it lacks; the last chunk of a file needs none."""


def to_cells(text: str) -> list[Cell]:
    """The cells of a document; one of white space alone is a single text cell."""
    origins: list[tuple[Kind, Origin]] = []
    for piece in split(text):
        if origins and piece.kind is Kind.TEXT and not piece.body.strip():
            kind, last = origins[-1]
            origins[-1] = kind, replace(last, after=last.after + piece.body)
        else:
            origins.append((piece.kind, _origin(len(origins), piece)))
    return [_cell(kind, origin) for kind, origin in origins]


def _origin(index: int, piece: Piece) -> Origin:
    if piece.kind is not Kind.TEXT:
        return Origin(index, "", piece.opening, piece.body, piece.closing, "")
    body = piece.body.strip("\r\n")
    before, _, after = piece.body.partition(body) if body else (piece.body, "", "")
    return Origin(index, before, "", body, "", after)


def _cell(kind: Kind, origin: Origin) -> Cell:
    cell: Cell = {
        "id": f"cell-{origin.index}",
        "cell_type": _CELL_TYPES[kind],
        "source": _source(origin),
        "metadata": {METADATA: asdict(origin)},
    }
    if kind is Kind.CHUNK:
        cell |= {"outputs": [], "execution_count": None}
    return cell


def _source(origin: Origin) -> str:
    """What a cell shows."""
    begin = BEGIN.fullmatch(origin.opening.rstrip("\r\n"))
    if not begin:
        return _with_newlines(origin.body).removesuffix("\n")
    code = "".join(_without_prefix(begin["prefix"], line) for line in lines_of(_with_newlines(origin.body)))
    code, header = code.removesuffix("\n"), begin["header"].strip()
    if header == "r" and not code.startswith("%%"):
        return code
    return f"%%{header}\n{code}" if origin.body else f"%%{header}"


def _with_newlines(text: str) -> str:
    """The text with newlines as its only line ends, as a browser's editor has it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _without_prefix(prefix: str, line: str) -> str:
    """A line of an indented or quoted chunk as knitr has it."""
    return line.removeprefix(prefix if line.startswith(prefix) else prefix.rstrip())


def _with_prefix(prefix: str, line: str) -> str:
    return prefix + line if line.strip() else prefix.rstrip() + line


def to_document(cells: list[Cell]) -> str:
    """The document of these cells. A new cell without text is left out: JupyterLab adds one behind the last cell."""
    newline = "\r\n" if any("\r\n" in text for cell in cells for text in _kept(cell).values()) else "\n"
    document = ""
    previous: _Part | None = None
    for cell in cells:
        part = _part(cell, newline)
        if part.index is None and not part.text:
            continue
        document = _joined(document, previous, part, newline) + part.text
        previous = part
    return document


def _joined(document: str, previous: _Part | None, part: _Part, newline: str) -> str:
    """The document so far, ready for this part: cells that were neighbours before need nothing between them."""
    if previous is None:
        return document
    if document and not document.endswith(("\n", "\r")):
        document += newline
    neighbours = previous.index is not None and part.index == previous.index + 1
    edited = previous.edited or part.edited
    if neighbours and not (edited and previous.lacks):
        return document
    document += previous.lacks
    blank_line, starts_blank = _BLANK_LINE_AT_END.search(document), part.text.startswith(("\n", "\r"))
    if blank_line and starts_blank:
        return document[: blank_line.start("blank")]
    return document if blank_line or starts_blank else document + newline


def _kept(cell: Cell) -> dict[str, str]:
    """The texts in a cell's metadata, so far as they are there."""
    kept = cell.get("metadata", {}).get(METADATA, {})
    return {name: kept[name] for name in _TEXTS if isinstance(kept.get(name), str)}


def _origin_of(cell: Cell) -> Origin | None:
    """Where the cell comes from; None for a new one, and for one whose metadata another program has changed."""
    kept, index = _kept(cell), cell.get("metadata", {}).get(METADATA, {}).get("index")
    return Origin(index=index, **kept) if len(kept) == len(_TEXTS) and isinstance(index, int) else None


def _part(cell: Cell, newline: str) -> _Part:
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    source = _with_newlines(source)
    origin, is_chunk = _origin_of(cell), cell["cell_type"] == "code"
    if origin is None or is_chunk != bool(origin.opening):  # new, or its type was changed
        if not source.strip():
            return _Part("")
        text = _chunk(source, _new_chunk(newline), newline) if is_chunk else source.replace("\n", newline) + newline
        return _Part(text)
    if source == _source(origin):
        body, opening, closing = origin.body, origin.opening, origin.closing
        text, edited = opening + body + closing, False
    else:
        text, edited = _chunk(source, origin, newline) if is_chunk else _text(source, origin, newline), True
    return _Part(origin.before + text + origin.after, origin.index, edited, _lacks(origin, text, newline))


def _text(source: str, origin: Origin, newline: str) -> str:
    """An edited head or text; a head ends with its line end."""
    end = newline if source and origin.body.endswith(("\n", "\r")) else ""
    return source.replace("\n", newline) + end


def _chunk(source: str, origin: Origin, newline: str) -> str:
    """An edited chunk: its opening line with the header of the cell, its lines, and fences longer than any in new lines."""
    header, code = _header_and_code(source)
    opening, closing = origin.opening, origin.closing
    if not opening.endswith(("\n", "\r")):
        opening += newline
    begin = BEGIN.fullmatch(opening.rstrip("\r\n"))
    assert begin  # noqa: S101 - it was read as one
    if begin["header"].strip() != header:
        opening = opening[: begin.start("header")] + header + opening[begin.end("header") :]
    lines, kept = _edited_lines(lines_of(origin.body), lines_of(code), begin["prefix"], newline)
    longest = max((_ticks(line) for place, line in enumerate(lines) if place not in kept), default=0)
    if longest >= len(begin["ticks"]):
        ticks = "`" * (longest + 1)
        opening = opening.replace(begin["ticks"], ticks, 1)
        closing = f"{begin['prefix']}{ticks}{newline}" if closing else ""
    return opening + "".join(lines) + closing


def _edited_lines(old: list[str], code: list[str], prefix: str, newline: str) -> tuple[list[str], set[int]]:
    """The lines of an edited chunk in the document, and the places of those that were not edited, which are as they were."""
    shown = [_without_prefix(prefix, line).rstrip("\r\n") for line in old]
    new = [line.rstrip("\n") for line in code]
    lines, kept = [_with_prefix(prefix, line) + newline for line in new], set()
    for at, place, size in SequenceMatcher(None, shown, new, autojunk=False).get_matching_blocks():
        for offset in range(size):
            line = old[at + offset]
            lines[place + offset] = line if line.endswith(("\n", "\r")) else line + newline
            kept.add(place + offset)
    return lines, kept


def _new_chunk(newline: str) -> Origin:
    return Origin(0, "", f"```{{r}}{newline}", "", f"```{newline}", "")


def _header_and_code(source: str) -> tuple[str, str]:
    first, _, rest = source.partition("\n")
    found = _HEADER_LINE.fullmatch(first.rstrip())
    return (found["header"], rest) if found else ("r", source)


def _ticks(line: str) -> int:
    """The length of the fence that this line is, and 0 if it is none."""
    bare = line.rstrip("\r\n")
    found = END.fullmatch(bare) or BEGIN.fullmatch(bare)
    return len(found["ticks"]) if found else 0


def _lacks(origin: Origin, text: str, newline: str) -> str:
    """The closing line of a chunk that has none."""
    begin = BEGIN.fullmatch(text.partition("\n")[0].rstrip("\r\n")) if origin.opening and not origin.closing else None
    return begin["fence"] + newline if begin else ""
