"""The blocks of a preview: HTML of stretches of a document, each of which a page can replace alone.

Pandoc converts only blocks that are new. Where one block's HTML depends on others, as by numbers of footnotes, by citations,
or by numbers of sections and references of bookdown, it converts the whole document.
"""

import asyncio
import base64
import hashlib
import mimetypes
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote

from rc2hub.compute.rmarkdown.document import BEGIN, Kind, Piece, first_lines
from rc2hub.compute.rmarkdown.references import resolve, with_marked_equations

PANDOC = "pandoc", "--to=html5", "--mathml", "--no-highlight"
FROM = "--from=markdown+autolink_bare_uris+tex_math_single_backslash"
"""What rmarkdown's html_document reads."""
MARK = '<hr class="rc2-mark">'
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


@dataclass(frozen=True)
class Numbering:
    """What the format of the document numbers in all of it. R finds it: `numbering_of` in live/knitting.R."""

    sections: bool = False
    references: bool = False
    """Whether it is a format of bookdown, with numbers of figures and the like, and references to them."""
    filter: str | None = None
    """bookdown's filter of pandoc for theorems."""
    shared: str | None = None
    """The file of rmarkdown that this filter reads."""


class Blocks:
    """The blocks of one document, whose HTML is kept as long as it is used."""

    def __init__(self, folder: Path) -> None:
        """Take the document's folder, in which it names files."""
        self._folder = folder
        self.numbering = Numbering()
        self.html: dict[str, str] = {}
        """The HTML of each block by the first part of its key."""

    async def render(self, pieces: Sequence[Piece], outputs: Sequence[Output]) -> list[Block]:
        """The blocks of the document for these outputs of its pieces."""
        groups = list(_groups(pieces))
        sources = ["".join(outputs[i].markdown for i in group) for group in groups]
        head = outputs[0].markdown if pieces and pieces[0].kind is Kind.HEAD else ""
        if head:
            sources[0] = ""
        counts = self.numbering.sections or self.numbering.references
        if counts or DEPENDS_ON_OTHERS.search(head + "".join(sources)):
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
            converted = await self._separately("", [*new.values(), ""])  # the last one tells whether those before are closed
            if not converted:
                return await self._convert_whole("", sources)
            self.html.update(zip(new, converted, strict=False))
        return keys

    async def _convert_whole(self, head: str, sources: Sequence[str]) -> list[str]:
        converted = await self._separately(head, sources)
        if not converted:
            converted = [await self._pandoc(head, "".join(sources)), *[""] * (len(sources) - 1)]
        keys = [_digest(html) for html in converted]
        self.html.update(zip(keys, converted, strict=True))
        return keys

    async def _convert_head(self, head: str) -> str:
        key = _digest(f"head {head}")
        if key not in self.html:
            self.html[key] = await _run([*PANDOC, FROM, f"--template={TITLE_TEMPLATE}"], head, self._folder)
        return key

    async def _separately(self, head: str, sources: Sequence[str]) -> list[str]:
        """The HTML of each source; none if one goes on in the next, as in a fence that is not closed."""
        found = (await self._pandoc(head, f"\n\n{MARK}\n\n".join(sources))).split(MARK)
        return [part.strip() for part in found] if len(found) == len(sources) else []

    async def _pandoc(self, head: str, text: str) -> str:
        """The HTML of a text with local files as data; the head says what pandoc needs for citations."""
        html = (await self._convert(head, text)).strip()
        return await asyncio.to_thread(self._with_files, html)

    async def _convert(self, head: str, text: str) -> str:
        text = head + text
        options = ["--citeproc"] if re.search(r"^(bibliography|references)\s*:", head, re.MULTILINE) else []
        numbering = self.numbering
        numbered = ["--number-sections"] if numbering.sections else []
        if not numbering.references:
            return await _run([*PANDOC, FROM, *options, *numbered], text, self._folder)
        theorems = ["--wrap=preserve", f"--lua-filter={numbering.filter}"]
        shared = {"RMARKDOWN_LUA_SHARED": numbering.shared or ""}
        command = [*PANDOC, FROM, *theorems, *options, *numbered]
        return resolve(await _run(command, with_marked_equations(text), self._folder, shared))

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
    """How many containers and comments the text opens and does not close."""
    comments = text.count("<!--") - text.count("-->")
    divs = sum(1 if match["attributes"] else -1 for match in DIV.finditer(text))
    return comments + divs + sum(-1 if match["end"] else 1 for match in ELEMENT.finditer(text))


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


async def _run(command: Sequence[str], text: str, folder: Path, variables: Mapping[str, str] = MappingProxyType({})) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={**os.environ, **variables},
    )
    output, _ = await process.communicate(text.encode(errors="replace"))
    return output.decode()
