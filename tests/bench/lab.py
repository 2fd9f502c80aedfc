"""The wait of a user in a browser: from the click on Start to JupyterLab with an idle R kernel, and to the first output.

A profile of Chromium is a folder; a new one is the browser of a first visit, one that is kept has the caches of the last visit.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Page, async_playwright

from tests.fixtures.browser import FLAGS

OURS, THEIRS = ("/hub/spawn", "Start"), ("/hub/home", "Start My Server")
"""The page with the button and the button's label; JupyterHub shows no form if there is nothing to choose."""
SLOW_NETWORK = {"offline": False, "latency": 20, "downloadThroughput": 10e6 / 8, "uploadThroughput": 10e6 / 8}
"""10 Mbit/s and 20 ms, as Chromium's developer tools imitate them; websockets are not slowed down."""
READING_TIME = 2.0
"""Seconds between the page with the button and the click, on both sides: what the user needs to see it."""
PAGE_TIMEOUT = 240_000
"""Milliseconds."""
R_CARD = '.jp-LauncherCard[data-category="Notebook"][title^="R"]'


class Wait(NamedTuple):
    """Seconds since the click on Start."""

    launcher: float
    """The launcher offers R."""
    idle: float
    """A notebook that is opened from it at once shows that R is idle."""
    output: float
    """The first cell, typed and run as soon as R is idle, shows its result; JupyterLab may lose a cell that is run before."""


class Site(NamedTuple):
    """A hub, and the way of a user to the button that starts the server."""

    log_in: Callable[[Page], Awaitable[None]]
    """It ends on the page with the button."""
    button: str


def password_site(url: str, username: str, path: str, button: str) -> Site:
    """A hub whose users log in with a name and any password."""

    async def log_in(page: Page) -> None:
        await page.goto(f"{url}{path}")
        if "/hub/login" in page.url:  # a profile that is kept is logged in already
            await page.get_by_label("Username").fill(username)
            await page.get_by_label("Password").fill("any")
            await page.get_by_role("button", name="Sign in").click()

    return Site(log_in, button)


@asynccontextmanager
async def chromium(profile: Path, network: dict[str, Any] | None = None) -> AsyncIterator[Page]:
    """A page of Debian's Chromium with this profile."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path="/usr/bin/chromium", args=FLAGS, viewport={"width": 1280, "height": 900}
        )
        page = context.pages[0]
        page.set_default_timeout(PAGE_TIMEOUT)
        if network:
            session = await context.new_cdp_session(page)
            await session.send("Network.enable")
            await session.send("Network.emulateNetworkConditions", network)
        yield page
        await context.close()


async def wait_of_user(page: Page, site: Site) -> Wait:
    """Log in, start the server, and run the first cell of a new R notebook as soon as the page allows each step."""
    await site.log_in(page)
    start = page.get_by_role("button", name=site.button, exact=True)
    await start.wait_for()
    await asyncio.sleep(READING_TIME)
    began = time.perf_counter()
    await start.click()
    card = page.locator(R_CARD).first
    await card.wait_for()
    launcher = time.perf_counter() - began
    await card.click()
    await page.get_by_text("R | Idle").wait_for()
    idle = time.perf_counter() - began
    await page.locator(".jp-Notebook .jp-mod-active .cm-content").focus()
    await page.keyboard.insert_text("6 * 7")
    await page.keyboard.press("Shift+Enter")
    await page.locator(".jp-Notebook .jp-OutputArea-output", has_text="42").wait_for()
    return Wait(launcher, idle, time.perf_counter() - began)
