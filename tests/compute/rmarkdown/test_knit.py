"""Knitting a document: a real R, knitr and pandoc."""

import base64
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from rc2hub.compute.rmarkdown.knit import Format, KnitJob
from tests.compute.rmarkdown.test_document import DOCUMENTS
from tests.fixtures.hub import HANG_TIMEOUT

HEAD = """---
title: Trial
output:
  html_document: {theme: null, mathjax: null}
---

"""
EARLIER = "the output of an earlier knit"


async def knit(document: Path, output_format: Format = Format.OWN) -> list[dict[str, Any]]:
    """All states that a user can see, to the last one."""
    job = KnitJob(document, output_format)
    await job.start()
    seen = [job.describe()]
    while seen[-1]["state"] == "running":
        await job.wait_for_change(seen[-1]["version"], HANG_TIMEOUT)
        assert job.version != seen[-1]["version"], seen
        seen.append(job.describe())
    return seen


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """A document with an earlier output."""
    document = tmp_path / "trial.Rmd"
    document.write_text(HEAD)
    document.with_suffix(".html").write_text(EARLIER)
    return document


def beside(document: Path) -> list[str]:
    return sorted(file.name for file in document.parent.iterdir())


async def test_a_document_becomes_html_and_the_user_sees_each_chunk(tmp_path: Path) -> None:
    document = tmp_path / "Bericht über (1).Rmd"
    document.write_text(HEAD + "Text.\n\n```{r late}\n6 * 7\n```\n\n`r 1 + 1` more\n\n```{r}\nplot(1)\n```\n")
    seen = await knit(document)
    assert (seen[-1]["state"], seen[-1]["message"]) == ("done", "Bericht-über--1-.html is ready.")
    chunks = [state["message"] for state in seen if state["message"].startswith("Chunk")]
    assert chunks == sorted(chunks)
    assert set(chunks) <= {"Chunk 1 of 2: late", "Chunk 2 of 2."}  # what comes at once is one state
    assert chunks
    page = (tmp_path / "Bericht-über--1-.html").read_text()  # as rmarkdown names it
    assert "[1] 42" in page
    assert "2 more" in page
    assert "data:image/png;base64," in page
    assert beside(document) == ["Bericht über (1).Rmd", "Bericht-über--1-.html"]


async def test_a_failing_chunk_is_named_with_its_lines_and_the_earlier_output_stays(trial: Path) -> None:
    trial.write_text(HEAD + "```{r}\n1\n```\n\n```{r late}\nx <- 1\nnothing\n```\n\n```{r}\n2\n```\n")
    last = (await knit(trial))[-1]
    assert last["state"] == "failed"
    assert last["message"] == "Error in chunk late, lines 11 to 14: object 'nothing' not found"
    assert (last["chunk"], last["total"], last["line"]) == (2, 3, 11)
    assert "Quitting from" in last["log"]
    assert "Warning" not in last["log"]
    assert trial.with_suffix(".html").read_text() == EARLIER
    assert beside(trial) == ["trial.Rmd", "trial.html"]


async def test_a_failing_value_in_the_text_is_named_with_the_lines_of_the_text(trial: Path) -> None:
    trial.write_text(HEAD + "```{r}\n1\n```\n\nText `r nothing`.\n\n```{r}\n2\n```\n")
    assert (await knit(trial))[-1]["message"] == "Error in the text, lines 10 to 12: object 'nothing' not found"


async def test_what_pandoc_refuses_is_no_error_of_a_chunk(trial: Path) -> None:
    trial.write_text(HEAD.replace("{theme", "{includes: {in_header: absent.html}, theme") + "```{r late}\n1\n```\n")
    last = (await knit(trial))[-1]
    assert (last["state"], last["line"]) == ("failed", 0)
    assert last["message"].startswith("pandoc document conversion failed")
    assert "absent.html" in last["log"]
    assert trial.with_suffix(".html").read_text() == EARLIER


async def test_a_document_becomes_word(trial: Path) -> None:
    assert (await knit(trial, Format.WORD))[-1]["message"] == "trial.docx is ready."
    assert trial.with_suffix(".docx").read_bytes()[:2] == b"PK"
    assert trial.with_suffix(".html").read_text() == EARLIER


