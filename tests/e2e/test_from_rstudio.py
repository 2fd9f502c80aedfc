"""An hour of a user of RStudio: each habit in the table of docs/from-rstudio.md, in one sitting, or the test that has it."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.fixtures.browser import shoot
from tests.fixtures.hub import ROOT, Client, Rc2
from tests.fixtures.lab import FLIGHTS, choose, open_panel, repository

GUIDE = ROOT / "docs/from-rstudio.md"
REPORT = "---\ntitle: Report\noutput:\n  html_document: {theme: null, mathjax: null}\n---\n\n```{r sums}\nsumm(1:3)\n```\n"
MENDED = "The mean is `r mean(1:3)`."
# What another test does at length, and what none does.
ELSEWHERE = {
    "tests/e2e/test_rmarkdown.py": (
        "write R Markdown, and see what a chunk gives below it",
        "run a chunk, all chunks above, all chunks",
        "insert a chunk with Ctrl+Alt+I",
        "go to a heading",
        "open a notebook",
    ),
    "tests/e2e/test_language_server.py": (
        "see diagnostics of code while you write",
        "reformat code with Ctrl+Shift+A",
        "rename in scope",
        "go to the definition of a function with F2",
    ),
    "tests/e2e/test_preview.py": ("see the result while you write",),
    "tests/compute/rmarkdown": ("use parameters, citations, child documents, SQL and Python chunks",),
    "tests/compute/rmarkdown/documents/widgets.Rmd": ("widgets (plotly, DT)",),
    "tests/cluster/test_login.py": ("come back tomorrow",),
}


class Guide:
    """The table of the guide; each habit is done once."""

    def __init__(self) -> None:
        rows = re.findall(r"^\| (.+?) \| (.+?) \|$", GUIDE.read_text(), re.MULTILINE)[1:]
        self.missing = {habit for habit, here in rows if not here.startswith("not")}

    @contextmanager
    def habit(self, name: str) -> Iterator[None]:
        assert name in self.missing, f"not in the table: {name}"
        yield
        self.missing.remove(name)


@pytest.fixture
async def project(rc2: Rc2, client: Client, page: Page) -> AsyncIterator[Path]:
    """A folder of Alice's with a document, in JupyterLab."""
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    assert (await client.start("alice", services=["flights"]))[0] == 201
    folder = Path(rc2.home / "homes/alice/project")
    folder.mkdir()
    (folder / "report.Rmd").write_text(REPORT)
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/user/alice/lab")
    yield folder
    await client.stop("alice")


async def test_an_hour_of_a_user_of_rstudio(project: Path, page: Page, tmp_path: Path) -> None:
    guide = Guide()
    await write_and_run_a_script(guide, project, page)
    await edit_the_script(guide, page)
    await look_at_data(guide, page)
    await look_at_plots_and_help(guide, page)
    await use_packages_and_variables(guide, page, tmp_path)
    await use_services(guide, page)
    await use_git_knit_and_settings(guide, project, page)
    elsewhere = {habit for habits in ELSEWHERE.values() for habit in habits}
    assert guide.missing == elsewhere


def script_of(page: Page) -> Locator:
    return page.locator(".rc2-Script .cm-content")


async def write(page: Page, code: str, *keys: str) -> None:
    """Replace the script, go to its beginning, and press keys."""
    await script_of(page).focus()
    await page.keyboard.press("Control+a")
    await (page.keyboard.insert_text(code) if code else page.keyboard.press("Delete"))
    for key in keys or ("Control+Home", "Control+Enter"):
        await page.keyboard.press(key)


async def write_and_run_a_script(guide: Guide, project: Path, page: Page) -> None:
    console = page.locator(".jp-CodeConsole")
    with guide.habit("open a project"):
        await page.get_by_role("listitem", name="Name: project").dblclick()
        await page.get_by_role("listitem", name="Name: report.Rmd").wait_for()
    with guide.habit("write a script"):
        await page.locator(".jp-LauncherCard", has_text="R File").click()
        await script_of(page).wait_for()
    with guide.habit("run a line or the selection with Ctrl+Enter"):
        await write(page, 'cat("in",\n  basename(getwd()))\nx <- 1\n')
        await expect(console).to_contain_text("in project")
    with guide.habit("type Alt+- and Ctrl+Shift+M"):
        await write(page, "root", "Alt+-")
        await page.keyboard.insert_text("c(9, 16)")
        await page.keyboard.press("Control+Shift+m")
        await page.keyboard.insert_text('sum() |> sqrt(); cat("root:", root)')
        await page.keyboard.press("Control+Enter")
        await expect(console).to_contain_text("root: 5")
    with guide.habit("source a script with Ctrl+Shift+Enter"):
        await write(page, 'cat("all", "of it\\n")', "Control+Shift+Enter")
        await expect(console).to_contain_text("all of it")
        assert "of it" in (project / "untitled.r").read_text()
    with guide.habit("work in the console"):
        await page.locator(".jp-CodeConsole-promptCell .cm-content").click()
        await page.keyboard.insert_text('cat("at the", "prompt")')
        await page.keyboard.press("Shift+Enter")
        await expect(console).to_contain_text("at the prompt")


