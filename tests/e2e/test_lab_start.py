"""The start of JupyterLab in a browser: from where its files come, what the launcher offers, and that nothing is missing."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from rc2hub.compute import lab_files
from tests.fixtures.browser import shoot
from tests.fixtures.hub import ROOT, Client, Rc2

SHARED = re.compile(r"/services/rc2-lab/[0-9a-f]{16}/(.+)")
MENUS = ["File", "Edit", "View", "Run", "Kernel", "Tabs", "Settings", "Help"]


class Log:
    """What a page has loaded, and what went wrong."""

    def __init__(self, page: Page) -> None:
        self.loaded: list[str] = []
        self.failed: list[str] = []
        page.on("response", lambda answer: (self.loaded if answer.status < 400 else self.failed).append(answer.url))
        page.on("console", lambda message: message.type == "error" and self.failed.append(message.text))
        page.on("pageerror", lambda error: self.failed.append(str(error)))


@pytest.fixture
async def started(rc2: Rc2, client: Client, page: Page) -> AsyncIterator[tuple[Page, Log]]:
    """Alice's JupyterLab with the launcher, in a new browser; flights are attached."""
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    assert (await client.start("alice", services=["flights"]))[0] == 201
    await page.goto(rc2.new_link("alice"))
    log = Log(page)
    await page.goto(f"{rc2.url}/user/alice/lab")
    await page.locator(".jp-LauncherCard").first.wait_for()
    yield page, log
    await client.stop("alice")


async def test_pages_before_the_login_have_the_browser_fetch_jupyterlab(client: Client) -> None:
    _, page = await client.call("GET", "/hub/login")
    assert '<script defer src="/services/rc2-lab/prefetch.js"></script>' in page
    status, script = await client.call("GET", "/services/rc2-lab/prefetch.js")
    assert status == 200
    assert '"static/main.' in script


async def test_the_page_has_the_files_of_all_servers_and_finds_every_one(started: tuple[Page, Log]) -> None:
    page, log = started
    await page.wait_for_load_state("networkidle")
    scripts = [url for url in log.loaded if re.search(r"\.js(\?|$)", url)]
    shared = [found[1] for url in scripts if (found := SHARED.search(url))]
    assert [url for url in scripts if not SHARED.search(url)] == []
    core = [name for name in shared if name.startswith("static/")]
    (new := ROOT / "build" / "first_page.json").parent.mkdir(exist_ok=True)
    new.write_text(json.dumps(core, indent=0) + "\n")
    assert sorted(core) == sorted(json.loads(lab_files.FIRST_PAGE.read_text())), f"copy {new} to {lab_files.FIRST_PAGE}"
    panels = [name.partition("?")[0] for name in shared if name.startswith("extensions/@rc2hub/")]
    assert sum((lab_files.files_folder() / f"{name}.gz").stat().st_size for name in panels) < 60_000
    assert log.failed == []


async def test_every_menu_and_the_launcher_have_what_users_of_r_need(started: tuple[Page, Log]) -> None:
    page, log = started
    cards = page.locator(".jp-LauncherCard")
    for place, title in enumerate(("R", "R Markdown", "Python 3 (ipykernel)")):
        await expect(cards.nth(place)).to_have_attribute("title", title)
    await expect(page.locator(".jp-LauncherCard[data-category='Console']").first).to_have_attribute("title", "R")
    await expect(cards.filter(has_text="Terminal")).to_be_visible()
    await expect(cards.filter(has_text="Examples in R")).to_be_visible()
    for name in MENUS:
        await page.get_by_role("menuitem", name=name, exact=True).click()
        assert await page.locator(".lm-Menu .lm-Menu-itemLabel").count() > 4, name
        await page.keyboard.press("Escape")
    await shoot(page, "launcher")
    assert log.failed == []


async def test_a_new_r_markdown_document_has_the_attached_services(rc2: Rc2, started: tuple[Page, Log]) -> None:
    page, log = started
    await page.locator(".jp-LauncherCard[title='R Markdown']").click()
    await expect(page.locator(".cm-content", has_text="rc2_connect")).to_contain_text('con <- rc2_connect("flights")')
    document = next((rc2.home / "homes/alice").glob("untitled*.Rmd"))
    assert "## Flights from New York" in document.read_text()
    await shoot(page, "r-markdown-new")
    Path(document).unlink()
    assert log.failed == []


async def test_the_file_of_a_link_opens_and_no_launcher_beside_it(rc2: Rc2, started: tuple[Page, Log]) -> None:
    page, _ = started
    (rc2.home / "homes/alice/a b.R").write_text("x <- 1")
    await page.goto(f"{rc2.url}/user/alice/lab/tree/a%20b.R?reset")
    await page.goto(f"{rc2.url}/user/alice/lab/tree/a%20b.R")
    await expect(page.locator(".cm-content", has_text="x <- 1")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert await page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab").count() == 1
