"""The live preview of an R Markdown document: after an edit only those pieces run whose text or inputs have changed.

Pages show it. A page sends the whole text at each edit; the last text counts, also if two pages show the same document.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from rc2hub.compute.rmarkdown import kept_results
from rc2hub.compute.rmarkdown.blocks import Blocks, Numbering, Output, State
from rc2hub.compute.rmarkdown.document import Kind, Piece, first_lines, lines_of, split
from rc2hub.compute.rmarkdown.live_r import LiveR, RHasEndedError
from rc2hub.compute.rmarkdown.quarto import missing_features

PAINT_DELAY = 0.15
"""Seconds that R gets before the page shows what is not finished: most edits are done by then."""
PAINT_SHARE = 4
"""How many times longer than a painting the wait for the next one is, in a long document."""
IDLE_TIMEOUT = 600.0
"""Seconds without an edit after which R is ended; the next edit starts another one, which has the results that were kept."""
KEEP_DELAY = 2.0
"""Seconds without an edit after which the results are kept in a file."""
MAX_MARKDOWN = 8 << 20
"""Characters of the output of a piece that is shown; a browser is slow with more."""
TOO_LARGE = "This output of {size} MB is too large for the preview; Knit shows it."
ERROR = '\n\n<div class="rc2-error">\n\n```\n{sentence}\n```\n\n</div>\n\n'
R_ENDED = "R has ended, most often for want of memory; the next edit starts it again."
STOPPED = "The run was stopped; the next edit goes on with it."
REFERENCE = re.compile(r"\\@ref\(")
REFERENCES = "References are shown as they are written; output: bookdown::html_document2 in the head makes numbers of them."
INLINE = re.compile(r"`r[ #]")
LINE_END = re.compile(r"\r\n?")


@dataclass
class Page:
    """One browser that shows the preview."""

    send: Callable[[dict[str, Any]], None]
    blocks: set[str] = field(default_factory=set)
    """The HTML that it has."""
    needs: set[str] = field(default_factory=set)
    """The scripts and styles that it has."""


class Preview:
    """The preview of one document. It ends by itself when it is idle and no page shows it."""

    def __init__(self, document: Path) -> None:
        """Take the file; its text comes from the pages, as it may not be saved."""
        self._document, self._kept = document, kept_results.file_of(document)
        self._r = LiveR(document, self._kept)
        self._blocks = Blocks(document.parent)
        self._pages: list[Page] = []
        self._text = ""
        self._changed = asyncio.Event()
        self._painting = asyncio.Lock()
        self._pieces: list[Piece] = []
        self._outputs: list[Output] = []
        self._results: dict[int, str] = {}
        self._needs: dict[str, dict[str, Any]] = {}
        self._status: dict[str, Any] = {}
        self._running = -1
        self._starts_again, self._has_new_results = False, False
        self._task = asyncio.create_task(self._follow(), name=f"preview of {document.name}")

    @property
    def has_ended(self) -> bool:
        """Whether it takes no more edits."""
        return self._task.done()

    @property
    def is_running(self) -> bool:
        """Whether a piece runs."""
        return self._running >= 0

    @contextlib.contextmanager
    def shown(self, send: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """A page that shows it meanwhile; `send` takes what has changed."""
        page = Page(send)
        self._pages.append(page)
        try:
            yield
        finally:
            self._pages.remove(page)

    def edit(self, text: str) -> None:
        """Show this text; a piece that runs and is not in it any more is interrupted."""
        self._text = LINE_END.sub("\n", text.removeprefix("\ufeff"))
        self._changed.set()
        if self.is_running and self._pieces[self._running].text not in {piece.text for piece in split(self._text)}:
            self._r.interrupt()

    def stop(self) -> None:
        """Interrupt the piece that runs; those below it do not run before the next edit."""
        if self.is_running:
            self._r.interrupt()

    def run_everything(self) -> None:
        """Run the whole document again, in a new R."""
        self._starts_again = True
        self._r.kill()
        self._changed.set()

    async def close(self) -> None:
        """End R."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _follow(self) -> None:
        try:
            while True:
                if await self._is_edited_within(IDLE_TIMEOUT):
                    self._changed.clear()
                    await self._update(self._text)
                    if self._has_new_results and not await self._is_edited_within(KEEP_DELAY):
                        await self._keep()
                    continue
                await self._r.close()
                if not self._pages:
                    return
        finally:
            await self._r.close()

    async def _is_edited_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        return self._changed.is_set()

    async def _keep(self) -> None:
        self._has_new_results = False
        await asyncio.to_thread(kept_results.make_room, self._kept)
        with contextlib.suppress(RHasEndedError):
            await self._r.keep()

    async def _update(self, text: str) -> None:
        before = [piece.text for piece in self._pieces]
        self._pieces = split(text)
        earlier = _aligned(before, self._outputs, [piece.text for piece in self._pieces])
        self._outputs = [_first_output(piece, output) for piece, output in zip(self._pieces, earlier, strict=True)]
        self._status = {"ran": 0, "kept": 0, "seconds": 0.0, "message": ""}
        painting = asyncio.create_task(self._paint_while_running())
        try:
            await self._start_if_needed()
            await self._run_pieces()
        except RHasEndedError:
            self._status["message"] = "" if self._starts_again else R_ENDED
        except OSError as error:
            self._status["message"] = f"R cannot be started here: {error.strerror}."
        finally:
            self._running = -1
            painting.cancel()
        await self._paint()

    async def _start_if_needed(self) -> None:
        if self._starts_again or not self._r.is_running:
            if self._starts_again:
                self._kept.unlink(missing_ok=True)
            self._starts_again = False
            self._results.clear()
            await self._r.close()
            self._r = LiveR(self._document, self._kept)
            await self._r.start()

    async def _run_pieces(self) -> None:
        numbers = [i for i, piece in enumerate(self._pieces) if _runs(piece)]
        head = self._pieces[0].text if self._pieces and self._pieces[0].kind is Kind.HEAD else ""
        async for answer in self._r.update(head, [_text_for_knitr(self._pieces[i]) for i in numbers]):
            if "begins" in answer:
                self._running = numbers[answer["begins"] - 1]
            elif "kept" in answer:
                self._status["kept"] += len(answer["kept"])
                for number, record in zip(answer["kept"], answer["ids"], strict=True):
                    self._show(numbers[number - 1], record)
            elif "ran" in answer:
                self._running, self._has_new_results = -1, True
                self._status["ran"] += 1
                self._status["seconds"] += answer["seconds"]
                self._take(numbers[answer["ran"] - 1], answer)
            elif "restored" in answer:
                self._status["kept"] += 1
                self._take(numbers[answer["restored"] - 1], answer)
            else:
                self._finish(numbers, answer)

    def _take(self, number: int, answer: dict[str, Any]) -> None:
        """Take the result of a piece."""
        markdown = answer["markdown"]
        if len(markdown) > MAX_MARKDOWN:
            markdown = ERROR.format(sentence=TOO_LARGE.format(size=len(markdown) >> 20))
        self._results[answer["id"]] = markdown
        self._needs.update((need["id"], need) for need in answer["needs"])
        self._show(number, answer["id"])

    def _show(self, number: int, record: int) -> None:
        markdown = self._results[record]
        is_head = self._pieces[number].kind is Kind.HEAD
        self._outputs[number] = Output(f"---\n{markdown.strip()}\n---\n" if is_head else markdown)

    def _finish(self, numbers: Sequence[int], answer: dict[str, Any]) -> None:
        """Take the end of a run, and forget results of which R has no record any more."""
        if answer["exits"]:  # nothing that comes after that piece is in the document
            end = numbers[answer["exits"] - 1] + 1
            self._outputs[end:] = [Output("") for _ in self._outputs[end:]]
        self._results = {name: self._results[name] for name in answer["records"]}
        self._blocks.numbering = Numbering(**(answer["numbering"] or {}))
        if "error" in answer:
            self._status["message"] = f"The head of this document cannot be read: {answer['error']}"
        elif "interrupted" in answer and not self._changed.is_set():
            self._status["message"] = STOPPED

    async def _paint_while_running(self) -> None:
        shown: tuple[list[Output], int] | None = None
        delay = PAINT_DELAY
        while True:
            await asyncio.sleep(delay)
            if shown != (self._outputs, self._running):
                shown, began = (list(self._outputs), self._running), time.monotonic()
                await self._paint()
                delay = max(PAINT_DELAY, PAINT_SHARE * (time.monotonic() - began))

    async def _paint(self) -> None:
        """Send each page what it does not have."""
        async with self._painting:
            pieces, outputs, running = list(self._pieces), list(self._outputs), self._running
            try:
                blocks = await self._blocks.render(pieces, outputs)
            except OSError as error:
                blocks = []
                self._status["message"] = f"Pandoc cannot be started here: {error.strerror}."
            state = {
                **self._status,
                "note": missing_features(self._document, pieces) or self._note(pieces),
                "running": _describe(pieces, running) if running >= 0 else None,
                "blocks": [asdict(block) for block in blocks],
            }
            for page in self._pages:
                page.send({**state, **self._news(page)})

    def _note(self, pieces: Sequence[Piece]) -> str:
        """What the format of the document does not make."""
        if self._blocks.numbering.references:
            return ""
        return REFERENCES if any(piece.kind is Kind.TEXT and REFERENCE.search(piece.text) for piece in pieces) else ""

    def _news(self, page: Page) -> dict[str, Any]:
        """What the page does not have yet."""
        html = {key: value for key, value in self._blocks.html.items() if key not in page.blocks}
        needs = [need for name, need in self._needs.items() if name not in page.needs]
        page.blocks, page.needs = set(self._blocks.html), set(self._needs)
        return {"html": html, "needs": needs}


