"""bookdown's numbers and references in the preview; bookdown itself is the judge."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.compute.rmarkdown.test_document import DOCUMENTS
from tests.compute.rmarkdown.test_preview import previewed

BOOKDOWN = DOCUMENTS[0].with_name("bookdown.Rmd")


class Reader(HTMLParser):
    """What a reader sees, and where links lead: words, and the targets of links and the places that they lead to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.links += [values["href"] or ""] if tag == "a" else []
        self.places |= {values["id"] or ""} if "id" in values else set()

    def handle_data(self, data: str) -> None:
        self.words += data.split()


@pytest.mark.parametrize("numbered", ["", "{number_sections: false}"])
async def test_numbers_and_references_are_those_that_bookdown_makes(tmp_path: Path, numbered: str) -> None:
    document = tmp_path / "report.Rmd"
    text = BOOKDOWN.read_text().replace("bookdown::html_document2", f"{{bookdown::html_document2: {numbered or 'default'}}}")
    document.write_text(text)
    async with previewed(document) as (preview, page):
        preview.edit(text)
        shown = Reader(without_mathematics(await page.settled()))
        assert page.last["note"] == ""
        preview.edit(text.replace("# Cars", "# First\n\n# Cars"))
        assert ("Figure 2.1:" in await page.settled()) != bool(numbered)
        assert page.last["ran"] == 0
    call = f"rmarkdown::render({json.dumps(document.name)}, quiet = TRUE)"
    subprocess.run(["Rscript", "-e", call], cwd=tmp_path, check=True, capture_output=True)
    body = document.with_suffix(".html").read_text().partition("</h1>\n")[2].partition('<div id="cars"')
    rendered = Reader(without_mathematics(body[1] + body[2].partition("<script")[0]))
    assert shown.words[shown.words.index("references") + 1 :] == rendered.words
    assert shown.links == rendered.links
    assert {link[1:] for link in shown.links} - shown.places == {"fig:nothing"}


def without_mathematics(html: str) -> str:
    """The number of an equation alone: bookdown leaves TeX to the browser."""
    html = re.sub(r'<math\b.*?(<mtext id="eq.*?</mtext>).*?</math>', r"\1", html, flags=re.DOTALL)
    tex = re.compile(r'<span class="math display"( id="[^"]+")?>.*?\\tag\{(.+?)\}.*?</span>', re.DOTALL)
    return tex.sub(r"<span\1>(\2)</span>", html)
