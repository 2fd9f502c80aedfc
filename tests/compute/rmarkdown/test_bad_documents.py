"""Bad documents in Knit and Preview: each is a sentence for the user or is shown as it is, and the file stays as it was."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tornado.web import HTTPError

from rc2hub.compute.rmarkdown import preview as preview_module
from rc2hub.compute.rmarkdown.contents import RMarkdownContentsManager
from tests.compute.rmarkdown.test_knit import knit
from tests.compute.rmarkdown.test_preview import previewed


@dataclass(frozen=True)
class Bad:
    """A document, and what is told about it."""

    content: bytes
    knitted: str
    """The last message of Knit."""
    previewed: str
    """A part of the preview's page, or of its message."""


READY = "report.html is ready."
BAD = {
    "no end of the head": Bad(b"---\ntitle: A\n\n```{r}\n6 * 7\n```\n", READY, "[1] 42"),
    "nothing": Bad(b"", READY, ""),
    "the same label twice": Bad(
        b"```{r a}\n1\n```\n```{r a}\n2\n```\n",
        "Two chunks have the label a, and knitr refuses the same label twice; give one another.",
        "has the label a",
    ),
    "a chunk without an end": Bad(b"```{r}\n6 * 7\n", READY, "[1] 42"),
    "an option without a value": Bad(b"```{r a, b=}\n6 * 7\n```\n", "Error in chunk a, lines 1 to 3", "argument is missing"),
    "code that is no R": Bad(b"\n```{r a}\n6 *\n```\n", "Error in chunk a, lines 2 to 4", "unexpected end of input"),
    "line ends of Windows": Bad(b"```{r}\r\n6 * 7\r\n```\r\n", READY, "[1] 42"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_document_is_shown_or_one_sentence_and_stays_as_it_is(tmp_path: Path, name: str) -> None:
    bad, document = BAD[name], tmp_path / "report.Rmd"
    document.write_bytes(bad.content)
    message = (await knit(document))[-1]["message"]
    assert bad.knitted in message
    async with previewed(document) as (preview, page):
        preview.edit(bad.content.decode(errors="replace"))
        text = await page.settled()
        assert bad.previewed in text + page.last["message"]
    assert document.read_bytes() == bad.content


async def test_an_output_that_a_browser_cannot_show_is_one_sentence_in_the_preview(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_module, "MAX_MARKDOWN", 1 << 20)
    async with previewed(tmp_path) as (preview, page):
        preview.edit("```{r}\ncat(strrep(paste0(strrep('0', 999), '\\n'), 2200))\n```\n\n```{r}\n6 * 7\n```\n")
        text = await page.settled()
    assert "This output of 2 MB is too large for the preview; Knit shows it." in text
    assert "[1] 42" in text
    assert len(text) < 1000


async def test_more_memory_than_the_server_has_is_an_error_of_the_chunk_and_the_preview_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEM_LIMIT", str(1 << 30))
    text = "```{r}\nx <- 6 * 7\n```\n\n```{r}\nlength(numeric(2e8))\n```\n\n```{r}\nx\n```\n"
    async with previewed(tmp_path) as (preview, page):
        preview.edit(text)
        shown = await page.settled()
        assert "cannot allocate vector of size 1.5 Gb" in shown
        assert "[1] 42" in shown
        preview.edit(text.replace("2e8", "2e2"))
        assert "[1] 200" in await page.settled()
        assert (page.last["ran"], page.last["kept"], page.last["message"]) == (1, 2, "")


@pytest.mark.parametrize("name", ["report.Rmd", "report.qmd"])
async def test_a_full_disk_is_one_sentence_and_the_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / name).write_text("Text.\n")
    manager = RMarkdownContentsManager(root_dir=str(tmp_path))
    model = await manager.get(name, type="notebook")
    model["content"]["cells"][0]["source"] = "Edited."
    monkeypatch.setattr(manager, "_save_file", fail)
    with pytest.raises(HTTPError) as refused:
        await manager.save(model, name)
    assert refused.value.log_message == f"{name} was not saved: there is no space left; delete files, then save again."
    assert (tmp_path / name).read_text() == "Text.\n"