@pytest.mark.parametrize("head", ["", "output: pdf_document\n", "output: bookdown::pdf_document2\n"])
async def test_a_document_becomes_pdf_by_typst(trial: Path, typst: str, monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    monkeypatch.setenv("PATH", typst, prepend=os.pathsep)
    trial.write_text(
        f"---\ntitle: Trial\n{head}---\n\n# First\n\n```{{r one, fig.cap='Cars'}}\nplot(1)\n```\n\nBy @knuth.\n"
    )
    last = (await knit(trial, Format.OWN if head else Format.PDF))[-1]
    assert last["message"] == "trial.pdf is ready.", last["log"]
    assert trial.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")
    assert beside(trial) == ["trial.Rmd", "trial.html", "trial.pdf"]


def test_a_figure_is_found_by_its_whole_path_as_older_pandoc_writes_it(typst: str, tmp_path: Path) -> None:
    source, figure = tmp_path / "text/source.typ", tmp_path / "figures/one.svg"
    for file, text in {
        figure: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        source: f'#image("{figure}")',
    }.items():
        file.parent.mkdir()
        file.write_text(text)
    subprocess.run([f"{typst}/typst", "compile", source, tmp_path / "out.pdf"], check=True)


async def test_references_of_bookdown_are_numbers_in_a_pdf_and_citations_have_their_sources(
    trial: Path, typst: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", typst, prepend=os.pathsep)
    text = (DOCUMENTS[0].with_name("bookdown.Rmd")).read_text()
    head = "references:\n- {id: knuth, title: Literate Programming, author: [{family: Knuth}], issued: {year: 1984}}\n---\n\n# Cars"
    trial.write_text(text.replace("html_document2", "pdf_document2").replace("---\n\n# Cars", head) + "\nBy @knuth.\n")
    assert (await knit(trial))[-1]["message"] == "trial.pdf is ready."
    with pypdfium2.PdfDocument(trial.with_suffix(".pdf")) as pdf:
        words = " ".join(pdf[i].get_textpage().get_text_range() for i in range(len(pdf))).split()
    shown = " ".join(words)
    for part in (
        "See Figure 1.1, Table 1.1, equation (1.1), Section 1.1,",
        "Figure 1.1: A caption",
        "1.1 More",
        "By Knuth (1984).",
    ):
        assert part in shown, shown
    assert "Figure 1:" not in shown


@pytest.mark.parametrize("output_format", [Format.PDF, Format.OWN])
async def test_a_pdf_without_anything_that_typesets_is_one_sentence(trial: Path, output_format: Format) -> None:
    trial.write_text("---\noutput: pdf_document\n---\n")
    last = (await knit(trial, output_format))[-1]
    assert (last["state"], last["message"]) == (
        "failed",
        "a PDF needs LaTeX, or Typst with pandoc 3.1.2, and this server has neither; knit to HTML or Word, "
        "or ask the operator of this hub.",
    )


async def test_a_cancelled_knit_ends_at_once_and_leaves_everything_as_it_was(trial: Path) -> None:
    trial.write_text(HEAD + "```{r slow}\nSys.sleep(600)\n```\n")
    job = KnitJob(trial, Format.OWN)
    await job.start()
    while job.describe()["label"] != "slow":
        await job.wait_for_change(job.version, HANG_TIMEOUT)
    await job.cancel()
    assert (job.describe()["state"], job.describe()["message"]) == ("cancelled", "Knitting was cancelled.")
    assert trial.with_suffix(".html").read_text() == EARLIER
    assert beside(trial) == ["trial.Rmd", "trial.html"]


async def test_more_memory_than_the_server_has_is_an_error_of_the_chunk(
    trial: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEM_LIMIT", str(1 << 30))
    trial.write_text(HEAD + "```{r large}\nx <- numeric(2e8)\n```\n")
    last = (await knit(trial))[-1]["message"]
    assert last == "Error in chunk large, lines 7 to 9: cannot allocate vector of size 1.5 Gb"


async def test_an_r_that_ends_in_a_chunk_is_a_failure(trial: Path) -> None:
    trial.write_text(HEAD + "```{r}\nquit(save = 'no')\n```\n")
    last = (await knit(trial))[-1]
    assert (last["state"], last["message"]) == (
        "failed",
        "R has ended before the document was ready; its output says more.",
    )
    assert trial.with_suffix(".html").read_text() == EARLIER


async def test_files_that_belong_to_the_output_are_found_from_it(trial: Path) -> None:
    trial.write_text(HEAD.replace("{theme", "{self_contained: false, theme") + "```{r one}\nplot(1)\n```\n")
    for _ in range(2):
        assert (await knit(trial))[-1]["state"] == "done"
        (figure,) = re.findall(r'<img src="([^"]+)"', trial.with_suffix(".html").read_text())
        assert (trial.parent / figure).read_bytes().startswith(b"\x89PNG")
        assert beside(trial) == ["trial.Rmd", "trial.html", "trial_files"]


async def test_a_cached_chunk_has_its_figure_after_a_knit_that_failed_behind_it(trial: Path) -> None:
    cached = HEAD + "```{r one, cache=TRUE}\nplot(1); cat('run', file = 'runs', append = TRUE)\n```\n\n"
    trial.write_text(cached + "```{r}\nnothing\n```\n")
    assert (await knit(trial))[-1]["state"] == "failed"
    trial.write_text(cached)
    assert (await knit(trial))[-1]["state"] == "done"
    (figure,) = re.findall(r'<img src="data:image/png;base64,([^"]+)"', trial.with_suffix(".html").read_text())
    assert base64.b64decode(figure).startswith(b"\x89PNG")
    assert (trial.parent / "runs").read_text() == "run"