def _runs(piece: Piece) -> bool:
    return piece.kind is Kind.CHUNK or bool(INLINE.search(piece.text))


def _text_for_knitr(piece: Piece) -> str:
    """A head without the lines around it: knitr leaves out the head of a document that is part of another one."""
    return "".join(lines_of(piece.text)[1:-1]) if piece.kind is Kind.HEAD else piece.text


def _aligned(before: Sequence[str], outputs: Sequence[Output], now: Sequence[str]) -> list[Output | None]:
    """The output that each piece had before the edit, also if the edit was in it; None for a new piece."""
    start = _same_at_the_start(zip(before, now, strict=False))
    most = min(len(before), len(now)) - start
    stop = _same_at_the_start(islice(zip(reversed(before), reversed(now), strict=False), most))
    found: list[Output | None] = [*outputs[:start], *[None] * (len(now) - start - stop), *outputs[len(before) - stop :]]
    # only what lies between is compared: the time for that grows with the square of its pieces
    changed = SequenceMatcher(None, before[start : len(before) - stop], now[start : len(now) - stop], autojunk=False)
    for kind, i, end, new_i, new_end in changed.get_opcodes():
        if kind == "equal" or end - i == new_end - new_i:
            found[start + new_i : start + new_end] = outputs[start + i : start + end]
    return found


def _same_at_the_start(pairs: Iterable[tuple[str, str]]) -> int:
    """How many pairs there are before the first of two texts that differ."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _first_output(piece: Piece, earlier: Output | None) -> Output:
    """What is shown of a piece before R has answered."""
    if not _runs(piece):
        return Output(piece.text)
    if earlier and earlier.state is not State.WAITING:
        return Output(earlier.markdown, State.OLD)
    if piece.kind is Kind.CHUNK:
        return Output('\n\n<p class="rc2-waiting">…</p>\n\n', State.WAITING)
    return Output(piece.text, State.WAITING)


def _describe(pieces: Sequence[Piece], number: int) -> dict[str, Any]:
    """Where a piece is, for the user."""
    return {
        "line": first_lines(pieces)[number],
        "opening": pieces[number].opening.strip(),
    }
