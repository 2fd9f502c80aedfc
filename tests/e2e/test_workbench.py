"""The panels of JupyterLab and its data grid, in a browser: by mouse and keyboard, light and dark."""

from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.fixtures.browser import serious_findings, shoot
from tests.fixtures.hub import ROOT, Client, Rc2
from tests.fixtures.lab import ACTIVE_CELL, FLIGHTS, open_panel, repository, run_cell, use_dark_theme


async def test_tables_of_an_attached_database_are_seen_viewed_and_inserted_from_the_panel(
    rc2: Rc2, client: Client, lab: Page
) -> None:
    rc2.groups(alice=["analysts"], bob=[])
    await run_cell(lab, 'con <- rc2::rc2_connect("flights")')
    panel = await open_panel(lab, "Databases of R", "Connections")
    await panel.get_by_role("button", name="flights connection").click()
    await panel.get_by_role("button", name="airlines table").click()
    await expect(panel.get_by_text("carrier")).to_be_visible()
    await shoot(lab, "connections")
    assert await serious_findings(lab, "rc2-connections") == []
    await panel.get_by_role("button", name="Insert the code of airlines").click()
    await expect(lab.locator(ACTIVE_CELL)).to_contain_text('dplyr::tbl(rc2::rc2_connect("flights"), "airlines")')
    await panel.get_by_role("button", name="View airlines").click()
    await expect(lab.get_by_role("tab", name="airlines")).to_be_visible()


async def test_packages_are_found_attached_and_installed_in_the_panel(client: Client, lab: Page, tmp_path: Path) -> None:
    panel = await open_panel(lab, "Packages of R", "Packages")
    await panel.get_by_role("searchbox", name="Search packages").fill("regression spline")
    await panel.get_by_role("checkbox", name="Attach splines").check()
    await expect(panel).to_contain_text("splines is attached.")
    await expect(panel.get_by_role("checkbox", name="Attach splines")).to_be_checked()
    await run_cell(lab, f'detach("package:splines"); options(repos = "file://{repository(tmp_path)}")')
    await expect(panel.get_by_role("checkbox", name="Attach splines")).not_to_be_checked()
    await panel.get_by_role("searchbox", name="Search packages").fill("")
    await panel.get_by_role("textbox", name="Packages to install").fill("only.here absent")
    await shoot(lab, "packages")
    await panel.get_by_role("textbox", name="Packages to install").press("Enter")
    await expect(panel).to_contain_text("R has not installed absent; its messages say why.")
    await expect(panel.get_by_label("What R says while it installs")).to_contain_text("DONE (only.here)")
    assert await serious_findings(lab, "rc2-packages") == []
    await panel.get_by_role("searchbox", name="Search packages").fill("only.here")
    await panel.get_by_role("checkbox", name="Attach only.here").check()
    await shoot(lab, "packages-installed")
    await run_cell(lab, "cat(answer)")
    await expect(lab.get_by_text("forty-two")).to_be_visible()
    await panel.get_by_role("button", name="only.here").click()
    await expect(lab.get_by_role("region", name="Help", exact=True)).to_contain_text("Package only.here 1.2")


async def test_a_service_is_attached_used_in_r_and_lost_with_its_grant_in_the_panel(rc2: Rc2, client: Client, lab: Page):
    panel = await open_panel(lab, "Shared services", "Services")
    flights = panel.get_by_role("listitem", name=FLIGHTS)
    await expect(flights).to_contain_text("not attached")
    await flights.get_by_role("button", name=f"Attach {FLIGHTS} (read)").press("Enter")
    await expect(flights).to_contain_text("attached (read)")
    await expect(flights).to_contain_text("renewed while the server runs")
    await expect(flights).to_contain_text('dbapi.connect("service=flights")')
    await flights.get_by_role("button", name=f"Insert the line of R for {FLIGHTS}").press("Enter")
    await expect(lab.locator(ACTIVE_CELL)).to_contain_text('con <- rc2_connect("flights")')
    await lab.keyboard.press("Shift+Enter")
    await run_cell(lab, 'cat("flights:", DBI::dbGetQuery(con, "SELECT count(*)::int FROM flights")[[1]])')
    await expect(lab.get_by_text("flights: 336776")).to_be_visible()
    assert await serious_findings(lab, "rc2-services") == []
    await shoot(lab, "panel-services")
    rc2.groups(alice=[], bob=[])
    await expect(flights).to_contain_text("Ask the operator of this hub.")
    await expect(flights).not_to_contain_text("attached (read)")
    await expect(flights.get_by_role("button", name=f"Attach {FLIGHTS} (read)")).to_have_count(0)
    rc2.groups(alice=["analysts"], bob=[])
    await flights.get_by_role("button", name=f"Detach {FLIGHTS}").click()
    await expect(flights).to_contain_text("not attached")
    await use_dark_theme(client, lab)
    await expect(flights.get_by_role("button", name=f"Attach {FLIGHTS} (read)")).to_be_visible()
    assert await serious_findings(lab, "rc2-services") == []
    await shoot(lab, "panel-services-dark")


