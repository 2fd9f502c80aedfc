"""Knit in JupyterLab: a document with a shared service, an error in a chunk, and a job that outlives its page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.test_workbench import use_theme
from tests.fixtures.browser import open_as_notebook, shoot
from tests.fixtures.hub import Client, Rc2

REPORT = """---
title: Late flights
output:
  html_document: {theme: null, mathjax: null}
---

```{sql, connection="flights", output.var="late"}
SELECT count(*)::int AS n FROM flights WHERE year = 2013
```

```{r counted}
cat("counted", late$n, "flights")
```
"""
FAILING = REPORT.replace("cat(", "cot(")
WAITING = "```{r waits}\nwhile (!file.exists('go')) Sys.sleep(0.1)\n```\n"


@pytest.fixture
async def home(rc2: Rc2, client: Client, page: Page) -> AsyncIterator[Path]:
    """Alice's home, with JupyterLab open and a database attached."""
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    assert (await client.start("alice", services=["flights"]))[0] == 201
    await use_theme(client, "JupyterLab Light")
    home = rc2.home / "homes" / "alice"
    for name, text in {"report": REPORT, "failing": FAILING, "waiting": WAITING}.items():
        (home / f"{name}.Rmd").write_text(text)
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab")
    yield home
    await client.stop("alice")


async def open_text(page: Page, name: str) -> Locator:
    """Open a document as text; return its button Knit."""
    await page.get_by_role("listitem", name=f"Name: {name}").dblclick()
    button = page.get_by_role("tabpanel", name=name).get_by_role("button", name="Knit")
    await button.wait_for()
    return button


async def test_a_user_knits_a_document_with_a_service_and_sees_errors_at_their_chunk(home: Path, page: Page) -> None:
    await open_text(page, "report.Rmd")
    await page.locator(".cm-content", has_text="Late flights").click()
    await page.keyboard.press("Control+End")
    await page.keyboard.insert_text("\nWritten at last.\n")
    await page.keyboard.press("Control+Shift+K")
    await expect(page.get_by_text("report.html is ready.")).to_be_visible()
    shown = page.frame_locator(".jp-HTMLViewer iframe")
    await expect(shown.get_by_text("counted 336776 flights")).to_be_visible()
    await expect(shown.get_by_text("Written at last.")).to_be_visible()
    await shoot(page, "knit-html")
    assert "Written at last." in (home / "report.Rmd").read_text()

    await (await open_text(page, "failing.Rmd")).press("Enter")
    await expect(page.get_by_text("Error in chunk counted, lines 11 to 13")).to_be_visible()
    await shoot(page, "knit-error")
    await page.get_by_role("button", name="Show Output").click()
    await expect(page.get_by_role("region", name="Output of R")).to_contain_text("Quitting from lines")
    await expect(page.get_by_role("dialog")).to_contain_text('could not find function "cot"')
    await shoot(page, "knit-output")
    await page.get_by_role("button", name="Close", exact=True).click()


async def test_a_job_goes_on_when_the_page_is_closed_and_is_seen_again(home: Path, page: Page) -> None:
    await open_as_notebook(page, "waiting.Rmd")
    await page.get_by_role("button", name="Knit").click()
    progress = page.get_by_text("Knit waiting.Rmd: Chunk 1 of 1: waits")
    await expect(progress).to_be_visible()
    await shoot(page, "knit-progress")
    await page.reload()
    await expect(progress).to_be_visible()
    (home / "go").touch()
    await expect(page.get_by_text("waiting.html is ready.")).to_be_visible()
    assert (home / "waiting.html").exists()
