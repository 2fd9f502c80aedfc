"""The live preview of a document: what pages are sent while its text is edited."""

import asyncio
import json
import random
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rc2hub.compute.rmarkdown import preview as preview_module
from rc2hub.compute.rmarkdown.blocks import Output
from rc2hub.compute.rmarkdown.document import split
from rc2hub.compute.rmarkdown.preview import Preview, _aligned
from tests.fixtures.hub import HANG_TIMEOUT, until

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
        self.updated = asyncio.Event()
        """Set while the preview works on no edit."""
        self.updated.set()

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
        await self.updated.wait()  # a page can be complete before the end of an edit that changes nothing
        while not self.received.empty():
            await self.until(lambda _page: True)
        return self.text

    @property
    def is_complete(self) -> bool:
        return not self.last["running"] and ({"fresh"} >= set(self.states[-1]) or bool(self.last["message"]))

    @property
    def text(self) -> str:
        return "".join(self.html[block["key"].split(".")[0]] for block in self.last["blocks"])


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which results are kept."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "rc2" / "previews"


@asynccontextmanager
async def previewed(place: Path) -> AsyncIterator[tuple[Preview, Page]]:
    """A preview of this file, or of one in this folder, and the page that shows it."""
    preview, page = Preview(place / "report.Rmd" if place.is_dir() else place), Page()
    update = preview._update

    async def observed(text: str) -> None:
        page.updated.clear()
        await update(text)
        page.updated.set()

    preview._update = observed  # type: ignore[method-assign]
    try:
        with preview.shown(page.received.put_nowait):
            yield preview, page
    finally:
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


def test_outputs_of_a_long_document_find_their_pieces_at_once_after_an_edit() -> None:
    before = [f"chunk {i // 2}" if i % 2 else "\n" for i in range(20000)]
    outputs = [Output(text) for text in before]
    began = time.process_time()
    now = [*before[:7], "an edit", *before[8:11], "new", *before[11:]]
    assert _aligned(before, outputs, now) == [*outputs[:11], None, *outputs[11:]]
    assert time.process_time() - began < 1  # 23 s if all pieces are compared with all


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


async def test_references_of_bookdown_are_told_to_be_shown_as_they_are_written(shown: tuple[Preview, Page]) -> None:
    preview, page = shown
    assert page.last["note"] == ""
    preview.edit("See \\@ref(fig:cars).\n")
    assert "@ref(fig:cars)" in await page.settled()
    assert page.last["note"].startswith("References are shown as they are written;")


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


async def test_an_idle_preview_ends_r_and_the_next_edit_starts_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_module, "KEEP_DELAY", 0.1)
    monkeypatch.setattr(preview_module, "IDLE_TIMEOUT", 0.2)
    async with previewed(tmp_path) as (preview, page):
        preview.edit("```{r}\ncat('pid', Sys.getpid())\n```\n")
        pid = int(re.search(r"pid (\d+)", await page.settled())[1])
        await eventually(lambda: not Path(f"/proc/{pid}").exists())
        assert not preview.has_ended
        preview.edit("```{r}\ncat('pid now', Sys.getpid())\n```\n")
        assert f"pid now {pid}" not in await page.settled()
    preview = Preview(tmp_path / "unseen.Rmd")
    await eventually(lambda: preview.has_ended)


async def eventually(condition: Callable[[], Any]) -> None:
    """Wait until the condition holds."""

    async def holds() -> Any:
        return condition()

    await until(holds)


LONG = """```{r setup, include=FALSE}
library(splines)
knitr::opts_chunk$set(comment = "@")
set.seed(1)
```

```{r data}
x <- rnorm(100)
cat("ran", Sys.getpid())
```

```{r shown}
plot(x)
dim(bs(x))
```

```{r connected}
con <- DBI::dbConnect(RSQLite::SQLite())
DBI::dbGetQuery(con, "SELECT 42 AS answer")
```

```{r widget}
DT::datatable(head(mtcars, 2))
```
"""


async def test_results_are_there_after_a_stop_of_the_server_but_for_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(preview_module, "KEEP_DELAY", 0.1)
    async with previewed(tmp_path) as (preview, page):
        preview.edit(LONG)
        before = await page.settled()
        await eventually(lambda: list(cache.glob("*.rds")))
    assert cache.stat().st_mode & 0o077 == 0
    async with previewed(tmp_path) as (preview, page):
        preview.edit(LONG)
        assert await page.settled() == before
        assert (page.last["ran"], page.last["kept"]) == (1, 4)
        assert any(need.startswith("htmlwidgets ") for need in page.needs)
        preview.edit(LONG.replace("dim(bs(x))", "dim(bs(x, df = 5))"))
        assert "@ [1] 100   5" in await page.settled()
        assert (page.last["ran"], page.last["kept"]) == (1, 4)
        preview.run_everything()
        assert without_figures(before) != without_figures(await page.settled())  # the process has another number


SECRETS = """```{r}
token <- Sys.getenv("RC2_TEST_TOKEN")
named <- eval(parse(text = "Sys.getenv('RC2_TEST_TOKEN')"))
get_token <- function() Sys.getenv(paste0("RC2_TEST", "_TOKEN"))
```

```{r}
both <- c("beside", get_token())
options(digits = 3)
```

```{r}
Sys.setenv(RC2_TEST_OTHER = "set here")
known <- "known value"
```
"""


async def test_no_secret_of_the_environment_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(preview_module, "KEEP_DELAY", 0.1)
    monkeypatch.setenv("RC2_TEST_TOKEN", "xyzzy")
    async with previewed(tmp_path) as (preview, page):
        preview.edit(SECRETS)
        await page.settled()
        await eventually(lambda: list(cache.glob("*.rds")))
    kept = next(cache.glob("*.rds")).read_bytes()
    assert b"known value" in kept
    assert b"xyzzy" not in kept
    assert b"beside" not in kept


async def test_results_of_another_machine_or_a_damaged_file_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(preview_module, "KEEP_DELAY", 0.1)
    for changed in ("options", "file"):
        async with previewed(tmp_path) as (preview, page):
            preview.edit(LONG)
            await page.settled()
            await eventually(lambda: list(cache.glob("*.rds")))
        if changed == "options":
            (tmp_path / ".Rprofile").write_text("options(digits = 3)\n")
        else:
            kept = next(cache.glob("*.rds"))
            kept.write_bytes(kept.read_bytes()[:-100])
        async with previewed(tmp_path) as (preview, page):
            preview.edit(LONG)
            await page.settled()
            assert (page.last["ran"], page.last["message"]) == (5, "")
        shutil.rmtree(cache)


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
async def test_after_any_edits_and_a_stop_the_preview_is_that_of_a_new_r(tmp_path: Path, name: str) -> None:
    chooser = random.Random(name)
    text = (DOCUMENTS / f"{name}.Rmd").read_text()
    shutil.copy(DOCUMENTS / "part_of_child.Rmd", tmp_path)
    for _ in range(3):  # each time a new R, with what the last one has kept
        async with previewed(tmp_path) as (preview, page):
            preview.edit(text)
            await page.settled()
            for _ in range(3):
                text = any_edit(text, chooser)
                preview.edit(text)
                await page.settled()
            edited = without_figures(page.text)
            await preview._keep()
    async with previewed(tmp_path / "new.Rmd") as (preview, page):
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