async def test_variables_appear_change_and_are_found_ordered_and_removed_in_the_panel(client: Client, lab: Page):
    panel = await open_panel(lab, "Variables of R", "Environment")
    await expect(panel).to_contain_text("R has no variables.")
    await run_cell(lab, "x10 <- 1; x9 <- data.frame(a = 1:5000, b = 2); f <- function(one, ...) 1")
    row = panel.get_by_role("row", name="x9")
    await expect(row).to_contain_text("data.frame")
    await expect(row).to_contain_text("5\u202f000 × 2")
    name = await row.get_by_role("rowheader").bounding_box()
    assert name is not None
    assert name["width"] > 50
    await run_cell(lab, "x9 <- 'text'")
    await expect(row).to_contain_text('"text"')
    await panel.get_by_role("button", name="Size").press("Enter")
    await expect(panel.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "ascending")
    await panel.get_by_role("searchbox", name="Search variables").fill("numeric")
    await expect(panel.locator("tbody tr")).to_have_count(1)
    await panel.get_by_role("searchbox", name="Search variables").fill("")
    assert await serious_findings(lab, "rc2-environment") == []
    await shoot(lab, "panel-environment")
    await panel.get_by_role("button", name="Remove x10").press("Enter")
    await expect(panel.locator("tbody tr")).to_have_count(2)
    await run_cell(lab, 'cat("left:", ls())')
    await expect(lab.get_by_text("left: f x9")).to_be_visible()
    await panel.get_by_role("button", name="Save…").press("Enter")
    await lab.get_by_role("textbox", name="File, in the folder where R works:").fill("today.RData")
    await lab.get_by_role("button", name="Save", exact=True).click()
    await expect(panel).to_contain_text("The variables are saved in today.RData.")
    await run_cell(lab, "rm(x9)")
    await expect(panel.locator("tbody tr")).to_have_count(1)
    await panel.get_by_role("button", name="Restore…").press("Enter")
    await lab.get_by_role("textbox", name="File, in the folder where R works:").fill("today.RData")
    await lab.get_by_role("button", name="Restore", exact=True).click()
    await expect(panel).to_contain_text("The variables of today.RData are here again.")
    await expect(panel.locator("tbody tr")).to_have_count(2)
    await use_dark_theme(client, lab)
    await expect(panel.locator("tbody tr")).to_have_count(2)
    assert await serious_findings(lab, "rc2-environment") == []
    await shoot(lab, "panel-environment-dark")


async def test_the_keys_of_rstudio_write_an_assignment_and_a_pipe(client: Client, lab: Page) -> None:
    await lab.locator(ACTIVE_CELL).click()
    for typed in ("x", "Alt+-", "c(9, 16)", "Control+Shift+m", "sum()", "Enter", 'cat("root:", sqrt(x))', "Shift+Enter"):
        await (lab.keyboard.press(typed) if "+" in typed or typed == "Enter" else lab.keyboard.type(typed))
    await expect(lab.get_by_text("root: 5")).to_be_visible()