async def edit_the_script(guide: Guide, page: Page) -> None:
    script = script_of(page)
    with guide.habit("complete names with Tab"):
        await write(page, "cars$", "Tab")
        await expect(page.locator(".jp-Completer:visible")).to_contain_text("speed")
        await page.keyboard.press("Escape")
    with guide.habit("comment lines with Ctrl+Shift+C"):
        await write(page, "a <- 1", "Control+/")
        await expect(script).to_contain_text("# a <- 1")
    with guide.habit("find and replace in a file"):
        await write(page, "old + old", "Control+f")
        await page.get_by_placeholder("Find").fill("old")
        await expect(page.locator(".jp-DocumentSearch-overlay")).to_contain_text("/2")
        await page.keyboard.press("Escape")
    with guide.habit("rename in scope with several cursors"):
        await write(page, "old + old", "Control+Home", "Control+Shift+d", "Control+Shift+d")
        await page.keyboard.type("new")
        await expect(script).to_contain_text("new + new")


async def look_at_data(guide: Guide, page: Page) -> None:
    with guide.habit("`View()` a data frame, sort and filter it"):
        await write(page, "View(cars)")
        grid = page.get_by_role("tabpanel", name="cars", exact=True)
        await expect(grid).to_contain_text("50 rows, 2 columns.")
        await grid.get_by_label("Column").select_option("speed")
        await grid.get_by_role("button", name="Sort by speed, descending").press("Enter")
        await grid.get_by_label("speed from").fill("24")
        await page.keyboard.press("Enter")
        await expect(grid).to_contain_text("5 of 50 rows, 2 columns.")
    with guide.habit("see a summary of a column"):
        await grid.get_by_role("button", name="Statistics of speed").press("Enter")
        await expect(grid).to_contain_text("speed: missing 0, minimum 24,")
    await page.get_by_role("main").get_by_role("tab", name="untitled.r").first.click()


async def look_at_plots_and_help(guide: Guide, page: Page) -> None:
    with guide.habit("go back to earlier plots, zoom, export"):
        panel = await open_panel(page, "Plots of R", "Plots")
        await write(page, "plot(1); plot(2)")
        await expect(panel.get_by_role("status")).to_contain_text("Plot 2 of 2")
        await panel.get_by_role("button", name="Plot 2: ").press("ArrowLeft")
        await expect(panel.get_by_role("status")).to_contain_text("Plot 1 of 2")
        await panel.get_by_role("button", name="Plot 1: ").press("ArrowRight")
        await expect(panel.get_by_role("status")).to_contain_text("Plot 2 of 2")
    with guide.habit("read help, run its examples, read vignettes"):
        await write(page, "?lm")
        panel = page.get_by_role("region", name="Help", exact=True)
        await expect(panel.get_by_role("article")).to_have_attribute("aria-label", "Fitting Linear Models")
        await panel.get_by_role("searchbox").fill("women")
        await page.keyboard.press("Enter")
        await expect(panel).to_contain_text("Average Heights and Weights for American Women")


