"""The wait of a user in a browser: from the click on Start to JupyterLab with an idle R kernel."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.fixtures.browser import FLAGS

OURS, THEIRS = ("/hub/spawn", "Start"), ("/hub/home", "Start My Server")
"""The page with the button and the button's label; JupyterHub shows no form if there is nothing to choose."""
PAGE_TIMEOUT = 90_000
"""Milliseconds."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        await browser.close()


async def idle_kernel(browser: Browser, url: str, username: str, button: tuple[str, str]) -> float:
    """Seconds from the click until a new R notebook, opened as soon as JupyterLab has loaded, shows that R is idle."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(PAGE_TIMEOUT)
    path, name = button
    await page.goto(f"{url}/hub/login?next={path}")
    await page.get_by_label("Username").fill(username)
    await page.get_by_label("Password").fill("any")
    await page.get_by_role("button", name="Sign in").click()
    start = page.get_by_role("button", name=name, exact=True)
    await start.wait_for()
    began = time.perf_counter()
    await start.click()
    await page.locator('.jp-LauncherCard[data-category="Notebook"][title^="R"]').first.click()
    await page.get_by_text("R | Idle").wait_for()
    took = time.perf_counter() - began
    await context.close()
    return took