async def test_a_million_rows_are_viewed_sorted_filtered_scrolled_and_copied(client: Client, lab: Page):
    await lab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel = await open_panel(lab, "Variables of R", "Environment")
    await run_cell(
        lab, "big <- as.data.frame(lapply(setNames(1:100, paste0('v', 1:100)), function(i) seq_len(1e6) + i / 8))"
    )
    await run_cell(lab, "big$v2 <- rep_len(c('north', NA, 'south'), 1e6); View(big)")
    grid = lab.get_by_role("tabpanel", name="big", exact=True)
    await expect(grid).to_contain_text("1\u202f000\u202f000 rows, 100 columns.")
    cells = grid.get_by_role("application")
    await cells.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
        await lab.keyboard.press(key)
    await expect(grid).to_contain_text("Row 2, v2: NA")
    await lab.keyboard.press("ArrowLeft")
    await lab.keyboard.press("Control+ArrowDown")
    await expect(grid).to_contain_text("Row 1000000, v1: 1000000")
    await grid.get_by_role("button", name="Sort by v1, descending").press("Enter")
    await lab.keyboard.press("Control+Home")
    await grid.get_by_label("Column").select_option("v2")
    await grid.get_by_role("searchbox", name="v2 contains").fill("SOUTH")
    await lab.keyboard.press("Enter")
    await expect(grid).to_contain_text("333\u202f333 of 1\u202f000\u202f000 rows, 100 columns.")
    await cells.focus()
    for key in ("ArrowDown", "Shift+ArrowRight", "Control+c"):
        await lab.keyboard.press(key)
    await expect(grid).to_contain_text("Copied 1 × 2 cells.")
    copied = await lab.evaluate("navigator.clipboard.readText()")
    assert copied.endswith("\tsouth\n")
    assert await serious_findings(lab, await grid.get_attribute("id") or "") == []
    await shoot(lab, "data-grid")
    await grid.get_by_role("button", name="Remove the filter v2 contains SOUTH").press("Enter")
    await expect(grid).to_contain_text("1\u202f000\u202f000 rows, 100 columns.")
    await lab.get_by_role("main").get_by_role("tab", name="Untitled").first.click()
    await run_cell(lab, "big <- data.frame(n = c(1.5, NA), when = Sys.time())")
    await panel.get_by_role("button", name="big", exact=True).press("Enter")
    await expect(grid).to_contain_text("2 rows, 2 columns.")
    await use_dark_theme(client, lab)
    await panel.get_by_role("button", name="big", exact=True).press("Enter")
    await expect(grid).to_contain_text("2 rows, 2 columns.")
    assert await serious_findings(lab, await grid.get_attribute("id") or "") == []
    await shoot(lab, "data-grid-dark")


async def test_a_table_of_a_database_is_sorted_and_filtered_by_the_database(rc2: Rc2, client: Client, lab: Page):
    panel = await open_panel(lab, "Shared services", "Services")
    await panel.get_by_role("button", name=f"Attach {FLIGHTS} (read)").press("Enter")
    await expect(panel.get_by_role("listitem", name=FLIGHTS)).to_contain_text("attached (read)")
    await run_cell(lab, 'library(dplyr); con <- rc2::rc2_connect("flights"); flights <- tbl(con, "flights"); View(flights)')
    grid = lab.get_by_role("tabpanel", name="flights", exact=True)
    await expect(grid).to_contain_text("The first 10000 rows; sort or filter to see others.")
    await grid.get_by_label("Column").select_option("carrier")
    await grid.get_by_role("searchbox", name="carrier contains").fill("oo")
    await lab.keyboard.press("Enter")
    await expect(grid).to_contain_text("32 rows, 19 columns.")
    await grid.get_by_role("button", name="Statistics of carrier").press("Enter")
    await expect(grid).to_contain_text("carrier: missing 0, different values 1, OO 32.")
    await grid.get_by_role("button", name="Remove the filter carrier contains oo").press("Enter")
    await grid.get_by_label("Column").select_option("dep_delay")
    await grid.get_by_role("button", name="Statistics of dep_delay").press("Enter")
    await expect(grid).to_contain_text("dep_delay: missing 8\u202f255, minimum -43, maximum 1301, mean 12.63907,")
    await shoot(lab, "data-grid-statistics")
    await grid.get_by_label("Column").select_option("distance")
    await grid.get_by_role("button", name="Sort by distance, descending").press("Enter")
    await grid.get_by_role("application").focus()
    await lab.keyboard.press("ArrowDown")
    await expect(grid).to_contain_text("Row 1, ")


