"""The examples: every document runs from one login on the real services, and its table of results holds plain R's numbers."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import nbformat
import pytest

from rc2hub.compute.rmarkdown.cells import to_cells
from tests.fixtures.course import COURSE, EXAMPLES, RENDERED, check_document, knit, upload
from tests.fixtures.hub import Client, Rc2

STORES = "13-stores.Rmd"
"""It needs HDFS and Hive, and runs in tests/local/test_hive.py."""
LARGEST_PICTURE = 40 << 10
"""Bytes of a picture in the index."""


@pytest.fixture(scope="module")
async def login(rc2: Rc2) -> AsyncIterator[Client]:
    """A client of alice's server with both services, whose home has the examples as the repository has them."""
    rc2.groups(alice=["analysts"], bob=[])
    RENDERED.mkdir(parents=True, exist_ok=True)
    (RENDERED / "results.txt").write_text("| document | seconds | numbers | largest difference |\n|---|---|---|---|\n")
    async with rc2.client() as client:
        await client.create("alice")
        assert (await client.start("alice", services=["flights", "spark"]))[0] == 201
        await upload(client, "alice", [*EXAMPLES.glob("*.Rmd"), *EXAMPLES.glob("data/*.csv")])
        yield client
        await client.stop("alice")


@pytest.mark.parametrize("name", [name for name in COURSE if name != STORES])
async def test_a_document_of_the_course_and_its_solutions_run_and_its_numbers_are_those_of_r(login: Client, name: str):
    await check_document(login, "alice", name)


async def test_flights_knits_to_html(login: Client):
    page = await knit(login, "alice", "flights.Rmd")
    assert "336 776 flights" in page
    assert "data:image/png;base64" in page


@pytest.mark.parametrize("name", COURSE)
def test_a_document_says_what_it_needs_and_has_exercises_with_folded_solutions(name: str):
    text = (EXAMPLES / name).read_text()
    body = text.split("---\n", 2)[2].split()
    needs, takes = body.index("**Needs**"), body.index("**Takes**")
    assert needs == 0
    assert re.fullmatch(r"\d+ minutes to work through, \d+ seconds to knit\.", " ".join(body[takes + 1 : takes + 10]))
    exercises = re.search(r"## Exercises\n\n(.*?)\n\n<details>", text, re.DOTALL)
    assert exercises is not None
    solutions = re.findall(r"<details>\n<summary>Solution of (\d)</summary>\n\n```r\n", text)
    assert solutions == re.findall(r"^(\d)\. ", exercises[1], re.MULTILINE)


def test_the_index_has_every_document_with_a_small_picture():
    index = (EXAMPLES / "README.md").read_text()
    assert re.findall(r"\]\(([\w-]+\.Rmd)\)", index) == [*COURSE, "flights.Rmd"]
    pictures = {EXAMPLES / name for name in re.findall(r"!\[[^]]+\]\(([\w./-]+)\)", index)}
    assert pictures == {EXAMPLES / "pictures" / f"{Path(name).stem}.png" for name in COURSE}
    assert all(0 < picture.stat().st_size <= LARGEST_PICTURE for picture in pictures)


def test_notebook_and_rmarkdown_have_the_same_content():
    notebook = nbformat.read(EXAMPLES / "flights.ipynb", as_version=4)
    markdown = to_cells((EXAMPLES / "flights.Rmd").read_text())
    sources = [re.sub("^%%.*\n", "", cell["source"]) for cell in markdown]  # what stands in the braces of the chunks
    assert [cell.source for cell in notebook.cells] == sources
    assert not any(cell.get("outputs") for cell in notebook.cells)
