"""The live preview of a document: what pages are sent while its text is edited."""

import asyncio
import json
import random
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rc2hub.compute.rmarkdown import preview as preview_module
from rc2hub.compute.rmarkdown.document import split
from rc2hub.compute.rmarkdown.preview import Preview
from tests.fixtures.hub import HANG_TIMEOUT

DOCUMENTS = Path(__file__).parent / "documents"
DOCUMENT = """---
title: A report
params:
  least: 2
---

The mean is `r mean(x)`.

```{r data}
x <- 1:4 * params$least
```

```{r shown}
sum(x)
```

```{r other}
"other"
```
"""


class Page:
    """A page that keeps what a browser would show."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.html: dict[str, str] = {}
        self.needs: list[str] = []
        self.states: list[list[str]] = []
        self.last: dict[str, Any] = {}

    async def until(self, condition: Callable[["Page"], Any]) -> None:
        """Take what comes until the condition holds."""
        async with asyncio.timeout(HANG_TIMEOUT):
            while True:
                self.last = await self.received.get()
                self.html |= self.last["html"]
                self.needs += [need["id"] for need in self.last["needs"]]
                self.states.append([block["state"] for block in self.last["blocks"]])
                if condition(self):
                    return

    async def settled(self) -> str:
        """Wait for the end of a run; the text of the whole page."""
        await self.until(lambda page: page.is_complete)
        return self.text

    @property
    def is_complete(self) -> bool:
        return not self.last["running"] and ({"fresh"} >= set(self.states[-1]) or bool(self.last["message"]))

    @property
    def text(self) -> str:
        return "".join(self.html[block["key"].split(".")[0]] for block in self.last["blocks"])


@asynccontextmanager
async def previewed(folder: Path) -> AsyncIterator[tuple[Preview, Page]]:
    preview, page = Preview(folder / "report.Rmd"), Page()
    with preview.shown(page.received.put_nowait):
        yield preview, page
    await preview.close()


@pytest.fixture
async def shown(tmp_path: Path) -> AsyncIterator[tuple[Preview, Page]]:
    """A preview with the document above, which has run."""
    async with previewed(tmp_path) as (preview, page):
        preview.edit(DOCUMENT.replace("The mean is `r mean(x)`.\n\n", ""))
        await page.settled()
        yield preview, page


async def test_an_edit_runs_what_depends_on_it_and_sends_only_what_is_new(shown: tuple[Preview, Page]) -> None:
    preview, page = shown
    assert page.last["ran"] == 3
    assert "## [1] 20" in page.text
    preview.edit(DOCUMENT.replace("The mean is `r mean(x)`.\n\n", "").replace("1:4", "1:5"))
    text = await page.settled()
    assert (page.last["ran"], page.last["kept"]) == (2, 1)
    assert "## [1] 30" in text
    assert sum(len(html) for html in page.last["html"].values()) < 400
    preview.edit(DOCUMENT.replace("The mean is `r mean(x)`.\n\n", ""))
    assert "## [1] 20" in await page.settled()
    assert (page.last["ran"], page.last["kept"]) == (0, 3)


async def test_values_of_the_head_are_inputs_and_text_has_values_of_r(tmp_path: Path) -> None:
    async with previewed(tmp_path) as (preview, page):
        moved = DOCUMENT.replace("The mean is `r mean(x)`.\n\n", "") + "\nThe mean is `r mean(x)`.\n"
        preview.edit(moved)
        assert "<p>The mean is 5.</p>" in await page.settled()
        preview.edit(moved.replace("least: 2", "least: 4"))
        assert "<p>The mean is 10.</p>" in await page.settled()
        assert (page.last["ran"], page.last["kept"]) == (3, 1)
        preview.edit(moved.replace("A report", "'`r 1 + 1` reports'"))
        assert '<h1 class="title">2 reports</h1>' in await page.settled()


async def test_an_error_is_shown_at_its_chunk_and_the_chunks_below_it_run(shown: tuple[Preview, Page]) -> None:
    preview, page = shown
    preview.edit(DOCUMENT.replace("sum(x)", "sum(y)"))
    text = await page.settled()
    assert '<div class="rc2-error">' in text
    assert "object &#39;y&#39; not found" in text
    assert "other" in text


async def test_the_same_label_twice_is_a_sentence_at_the_second_chunk_as_knitr_refuses_it(tmp_path: Path) -> None:
    async with previewed(tmp_path) as (preview, page):
        preview.edit("```{r a}\n1\n```\n\n```{r a}\n2\n```\n\n```{r a}\n```\n")
        text = await page.settled()
    assert "Another chunk has the label a, and knitr refuses the same label twice; give this one another." in text
    assert "## [1] 2" not in text
    assert text.count("## [1] 1") == 2  # an empty chunk runs the code of the chunk with its label


async def test_an_earlier_result_is_marked_until_the_new_one_is_there(shown: tuple[Preview, Page], tmp_path: Path) -> None:
    preview, page = shown
    waits = 'while (!file.exists("go")) Sys.sleep(0.05); sum(x)'
    preview.edit(DOCUMENT.replace("The mean is `r mean(x)`.\n\n", "").replace("sum(x)", waits))
    await page.until(lambda page: page.last["running"])
    assert page.last["running"] == {"line": 11, "opening": "```{r shown}"}
    assert "## [1] 20" in page.text
    assert page.states[-1].count("old") == 2
    (tmp_path / "go").touch()
    await page.settled()
    assert set(page.states[-1]) == {"fresh"}


async def test_a_chunk_that_never_ends_is_interrupted_by_its_edit_and_by_the_user(shown: tuple[Preview, Page]) -> None:
    preview, page = shown
    for number in range(2):
        preview.edit(DOCUMENT.replace("sum(x)", f"repeat Sys.sleep(0.0{number + 1})"))
        await page.until(lambda page: page.last["running"])
    preview.stop()
    await page.until(lambda page: page.last["message"])
    assert page.last["message"] == "The run was stopped; the next edit goes on with it."
    preview.edit(DOCUMENT.replace("sum(x)", "sum(x) + 1"))
    assert "## [1] 21" in await page.settled()
    assert page.last["message"] == ""


async def test_an_r_that_has_ended_is_told_and_started_by_the_next_edit(shown: tuple[Preview, Page]) -> None:
    preview, page = shown
    preview.edit(DOCUMENT.replace("sum(x)", "quit()"))
    await page.settled()
    assert page.last["message"].startswith("R has ended")
    preview.edit(DOCUMENT.replace("sum(x)", "sum(x) + 2"))
    assert "## [1] 22" in await page.settled()


async def test_run_everything_runs_all_in_a_new_r(shown: tuple[Preview, Page]) -> None:
    preview, page = shown
    preview.run_everything()
    await page.settled()
    assert (page.last["ran"], page.last["kept"], page.last["message"]) == (3, 0, "")


async def test_a_head_that_is_no_yaml_is_one_sentence(shown: tuple[Preview, Page]) -> None:
    preview, page = shown
    preview.edit(DOCUMENT.replace("least: 2", "least: [2"))
    await page.settled()
    assert page.last["message"].startswith("The head of this document cannot be read: ")
    preview.edit(DOCUMENT)
    await page.settled()
    assert page.last["message"] == ""


async def test_a_missing_pandoc_is_one_sentence(shown: tuple[Preview, Page], monkeypatch: pytest.MonkeyPatch) -> None:
    preview, page = shown
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "/nowhere")
        preview.edit("New.\n")
        await page.until(lambda page: page.last["message"])
    assert page.last["message"] == "Pandoc cannot be started here: No such file or directory."
    preview.edit("Newer.\n")
    await page.until(lambda page: "Newer." in page.text)
    assert page.last["message"] == ""


async def test_a_second_page_gets_everything(shown: tuple[Preview, Page]) -> None:
    preview, page = shown
    second = Page()
    with preview.shown(second.received.put_nowait):
        preview.edit(DOCUMENT)
        await page.settled()
        assert await second.settled() == page.text


async def test_an_idle_preview_ends_r_and_runs_again_at_the_next_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_module, "IDLE_TIMEOUT", 0.2)
    async with previewed(tmp_path) as (preview, page):
        preview.edit("```{r}\ncat('pid', Sys.getpid())\n```\n")
        first = await page.settled()
        pid = int(re.search(r"pid (\d+)", first)[1])
        async with asyncio.timeout(HANG_TIMEOUT):
            while Path(f"/proc/{pid}").exists():
                await asyncio.sleep(0.05)
        assert not preview.has_ended
        preview.edit("```{r}\ncat('pid', Sys.getpid())\n```\n\nMore.\n")
        assert await page.settled() != first
    preview = Preview(tmp_path / "unseen.Rmd")
    async with asyncio.timeout(HANG_TIMEOUT):
        while not preview.has_ended:
            await asyncio.sleep(0.05)


async def test_a_widget_comes_with_its_scripts_once(tmp_path: Path) -> None:
    async with previewed(tmp_path) as (preview, page):
        preview.edit("```{r}\nDT::datatable(head(mtcars, 2))\n```\n")
        assert "Mazda RX4" in await page.settled()
        assert any(need.startswith("htmlwidgets ") for need in page.needs)
        preview.edit("```{r}\nDT::datatable(head(mtcars, 3))\n```\n")
        assert "Datsun 710" in await page.settled()
        assert len(page.needs) == len(set(page.needs))


@pytest.mark.parametrize(
    "name",
    ["child", "eval", "inline_and_more", "labels", "params", "purl", "setup", "windows"],
)
async def test_the_preview_is_what_render_makes(tmp_path: Path, name: str) -> None:
    for file in DOCUMENTS.iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / "inline_and_more.Rmd").write_text(DOCUMENT.replace("The mean is `r mean(x)`.\n\n", "") + "`r sum(x)`\n")
    document = tmp_path / f"{name}.Rmd"
    async with previewed(tmp_path) as (preview, page):
        preview.edit(document.read_bytes().decode())
        await page.settled()
        markdown = "".join(output.markdown for output in preview._outputs)
    call = f"rmarkdown::render({json.dumps(document.name)}, rmarkdown::html_document(), run_pandoc = FALSE, quiet = TRUE)"
    subprocess.run(["Rscript", "-e", call], cwd=tmp_path, check=True, capture_output=True)
    rendered = document.with_suffix(".knit.md").read_bytes().decode()
    assert lines_of(markdown) == lines_of(rendered)


def lines_of(markdown: str) -> list[str]:
    """The lines without white space at their ends and empty ones."""
    return [line.rstrip() for line in markdown.splitlines() if line.strip()]


@pytest.mark.parametrize("name", ["conditional", "hooks", "labels", "params", "setup", "sections"])
async def test_after_any_edits_the_preview_is_that_of_a_new_r(tmp_path: Path, name: str) -> None:
    chooser = random.Random(name)
    text = (DOCUMENTS / f"{name}.Rmd").read_text()
    shutil.copy(DOCUMENTS / "part_of_child.Rmd", tmp_path)
    async with previewed(tmp_path) as (preview, page):
        preview.edit(text)
        await page.settled()
        for _ in range(6):
            text = any_edit(text, chooser)
            preview.edit(text)
            await page.settled()
        edited = without_figures(page.text)
    async with previewed(tmp_path) as (preview, page):
        preview.edit(text)
        assert without_figures(await page.settled()) == edited


def any_edit(text: str, chooser: random.Random) -> str:
    """The text with a piece left out, twice or elsewhere, or with another number in it."""
    pieces = [piece.text for piece in split(text)]
    chosen = chooser.randrange(1, len(pieces))
    match chooser.randrange(4):
        case 0 if len(pieces) > 4:
            del pieces[chosen]
        case 1:
            pieces.insert(chooser.randrange(1, len(pieces)), pieces[chosen])
        case 2:
            pieces.insert(chooser.randrange(1, len(pieces)), pieces.pop(chosen))
        case _:
            pieces[chosen] = re.sub(r"\d", lambda _: str(chooser.randrange(1, 9)), pieces[chosen], count=1)
    return "".join(pieces)


def without_figures(html: str) -> str:
    """The HTML without what R writes into the file of a figure, and without the labels that knitr counts."""
    return re.sub(r'src="data:[^"]*"|[0-9a-f]{12}-\d+', "", html)
