"""What each panel of JupyterLab shows while R is busy, and after it was interrupted, restarted, killed or shut down."""

from playwright.async_api import Page, expect

from tests.fixtures.browser import serious_findings, shoot
from tests.fixtures.lab import FLIGHTS, choose, open_panel, run_cell

# Name: title of its tab, and what it shows while R is busy, when R is idle, and when R is new.
PANELS = {
    "Environment": ("Variables of R", "The variables are shown when R is idle.", "mine", "R has no variables."),
    "Plots": ("Plots of R", "The plots are shown when R is idle.", "Plot 1 of 1", "R has drawn no plots."),
    "Packages": ("Packages of R", "The packages are shown when R is idle.", "The R Stats Package", "The R Stats Package"),
    "Connections": (
        "Databases of R",
        "The connections are shown when R is idle.",
        "R has no connection to a database",
        "R has no connection to a database",
    ),
    "Services": ("Shared services", FLIGHTS, FLIGHTS, FLIGHTS),
}


async def test_each_panel_follows_an_r_that_is_busy_interrupted_restarted_killed_and_shut_down(lab: Page) -> None:
    await run_cell(lab, "mine <- data.frame(n = 1:3); plot(mine); View(mine)")
    grid = lab.get_by_role("tabpanel", name="mine", exact=True)
    await expect(grid).to_contain_text("3 rows, 1 columns.")
    await lab.get_by_role("main").get_by_role("tab", name="Untitled").first.click()
    await run_cell(lab, "Sys.sleep(600)")
    await expect(lab.get_by_text("R | Busy")).to_be_visible()
    for name, (title, busy, _, _) in PANELS.items():
        panel = await open_panel(lab, title, name)
        await expect(panel).to_contain_text(busy)
        assert await serious_findings(lab, f"rc2-{name.lower()}") == []
    help_panel = await open_panel(lab, "Help of R", "Help")
    await help_panel.get_by_role("searchbox").fill("women")
    await lab.keyboard.press("Enter")
    await expect(help_panel).to_contain_text("The page is shown when R is idle.")
    await choose(lab, "Kernel", "Interrupt Kernel")
    await expect(help_panel).to_contain_text("Average Heights and Weights for American Women")
    for name, (title, _, idle, _) in PANELS.items():
        await expect(await open_panel(lab, title, name)).to_contain_text(idle)
    await open_panel(lab, "Variables of R", "Environment")
    await run_cell(lab, "Sys.sleep(600)")
    await expect(lab.get_by_text("R | Busy")).to_be_visible()
    plots = await open_panel(lab, "Plots of R", "Plots")
    await expect(plots).to_contain_text("The plots are shown when R is idle.")
    await choose(lab, "Kernel", "Interrupt Kernel")
    await expect(plots).to_contain_text("Plot 1 of 1")
    await choose(lab, "Kernel", "Restart Kernel…")
    await lab.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    await expect_new_panels(lab)
    await lab.get_by_role("main").get_by_role("tab", name="mine").click()
    await expect(grid).to_contain_text("R was restarted or has ended; this table is gone.")
    await lab.get_by_role("main").get_by_role("tab", name="Untitled").first.click()
    await run_cell(lab, "mine <- 1; tools::pskill(Sys.getpid(), 9)")
    await lab.get_by_role("dialog").get_by_role("button", name="Ok").click()
    await expect_new_panels(lab)
    await choose(lab, "Kernel", "Shut Down Kernel")
    for name, (title, *_) in PANELS.items():
        panel = await open_panel(lab, title, name)
        await expect(panel).to_contain_text(FLIGHTS if name == "Services" else "Open an R notebook or console; its")
        assert await serious_findings(lab, f"rc2-{name.lower()}") == []
    await shoot(lab, "panel-states")


async def expect_new_panels(page: Page) -> None:
    for name, (title, _, _, new) in PANELS.items():
        await expect(await open_panel(page, title, name)).to_contain_text(new)