async def test_plots_are_kept_over_a_reload_drawn_at_the_size_of_the_panel_copied_saved_and_removed(
    client: Client, lab: Page
):
    await lab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await run_cell(lab, "plot(cars)")
    await run_cell(lab, "ggplot2::ggplot(mtcars) + ggplot2::aes(wt, mpg) + ggplot2::geom_point()")
    panel = await open_panel(lab, "Plots of R", "Plots")
    await expect(panel.get_by_role("status")).to_contain_text("Plot 2 of 2: ggplot2::ggplot(mtcars)")
    picture = panel.get_by_role("img", name="Plot 2: ggplot2")
    await expect_drawn_at_its_size(picture)
    await panel.get_by_role("button", name="Copy").press("Enter")
    await expect(panel.get_by_role("status")).to_contain_text("Copied.")
    assert await lab.evaluate("navigator.clipboard.read().then(items => items[0].types)") == ["image/png"]
    await panel.get_by_role("button", name="Save…").press("Enter")
    await panel.get_by_label("Format").select_option("pdf")
    async with lab.expect_download() as saving:
        await panel.get_by_role("button", name="Save", exact=True).press("Enter")
    saved = await saving.value
    assert saved.suggested_filename == "plot-2.pdf"
    assert (await saved.path()).read_bytes().startswith(b"%PDF")
    await lab.set_viewport_size({"width": 1280, "height": 700})
    await expect_drawn_at_its_size(picture)
    assert await serious_findings(lab, "rc2-plots") == []
    await shoot(lab, "panel-plots")
    await use_dark_theme(client, lab)
    await expect(panel.get_by_role("status")).to_contain_text("Plot 2 of 2")
    await panel.get_by_role("button", name="Plot 2: ").press("ArrowLeft")
    await expect_drawn_at_its_size(panel.get_by_role("img", name="Plot 1: plot(cars)"))
    assert await serious_findings(lab, "rc2-plots") == []
    await shoot(lab, "panel-plots-dark")
    await panel.get_by_role("button", name="Remove", exact=True).press("Enter")
    await expect(panel.get_by_role("status")).to_contain_text("Plot 1 of 1: ggplot2")
    await panel.get_by_role("button", name="Remove all").press("Enter")
    await lab.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(panel).to_contain_text("R has drawn no plots.")


async def expect_drawn_at_its_size(picture: Locator) -> None:
    """Wait until the picture has as many pixels as it is wide and high."""
    await expect(picture).to_be_visible()
    is_drawn = "image => [image.naturalWidth - image.clientWidth, image.naturalHeight - image.clientHeight]"
    await picture.page.wait_for_function(
        f"image => ({is_drawn})(image).every(difference => Math.abs(difference) <= 1)", arg=await picture.element_handle()
    )


async def test_help_opens_in_the_panel_with_links_search_examples_and_vignettes(client: Client, lab: Page):
    await run_cell(lab, "?cor")
    panel = lab.get_by_role("region", name="Help", exact=True)
    page = panel.get_by_role("article")
    await expect(page).to_have_attribute("aria-label", "Correlation, Variance and Covariance (Matrices)")
    await run_cell(lab, 'cat("the keyboard", "stays in the notebook")')
    await expect(lab.get_by_text("the keyboard stays in the notebook")).to_be_visible()
    await shoot(lab, "panel-help")
    await page.get_by_role("link", name="cor.test").first.press("Enter")
    await expect(page).to_have_attribute("aria-label", "Test for Association/Correlation Between Paired Samples")
    await panel.get_by_role("button", name="Back").press("Enter")
    await expect(page).to_have_attribute("aria-label", "Correlation, Variance and Covariance (Matrices)")
    await panel.get_by_role("searchbox").fill("women")
    await lab.keyboard.press("Enter")
    await expect(page).to_have_attribute("aria-label", "Average Heights and Weights for American Women")
    await page.get_by_role("button", name="Run examples").press("Enter")
    await expect(lab.locator(".jp-Notebook .jp-OutputArea-output img")).to_be_visible()
    await page.get_by_role("button", name="Insert examples").press("Enter")
    await expect(lab.locator(ACTIVE_CELL)).to_contain_text("plot(women")
    await panel.get_by_role("searchbox").fill("cox regression")
    await lab.keyboard.press("Enter")
    await expect(page).to_contain_text("Vignettes:")
    assert await serious_findings(lab, "rc2-help") == []
    await use_dark_theme(client, lab)
    await lab.get_by_text("R | Idle").wait_for()
    await panel.get_by_role("searchbox").fill("dplyr::mutate")
    await lab.keyboard.press("Enter")
    await expect(page.get_by_role("img", name="[Experimental]").first).to_have_js_property("complete", True)
    assert await serious_findings(lab, "rc2-help") == []
    await shoot(lab, "panel-help-dark")
    await panel.get_by_role("searchbox").fill("dnorm")
    await lab.keyboard.press("Enter")
    await expect(page.locator("mjx-container").first).to_be_visible()
    await panel.get_by_role("button", name="Vignettes").press("Enter")
    await page.get_by_role("link", name="Introduction to dplyr").press("Enter")
    await expect(page.frame_locator("iframe").get_by_role("heading", name="Introduction to dplyr")).to_be_visible()
    await shoot(lab, "panel-help-vignette")


def test_the_panels_are_small():
    """The client of the language server, 95 kB of it, is loaded with the first document of R."""
    static = ROOT / "rc2hub/compute/labextensions/@rc2hub/workbench/static"
    assert sum(file.stat().st_size for file in static.glob("*.js")) < 245_000
