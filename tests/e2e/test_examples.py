"""The examples: every document runs from one login on the real services, and its table of results holds plain R's numbers."""

import re
import shutil
import time
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import nbformat
import pytest

from rc2hub.compute.rmarkdown.cells import to_cells
from tests.fixtures.hub import ROOT, Client, Rc2

EXAMPLES = ROOT / "examples"
COURSE = sorted(path.name for path in EXAMPLES.glob("[0-9]*.Rmd"))
RENDERED = ROOT / "build" / "examples"
"""The documents as HTML, and results.txt with a line for each; `make examples` prints it."""
EXACT = 1e-6
"""The relative difference of two numbers that are computed in the same way; tables have seven digits."""
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
        shutil.copytree(EXAMPLES, rc2.home / "homes" / "alice" / "examples", dirs_exist_ok=True)
        yield client
        await client.stop("alice")


async def knit(client: Client, document: Path) -> str:
    """Knit a document of alice's examples as the button Knit does; return the HTML, which build/examples keeps."""
    address = f"/user/alice/rc2/knit/examples/{document.name}"
    status, job = await client.call("POST", address, json={"format": "own"})
    assert status == 201, job
    while job["state"] == "running":
        _, job = await client.call("GET", f"{address}?version={job['version']}")
    assert job["state"] == "done", f"{job['message']}\n{job['log']}"
    rendered = document.with_suffix(".html")
    shutil.copy(rendered, RENDERED)
    return rendered.read_text()


def results(page: str) -> dict[str, tuple[float, float]]:
    """The last table of a page: the name of each row to the number of the service and that of R."""
    rows = re.findall(r"<tr.*?</tr>", page[page.rindex("<table") :], re.DOTALL)
    cells = ([unescape(re.sub("<.*?>", "", cell)).strip() for cell in re.findall(r"<td.*?</td>", row)] for row in rows)
    return {row[0]: (float(row[1].replace(" ", "")), float(row[2].replace(" ", ""))) for row in cells if row}


def difference(one: float, other: float) -> float:
    """The relative difference of two numbers."""
    return abs(one - other) / max(abs(one), abs(other), EXACT)


@pytest.mark.parametrize("name", COURSE)
async def test_a_document_of_the_course_and_its_solutions_run_and_its_numbers_are_those_of_r(
    rc2: Rc2, login: Client, name: str
):
    document = rc2.home / "homes" / "alice" / "examples" / name
    document.write_text(re.sub("^```r$", "```{r}", document.read_text(), flags=re.MULTILINE))  # the solutions are run too
    begin = time.monotonic()
    page = await knit(login, document)
    seconds = time.monotonic() - begin
    found = {row: difference(*numbers) for row, numbers in results(page).items()}
    with (RENDERED / "results.txt").open("a") as file:
        file.write(f"| {name} | {seconds:.0f} | {len(found)} | {max(found.values()):.0e} |\n")
    assert len(found) >= 5
    assert {row: value for row, value in found.items() if value > EXACT} == {}
    assert "data:image/png;base64" in page


async def test_flights_knits_to_html(rc2: Rc2, login: Client):
    page = await knit(login, rc2.home / "homes" / "alice" / "examples" / "flights.Rmd")
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
