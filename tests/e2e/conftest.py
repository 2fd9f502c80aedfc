"""A browser page for these tests, and a JupyterLab. The tests share the users alice and bob."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.fixtures.hub import Client, Rc2
from tests.fixtures.lab import use_theme


@pytest.fixture
async def page(rc2: Rc2, client: Client, page: Page) -> AsyncIterator[Page]:
    """A page of a user who has not logged in yet, and whose JupyterLab does not open again what another test left open."""
    for workspaces in rc2.home.glob("homes/*/.jupyter/lab/workspaces"):
        shutil.rmtree(workspaces)
    yield page
    for user in ("alice", "bob"):  # the server of a test that failed
        await client.stop(user)


@pytest.fixture
async def lab(rc2: Rc2, client: Client, page: Page) -> AsyncIterator[Page]:
    """Alice's JupyterLab with a new R notebook; no service is attached."""
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    assert (await client.start("alice", services=[]))[0] == 201
    await use_theme(client, "JupyterLab Light")
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab")
    cards = page.locator(".jp-Launcher-section", has_text="Notebook").locator(".jp-LauncherCard")
    await expect(cards.first).to_have_attribute("title", "R")
    await cards.first.click()
    await page.get_by_text("R | Idle").wait_for()
    yield page
    await client.stop("alice")
