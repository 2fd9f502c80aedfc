"""Each example runs completely on the real services."""

import re

import nbformat

from rc2hub.compute.rmarkdown.cells import to_cells
from tests.fixtures.hub import ROOT, Client, Rc2


async def test_flights_knits_to_html(rc2: Rc2, client: Client, username: str):
    rc2.groups(alice=["analysts"], bob=[], **{username: ["analysts"]})
    await client.create(username)
    await client.start(username, services=["flights"])
    async with client.kernel(username) as r:
        await r.run('rmarkdown::render("examples/flights.Rmd", quiet = TRUE, envir = new.env())')
    await client.stop(username)
    page = (rc2.home / "homes" / username / "examples" / "flights.html").read_text()
    assert "336 776 flights" in page
    assert "data:image/png;base64" in page


async def test_slump_knits_to_html_and_r_and_spark_agree(rc2: Rc2, client: Client, username: str):
    rc2.groups(alice=["analysts"], bob=[], **{username: ["analysts"]})
    await client.create(username)
    await client.start(username, services=["flights", "spark"])
    async with client.kernel(username) as r:
        await r.run('rmarkdown::render("examples/slump.Rmd", quiet = TRUE, envir = new.env())')
    await client.stop(username)
    page = (rc2.home / "homes" / username / "examples" / "slump.html").read_text()
    assert "R and Spark agree on all 16 coefficients." in page
    assert "336 776 flights in four seasons; the latest is summer" in page


def test_notebook_and_rmarkdown_have_the_same_content():
    notebook = nbformat.read(ROOT / "examples" / "flights.ipynb", as_version=4)
    markdown = to_cells((ROOT / "examples" / "flights.Rmd").read_text())
    sources = [re.sub("^%%.*\n", "", cell["source"]) for cell in markdown]  # what stands in the braces of the chunks
    assert [cell.source for cell in notebook.cells] == sources
    assert not any(cell.get("outputs") for cell in notebook.cells)
