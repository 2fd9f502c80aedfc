"""R Markdown files that cannot be saved, or that another browser has saved: what the user sees, and that no edit is lost."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.fixtures.browser import open_as_notebook, open_page, shoot
from tests.fixtures.hub import Client, Rc2, until

TEXT = "---\ntitle: Trial\n---\n\nFirst line.\n\n```{r}\n1\n```\n"


@pytest.fixture
async def home(rc2: Rc2, client: Client) -> AsyncIterator[Path]:
    """The home of alice, whose server runs."""
    await client.create("alice")
    assert (await client.start("alice", services=[]))[0] == 201
    home = rc2.home / "homes" / "alice"
    for name in ("shared.Rmd", "given.Rmd"):
        (home / name).write_text(TEXT)
    yield home
    await client.stop("alice")


@pytest.fixture
def given(home: Path) -> Iterator[Path]:
    """A file that its user may not write; root may write every file that is not immutable."""
    file = home / "given.Rmd"
    file.chmod(0o444)
    if os.geteuid() == 0:
        subprocess.run(["chattr", "+i", file], check=True)
    yield file
    if os.geteuid() == 0:
        subprocess.run(["chattr", "-i", file], check=True)


async def write(page: Page, text: str) -> None:
    """Add a line at the end of the document in front."""
    await page.locator(".jp-FileEditor .cm-content").click()
    await page.keyboard.press("Control+End")
    await page.keyboard.insert_text(text)


async def test_an_edit_of_a_read_only_file_stays_and_is_saved_under_another_name(rc2: Rc2, given: Path, page: Page) -> None:
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab/tree/given.Rmd")
    await expect(page.get_by_text("file is read-only")).to_be_visible()
    await page.get_by_role("button", name="Knit").click()
    await expect(page.get_by_text("given.html is ready.")).to_be_visible()
    await page.get_by_role("tab", name="given.Rmd").click()
    await write(page, "Edited.\n")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text('given.Rmd is read-only. Use "Save as…" instead.')).to_be_visible()
    await page.get_by_role("button", name="Knit").click()
    await expect(page.get_by_text("given.Rmd is read-only; choose File, Save As, and knit that file.")).to_be_visible()
    await shoot(page, "read-only")
    await page.keyboard.press("Control+Shift+s")
    await page.get_by_role("dialog").get_by_role("textbox").fill("own.Rmd")
    await page.keyboard.press("Enter")
    await page.get_by_role("tab", name="own.Rmd").wait_for()
    assert (given.with_name("own.Rmd").read_text(), given.read_text()) == (TEXT + "Edited.\n", TEXT)


async def test_what_one_of_two_browsers_has_saved_is_not_overwritten_without_a_question(
    rc2: Rc2, home: Path, page: Page, browser: Browser
) -> None:
    file = home / "shared.Rmd"
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab")
    await open_as_notebook(page, "shared.Rmd")
    cell = page.locator(".jp-Notebook .jp-CodeCell .cm-content")
    await expect(cell).to_have_text("1")
    async with open_page(browser) as second:
        await second.goto(rc2.new_link("alice"))
        await second.goto(f"{rc2.url}/user/alice/lab/workspaces/second/tree/shared.Rmd")
        await write(second, "Of the second.\n")

        await cell.fill("2")
        await page.keyboard.press("Control+s")
        await until(lambda: has(file, TEXT.replace("1", "2")))
        await second.keyboard.press("Control+s")
        await expect(second.get_by_role("dialog")).to_contain_text('"shared.Rmd" has changed on disk since')
        await shoot(second, "two-browsers")
        await second.get_by_role("button", name="Cancel").click()
        await expect(second.get_by_text("Of the second.")).to_be_visible()
        assert file.read_text() == TEXT.replace("1", "2")
        await second.keyboard.press("Control+s")
        await second.get_by_role("button", name="Overwrite").click()
        await until(lambda: has(file, TEXT + "Of the second.\n"))

    await cell.fill("3")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_role("dialog")).to_contain_text('"shared.Rmd" has changed on disk since')
    await page.get_by_role("button", name="Revert").click()
    await expect(cell).to_have_text("1")
    await expect(page.locator(".jp-Notebook").get_by_role("paragraph")).to_have_text(["First line.", "Of the second."])
    assert file.read_text() == TEXT + "Of the second.\n"


async def has(file: Path, text: str) -> bool:
    return file.read_text() == text