async def use_packages_and_variables(guide: Guide, page: Page, folder: Path) -> None:
    with guide.habit("list, load and install packages"):
        panel = await open_panel(page, "Packages of R", "Packages")
        await write(page, f'options(repos = "file://{repository(folder)}")')
        await panel.get_by_role("textbox", name="Packages to install").fill("only.here")
        await page.keyboard.press("Enter")
        await expect(panel.get_by_role("status")).to_contain_text("Installed.")
        await panel.get_by_role("searchbox", name="Search packages").fill("only.here")
        await panel.get_by_role("checkbox", name="Attach only.here").check()
        await expect(panel).to_contain_text("only.here is attached.")
    panel = await open_panel(page, "Variables of R", "Environment")
    with guide.habit("look at variables"):
        await write(page, "kept <- answer; other <- 2")
        await panel.get_by_role("searchbox", name="Search variables").fill("forty-two")
        await expect(panel.locator("tbody tr")).to_have_count(1)
        await panel.get_by_role("searchbox", name="Search variables").fill("")
    with guide.habit("save the workspace, and load it"):
        await panel.get_by_role("button", name="Save…").press("Enter")
        await page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
        await expect(panel).to_contain_text("The variables are saved in .RData.")
        await panel.get_by_role("button", name="Remove kept").press("Enter")
        await expect(panel.get_by_role("row", name="kept")).to_have_count(0)
        await panel.get_by_role("button", name="Restore…").press("Enter")
        await page.get_by_role("dialog").get_by_role("button", name="Restore", exact=True).click()
        await expect(panel.get_by_role("row", name="kept")).to_contain_text("forty-two")
    with guide.habit("interrupt R"):
        await write(page, "Sys.sleep(600)")
        await expect(page.locator(".jp-CodeConsole .jp-InputPrompt", has_text="*")).to_be_visible()
        await choose(page, "Kernel", "Interrupt R")
        # an interrupt drops the cells that wait behind the one that runs
        await expect(page.locator(".jp-CodeConsole .jp-InputPrompt", has_text="*")).to_have_count(0)
        await write(page, "after <- 'the interrupt'")
        await expect(panel.get_by_role("row", name="after")).to_contain_text("the interrupt")
    with guide.habit("restart R"):
        await choose(page, "Kernel", "Restart R…")
        await page.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()
        await expect(panel.get_by_role("row", name="after")).to_have_count(0)
        await expect(panel.get_by_role("row", name="kept")).to_be_visible()  # R reads .RData of its folder at the start


async def use_services(guide: Guide, page: Page) -> None:
    with guide.habit("look into databases in Connections"):
        panel = await open_panel(page, "Shared services", "Services")
        await write(page, "", "Control+Home")
        await panel.get_by_role("button", name=f"Insert the line of R for {FLIGHTS}").click()
        await expect(script_of(page)).to_contain_text('con <- rc2_connect("flights")')
        panel = await open_panel(page, "Databases of R", "Connections")
        await panel.get_by_role("button", name="flights connection").click()
        await panel.get_by_role("button", name="View airlines").click()
        grid = page.get_by_role("tabpanel", name="airlines", exact=True)
        await expect(grid).to_contain_text("16 rows, 2 columns.")
        await shoot(page, "from-rstudio")


async def use_git_knit_and_settings(guide: Guide, project: Path, page: Page) -> None:
    with guide.habit("knit with Ctrl+Shift+K"):
        await page.get_by_role("listitem", name="Name: report.Rmd").dblclick()
        document = page.get_by_role("tabpanel", name="report.Rmd").locator(".cm-content")
        await document.focus()
        await page.keyboard.press("Control+Shift+K")
        await expect(page.get_by_text("Error in chunk sums")).to_be_visible()
        await document.focus()
        await page.keyboard.press("Control+a")
        await page.keyboard.insert_text(REPORT.replace("summ", "sum") + MENDED)
        await page.keyboard.press("Control+Shift+K")
        await expect(page.frame_locator(".jp-HTMLViewer iframe").get_by_text("The mean is 2.")).to_be_visible()
    with guide.habit("open a terminal"), guide.habit("use git"):
        await choose(page, "File", "New", "Terminal")
        await page.locator(".jp-Terminal .xterm-helper-textarea").focus()
        await page.keyboard.type(f"git init --quiet {project} && touch {project}/git-is-here\n")
        await page.get_by_role("listitem", name="Name: git-is-here").wait_for()
        assert (project / ".git").is_dir()
    with guide.habit("upload and download files"):
        async with page.expect_file_chooser() as choosing:
            await page.get_by_role("button", name="Upload Files").click()
        await (await choosing.value).set_files({"name": "new.csv", "mimeType": "text/csv", "buffer": b"x\n1\n"})
        await page.get_by_role("listitem", name="Name: new.csv").click(button="right")
        async with page.expect_download() as downloading:
            await page.locator(".lm-Menu-item", has_text=re.compile("^Download$")).click()
        assert (await (await downloading.value).path()).read_bytes() == (project / "new.csv").read_bytes() == b"x\n1\n"
    with guide.habit("set the theme and shortcuts"):
        await page.keyboard.press("Control+Shift+h")
        await expect(page.get_by_role("dialog")).to_contain_text("Keyboard Shortcuts")
        await page.get_by_role("dialog").press("Escape")
        await choose(page, "Settings", "Theme", "JupyterLab Dark")
        await expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
