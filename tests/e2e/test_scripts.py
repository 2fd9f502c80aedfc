"""A script of R beside its console: statements run where they are written, as in RStudio."""

from pathlib import Path

from playwright.async_api import Page, expect

from tests.fixtures.browser import shoot
from tests.fixtures.hub import Client, Rc2
from tests.fixtures.lab import choose, open_panel


async def test_statements_of_a_script_run_in_a_console_below_it(rc2: Rc2, client: Client, page: Page) -> None:
    await client.create("alice")
    assert (await client.start("alice", services=[]))[0] == 201
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab")
    await page.locator(".jp-LauncherCard", has_text="R File").click()
    script, console = page.locator(".rc2-Script .cm-content"), page.locator(".jp-CodeConsole")
    await script.click()
    await page.keyboard.insert_text("speeds <- subset(\n  cars,\n  speed > 20)\n\ncat('rows:', nrow(speeds))\n")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Control+Enter")
    await page.keyboard.press("Shift+Enter")
    await expect(console).to_contain_text("rows: 7")
    panel = await open_panel(page, "Variables of R", "Environment")
    await expect(panel.get_by_role("row", name="speeds")).to_contain_text("7 × 2")
    await shoot(page, "script")
    await script.click()
    await page.keyboard.press("Control+End")
    await page.keyboard.insert_text("all_done <- TRUE")
    await page.get_by_role("button", name="Source").click()
    await expect(console).to_contain_text("all_done <- TRUE")
    await expect(panel.get_by_role("row", name="all_done")).to_contain_text("TRUE")
    assert "all_done" in Path(rc2.home / "homes/alice/untitled.r").read_text()
    await choose(page, "Kernel", "Restart R…")
    await page.get_by_role("button", name="Confirm Kernel Restart").click()
    await expect(panel.get_by_role("row", name="speeds")).to_have_count(0)
    await expect(panel).to_contain_text("R has no variables.")
    await client.stop("alice")
