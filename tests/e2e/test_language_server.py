"""The language server of R in a script, as a user meets it in JupyterLab."""

from pathlib import Path

from playwright.async_api import Page, expect

from tests.fixtures.browser import serious_findings, shoot
from tests.fixtures.hub import Client, Rc2
from tests.fixtures.lab import use_theme

SCRIPT = 'speeds=subset(cars,speed>20)\nspeed.limit<-120\nif (speed.limit == NA) message("none")\n'
DOCUMENT = """Text is not code: speed == NA

```{r known}
(speed.known <- 100)
```

```{r limits}
speed.limit <- 120
if (speed.limit == NA) message("none")

```
"""
WARNING = ".cm-lintRange-warning"


async def test_code_is_checked_formatted_and_renamed(rc2: Rc2, client: Client, page: Page) -> None:
    home = Path(rc2.home / "homes/alice")
    await client.create("alice")
    assert (await client.start("alice", services=[]))[0] == 201
    await use_theme(client, "JupyterLab Light")
    (home / "limits.R").write_text(SCRIPT)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.on("websocket", lambda socket: loaded.append(socket.url))
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab")
    await page.locator(".jp-LauncherCard").first.wait_for()
    await page.wait_for_load_state("networkidle")
    before = set(loaded)
    await page.goto(f"{rc2.url}/user/alice/lab/tree/limits.R")
    script = page.locator(".rc2-Script .cm-content")
    await expect(script.locator(WARNING)).to_have_text("speed.limit == NA")
    assert not any("language-server" in url for url in before)
    assert any("language-server" in url for url in loaded)
    await problems_have_words(page)
    await script.click()
    await page.keyboard.press("Control+Shift+A")
    await expect(script).to_contain_text("speeds = subset(cars, speed > 20)")
    await page.keyboard.press("Control+z")
    await expect(script).to_contain_text(
        'speeds=subset(cars,speed>20)speed.limit<-120if (speed.limit == NA) message("none")'
    )
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("F2")
    await page.get_by_label("New name").fill("speed.maximum")
    await page.keyboard.press("Enter")
    await expect(script).to_contain_text("speed.maximum<-120if (speed.maximum == NA)")
    await client.stop("alice")


async def test_the_code_of_an_r_markdown_document_is_checked_and_its_names_come_after_those_of_r(
    rc2: Rc2, client: Client, page: Page
) -> None:
    await client.create("alice")
    assert (await client.start("alice", services=[]))[0] == 201
    await use_theme(client, "JupyterLab Dark")
    (rc2.home / "homes/alice/limits.Rmd").write_text(DOCUMENT)
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab/tree/limits.Rmd")
    await expect(page.locator(WARNING)).to_have_text("speed.limit == NA")
    await page.get_by_text("speed.known <- 100").click()
    await page.keyboard.press("Control+Shift+Enter")
    await expect(page.get_by_role("group", name="Output of chunk known", exact=True)).to_contain_text("100")
    await page.get_by_text("message").click()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.insert_text("speed.")
    await page.keyboard.press("Tab")
    await expect(page.locator(".jp-Completer:visible .jp-Completer-match")).to_have_text(["speed.known", "speed.limit"])
    await shoot(page, "language-server-names")
    await page.locator(".jp-Completer-item", has_text="speed.limit").click()
    await page.keyboard.press("Shift+F8")
    await expect(page.locator(".cm-panel-lint").get_by_role("option")).to_have_count(1)
    await expect(page.locator(".cm-panel-lint")).to_contain_text("equals-na")
    await page.evaluate("document.querySelector('.jp-FileEditor').id = 'source'")
    assert await serious_findings(page, "source") == []
    await shoot(page, "language-server-dark")
    await client.stop("alice")


async def problems_have_words(page: Page) -> None:
    await page.locator(".rc2-Script .cm-content").click()
    await page.keyboard.press("F8")
    await expect(page.locator(".cm-tooltip")).to_contain_text("is.na()")
    await page.keyboard.press("Shift+F8")
    panel = page.locator(".cm-panel-lint")
    await expect(panel.get_by_role("option")).to_contain_text("equals-na")
    await page.evaluate("document.querySelector('.rc2-Script .jp-FileEditor').id = 'script'")
    assert await serious_findings(page, "script") == []
    await shoot(page, "language-server")
    await panel.get_by_role("listbox").press("Escape")
    await expect(panel).to_have_count(0)
