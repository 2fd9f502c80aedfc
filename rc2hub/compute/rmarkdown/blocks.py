"""The blocks of a preview: HTML of stretches of a document, each of which a page can replace alone.

Pandoc converts only blocks that are new. Where one block's HTML depends on others, as by numbers of footnotes or citations,
it converts the whole document.
"""

import asyncio
import base64
import hashlib
import mimetypes
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote

from rc2hub.compute.rmarkdown.document import BEGIN, Kind, Piece, first_lines

PANDOC = "pandoc", "--to=html5", "--mathml", "--no-highlight"
FROM = "--from=markdown+autolink_bare_uris+tex_math_single_backslash"
"""What rmarkdown's html_document reads."""
MARK = "<!--rc2-block-->"
TITLE_TEMPLATE = Path(__file__).with_name("live") / "title.html"
DEPENDS_ON_OTHERS = re.compile(
    r"\[\^|\^\[|\[@|\[-@|\(@|^ {0,3}\[[^\]^]+\]:|^(bibliography|references|number_sections)\s*:", re.MULTILINE
)
"""Footnotes, citations, numbered examples and links that are defined elsewhere."""
DIV = re.compile(r"^:::+\s*(?P<attributes>[^\s:].*)?$", re.MULTILINE)
ELEMENT = re.compile(
    r"<(?P<end>/?)(?:details|div|section|table|figure|center|article|aside|blockquote)\b[^>]*>", re.IGNORECASE
)
LOCAL_FILE = re.compile(r'(?P<before><(?:img|embed|source|video|audio)\b[^>]*?\bsrc=")(?P<file>[^":]+)(?=")')
MAX_FILE_BYTES = 20 << 20
"""Bytes of a figure that is put into the page."""


class State(StrEnum):
    """How current a block is."""

    FRESH = "fresh"
    OLD = "old"
    """Of an earlier text or inputs; it is shown until the new output is there."""
    WAITING = "waiting"
    """It has no output yet."""


@dataclass(frozen=True)
class Output:
    """What is known of a piece."""

    markdown: str
    state: State = State.FRESH


@dataclass(frozen=True)
class Block:
    """A stretch of the page."""

    key: str
    """Identifies the HTML, and which of those with the same HTML it is."""
    state: State
    line: int
    """The line in the document at which it begins, counted from 1."""


class Blocks:
    """The blocks of one document, whose HTML is kept as long as it is used."""

    def __init__(self, folder: Path) -> None:
        """Take the document's folder, in which it names files."""
        self._folder = folder
        self.html: dict[str, str] = {}
        """The HTML of each block by the first part of its key."""

    async def render(self, pieces: Sequence[Piece], outputs: Sequence[Output]) -> list[Block]:
        """The blocks of the document for these outputs of its pieces."""
        groups = list(_groups(pieces))
        sources = ["".join(outputs[i].markdown for i in group) for group in groups]
        head = outputs[0].markdown if pieces and pieces[0].kind is Kind.HEAD else ""
        if head:
            sources[0] = ""
        if DEPENDS_ON_OTHERS.search(head + "".join(sources)):
            keys = await self._convert_whole(head, sources)
        else:
            keys = await self._convert_new(sources)
        if head:
            keys[0] = await self._convert_head(head)
        self.html = {key: self.html[key] for key in keys}
        starts = first_lines(pieces)
        return [
            Block(key, _worst([outputs[i].state for i in group]), starts[group[0]])
            for key, group in zip(_numbered(keys), groups, strict=True)
        ]

    async def _convert_new(self, sources: Sequence[str]) -> list[str]:
        """Convert the sources that are not known, in one pandoc; the keys of all."""
        keys = [_digest(source) for source in sources]
        new = {key: source for key, source in zip(keys, sources, strict=True) if key not in self.html}
        if new:
            converted = await self._pandoc("", list(new.values()))
            self.html.update(zip(new, converted, strict=True))
        return keys

    async def _convert_whole(self, head: str, sources: Sequence[str]) -> list[str]:
        converted = await self._pandoc(head, sources)
        keys = [_digest(html) for html in converted]
        self.html.update(zip(keys, converted, strict=True))
        return keys

    async def _convert_head(self, head: str) -> str:
        key = _digest(f"head {head}")
        if key not in self.html:
            self.html[key] = await _run([*PANDOC, FROM, f"--template={TITLE_TEMPLATE}"], head, self._folder)
        return key

    async def _pandoc(self, head: str, sources: Sequence[str]) -> list[str]:
        """The HTML of each source; the head says what pandoc needs for citations."""
        text = head + f"\n\n{MARK}\n\n".join(sources)
        citations = ["--citeproc"] if re.search(r"^(bibliography|references)\s*:", head, re.MULTILINE) else []
        html = await _run([*PANDOC, FROM, *citations], text, self._folder)
        found = html.split(MARK)
        if len(found) != len(sources):  # a mark is inside of something that was not closed
            found = [html, *[""] * (len(sources) - 1)]
        return await asyncio.to_thread(lambda: [self._with_files(part.strip()) for part in found])

    def _with_files(self, html: str) -> str:
        """The HTML with local files as data: the page has no right to fetch them."""

        def data(match: re.Match[str]) -> str:
            file = self._folder / unquote(match["file"])
            try:
                content = file.read_bytes() if file.stat().st_size <= MAX_FILE_BYTES else b""
            except OSError:
                content = b""
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            return f"{match['before']}data:{kind};base64,{base64.b64encode(content).decode()}" if content else match[0]

        return LOCAL_FILE.sub(data, html)


def _groups(pieces: Sequence[Piece]) -> Iterator[list[int]]:
    """The numbers of the pieces that make one block: a chunk in a list is in the block of the text around it."""
    group: list[int] = []
    depth, joins = 0, False
    for i, piece in enumerate(pieces):
        inside = piece.kind is Kind.CHUNK and bool(_prefix(piece))
        after_head = i == 1 and pieces[0].kind is Kind.HEAD
        if group and (after_head or not (depth > 0 or joins or inside)):
            yield group
            group = []
        group.append(i)
        joins = inside
        if piece.kind is Kind.TEXT:
            depth = max(0, depth + _depth(piece.text))
    if group:
        yield group


def _prefix(piece: Piece) -> str:
    found = BEGIN.fullmatch(piece.opening.rstrip("\r\n"))
    return found["prefix"] if found else ""


def _depth(text: str) -> int:
    """How many containers the text opens and does not close."""
    divs = sum(1 if match["attributes"] else -1 for match in DIV.finditer(text))
    return divs + sum(-1 if match["end"] else 1 for match in ELEMENT.finditer(text))


def _worst(states: Sequence[State]) -> State:
    return next(state for state in (State.WAITING, State.OLD, State.FRESH) if state in states)


def _numbered(keys: Sequence[str]) -> Iterator[str]:
    """The same HTML at two places has two keys."""
    times: dict[str, int] = {}
    for key in keys:
        times[key] = times.get(key, -1) + 1
        yield f"{key}.{times[key]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def _run(command: Sequence[str], text: str, folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder
    )
    output, _ = await process.communicate(text.encode(errors="replace"))
    return output.decode()
