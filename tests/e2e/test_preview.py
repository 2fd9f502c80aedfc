"""The live preview in JupyterLab: what the user sees beside the source while editing it."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import FrameLocator, Page, expect

from tests.e2e.test_workbench import serious_findings, use_theme
from tests.fixtures.browser import shoot
from tests.fixtures.hub import Client, Rc2

DOCUMENT = """---
title: Late flights
---

```{r setup}
limit <- 60
```

```{sql, connection="flights", output.var="late"}
SELECT dep_delay FROM flights WHERE year = 2013 AND month = 1
```

Of all flights in January, `r sum(late$dep_delay > limit, na.rm = TRUE)` left more than `r limit` minutes late.

```{r picture, fig.height=3}
hist(late$dep_delay)
```

```{r numbers}
sum(1:10)
```
"""


@pytest.fixture
async def preview(rc2: Rc2, client: Client, page: Page) -> AsyncIterator[FrameLocator]:
    """Alice's document as text with its preview beside it, and a database attached."""
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    assert (await client.start("alice", services=["flights"]))[0] == 201
    await use_theme(client, "JupyterLab Light")
    (rc2.home / "homes" / "alice" / "late.Rmd").write_text(DOCUMENT)
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab/tree/late.Rmd")
    await page.get_by_role("tabpanel", name="late.Rmd").get_by_role("button", name="Preview").click()
    yield page.frame_locator(".rc2-Preview iframe")
    await client.stop("alice")


async def edit(page: Page, line: str, new_text: str) -> None:
    """Replace a line of the source."""
    await page.locator(".cm-line", has_text=line).click()
    await page.keyboard.press("Home")
    await page.keyboard.press("Shift+End")
    await page.keyboard.insert_text(new_text)


async def test_an_edit_runs_the_chunks_that_it_changes_and_no_other(
    page: Page, preview: FrameLocator, client: Client
) -> None:
    status = page.locator(".rc2-Preview-status")
    await expect(status).to_contain_text("5 chunks ran")
    await expect(preview.get_by_role("heading", name="Late flights")).to_be_visible()
    await expect(preview.get_by_text("1821 left more than 60 minutes late.")).to_be_visible()
    await shoot(page, "preview")

    await edit(page, "limit <- 60", "limit <- 120")
    await expect(status).to_contain_text("2 chunks ran")
    await expect(status).to_contain_text("3 kept")
    await expect(preview.get_by_text("left more than 120 minutes late.")).to_be_visible()

    await edit(page, "sum(1:10)", "sum(1:10, nothing)")
    await expect(preview.get_by_text("object 'nothing' not found")).to_be_visible()
    await use_theme(client, "JupyterLab Dark")
    await page.reload()
    await expect(status).to_contain_text("Nothing had to run, 5 chunks kept.")
    await shoot(page, "preview-dark")
    assert await serious_findings(page, "rc2-preview-page:late.Rmd") == []


async def test_a_chunk_that_runs_is_stopped_by_the_user_or_by_an_edit_of_it(page: Page, preview: FrameLocator) -> None:
    status = page.locator(".rc2-Preview-status")
    await expect(status).to_contain_text("5 chunks ran")
    await edit(page, "sum(1:10)", "repeat Sys.sleep(0.1)")
    await expect(status).to_contain_text("```{r numbers} in line 19 runs…")
    await edit(page, "repeat Sys.sleep(0.1)", "sum(1:20)")
    await expect(preview.get_by_text("[1] 210")).to_be_visible()
    await edit(page, "sum(1:20)", "repeat Sys.sleep(0.2)")
    await expect(status).to_contain_text("runs…")
    await page.get_by_role("button", name="Stop").click()
    await expect(status).to_contain_text("The run was stopped; the next edit goes on with it.")
    await edit(page, "repeat Sys.sleep(0.2)", "quit()")
    await expect(status).to_contain_text("R has ended")
    await edit(page, "quit()", "sum(1:30)")
    await expect(preview.get_by_text("[1] 465")).to_be_visible()
    await page.get_by_role("button", name="Run Everything").click()
    await expect(status).to_contain_text("5 chunks ran")
