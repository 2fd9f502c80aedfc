"""The live preview in JupyterLab: what the user sees beside the source while editing it."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import FrameLocator, Page, expect

from tests.fixtures.browser import reload, serious_findings, shoot
from tests.fixtures.hub import Client, Rc2
from tests.fixtures.lab import LATE_FLIGHTS, edit_line, use_theme


@pytest.fixture
async def preview(rc2: Rc2, client: Client, page: Page) -> AsyncIterator[FrameLocator]:
    """Alice's document as text with its preview beside it, and a database attached."""
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    assert (await client.start("alice", services=["flights"]))[0] == 201
    await use_theme(client, "JupyterLab Light")
    home = rc2.home / "homes" / "alice"
    (home / "late.Rmd").write_text(LATE_FLIGHTS)
    shutil.rmtree(home / ".cache" / "rc2", ignore_errors=True)  # results of another test
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab/tree/late.Rmd")
    await page.get_by_role("tabpanel", name="late.Rmd").get_by_role("button", name="Preview").click()
    yield page.frame_locator(".rc2-Preview iframe")
    await client.stop("alice")


async def colours(preview: FrameLocator, block: str, keyword: str) -> list[str]:
    """The colour of a keyword in a block of code, and that of its other text."""
    span = preview.locator(f"{block} span", has_text=keyword)
    return await span.evaluate("span => [span, span.closest('pre')].map(element => getComputedStyle(element).color)")


async def test_an_edit_runs_the_chunks_that_it_changes_and_no_other(
    page: Page, preview: FrameLocator, client: Client
) -> None:
    status = page.locator(".rc2-Preview-status")
    await expect(status).to_contain_text("5 chunks ran")
    await expect(preview.get_by_role("heading", name="Late flights")).to_be_visible()
    await expect(preview.get_by_text("1821 left more than 60 minutes late.")).to_be_visible()
    assert await colours(preview, "pre.sql", "SELECT") == ["rgb(0, 128, 0)", "rgba(0, 0, 0, 0.87)"]
    await shoot(page, "preview")

    await edit_line(page, "limit <- 60", "limit <- 120")
    await expect(status).to_contain_text("2 chunks ran")
    await expect(status).to_contain_text("3 kept")
    await expect(preview.get_by_text("left more than 120 minutes late.")).to_be_visible()

    await edit_line(page, "sum(1:10)", "sum(1:10, nothing)")
    await expect(preview.get_by_text("object 'nothing' not found")).to_be_visible()
    await use_theme(client, "JupyterLab Dark")
    await reload(page)
    await expect(status).to_contain_text("Nothing had to run, 5 chunks kept.")
    assert len({*await colours(preview, "pre.sql", "SELECT")}) == 2
    await shoot(page, "preview-dark")
    assert await serious_findings(page, "rc2-preview-page:late.Rmd") == []


async def test_a_chunk_that_runs_is_stopped_by_the_user_or_by_an_edit_of_it(page: Page, preview: FrameLocator) -> None:
    status = page.locator(".rc2-Preview-status")
    await expect(status).to_contain_text("5 chunks ran")
    await edit_line(page, "sum(1:10)", "repeat Sys.sleep(0.1)")
    await expect(status).to_contain_text("```{r numbers} in line 19 runs…")
    await edit_line(page, "repeat Sys.sleep(0.1)", "sum(1:20)")
    await expect(preview.get_by_text("[1] 210")).to_be_visible()
    await edit_line(page, "sum(1:20)", "repeat Sys.sleep(0.2)")
    await expect(status).to_contain_text("runs…")
    await page.get_by_role("button", name="Stop").click()
    await expect(status).to_contain_text("The run was stopped; the next edit goes on with it.")
    await edit_line(page, "repeat Sys.sleep(0.2)", "quit()")
    await expect(status).to_contain_text("R has ended")
    await edit_line(page, "quit()", "sum(1:30)")
    await expect(preview.get_by_text("[1] 465")).to_be_visible()
    await page.get_by_role("button", name="Run Everything").click()
    await expect(status).to_contain_text("5 chunks ran")
