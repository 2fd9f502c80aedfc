"""Knit in JupyterLab: a document with a shared service, an error in a chunk, and a job that outlives its page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.fixtures.browser import open_as_notebook, reload, shoot
from tests.fixtures.hub import Client, Rc2
from tests.fixtures.lab import give_command, has_keyboard, use_theme

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
PAPER = """---
title: Stopping distances
---

```{r distances, fig.cap="Speed and distance"}
plot(cars)
```

They grow with the *square* of $v$.
"""
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
    document = page.get_by_role("tabpanel", name=name)
    await has_keyboard(document.get_by_role("textbox", name="Source of the document"))
    return document.get_by_role("button", name="Knit")


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
    await page.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("tabpanel", name="Preview of report.Rmd").frame_locator("iframe")
    await expect(preview.get_by_text("counted 336776 flights")).to_be_visible()
    await expect(page.locator(".jp-HTMLViewer")).to_be_hidden()
    await expect(page.locator(".lm-DockPanel-tabBar")).to_have_count(2)  # the document, and what becomes of it
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
    await reload(page)
    await expect(progress).to_be_visible()
    (home / "go").touch()
    await expect(page.get_by_text("waiting.html is ready.")).to_be_visible()
    assert (home / "waiting.html").exists()


async def test_a_user_knits_a_pdf_with_the_keyboard_alone_from_the_login_on(
    rc2: Rc2, client: Client, page: Page, typst: str
) -> None:
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    home = rc2.home / "homes" / "alice"
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/hub/spawn")
    await tab_to(page, page.get_by_role("button", name="Start"))
    client.started.add(("alice", ""))
    await page.keyboard.press("Enter")
    await page.get_by_role("tab", name="Launcher").wait_for()
    (home / ".Rprofile").write_text(f'Sys.setenv(PATH = paste("{typst}", Sys.getenv("PATH"), sep = ":"))\n')
    (home / "paper.Rmd").write_text(PAPER)
    await give_command(page, "Open from Path")
    await has_keyboard(page.get_by_role("dialog").get_by_role("textbox"))
    await page.keyboard.type("paper.Rmd")
    await page.keyboard.press("Enter")
    # the last of the document to appear
    await expect(page.get_by_role("button", name="Run chunk distances")).to_be_visible()
    await has_keyboard(page.get_by_role("textbox", name="Source of the document"))
    await give_command(page, "Knit to PDF")
    await expect(page.get_by_text("paper.pdf is ready.")).to_be_visible()
    await expect(page.get_by_role("tab", name="paper.pdf")).to_be_visible()
    await page.locator(".jp-PDFContainer").wait_for()
    await shoot(page, "knit-pdf")
    assert (home / "paper.pdf").read_bytes().startswith(b"%PDF-")
    (home / ".Rprofile").unlink()
    await client.stop("alice")


async def tab_to(page: Page, place: Locator) -> None:
    """Press Tab until this has the keyboard."""
    await place.wait_for()
    for _ in range(60):
        if await place.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError("Tab does not come to it")
