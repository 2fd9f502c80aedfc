"""What a user reads in a notebook when work on a database fails: a transaction, a query that is stopped, a grant that is lost."""

import nbformat
from playwright.async_api import Page, expect

from tests.fixtures.browser import shoot
from tests.fixtures.hub import Client, Rc2

CELLS = [
    'attached <- function() subset(rc2::rc2_services(), service == "flights")$attached; cat("ready")',
    'con <- rc2::rc2_connect("flights"); DBI::dbWriteTable(con, "trouble", head(iris), overwrite = TRUE); '
    'cat("rows:", nrow(DBI::dbReadTable(con, "trouble")))',
    'DBI::dbWithTransaction(con, { DBI::dbExecute(con, "DELETE FROM trouble"); DBI::dbExecute(con, "SELEC 1") })',
    'cat("kept:", nrow(DBI::dbReadTable(con, "trouble"))); DBI::dbRemoveTable(con, "trouble")',
    'DBI::dbGetQuery(con, "SELECT pg_sleep(600)")',
    'cat("goes on:", DBI::dbGetQuery(con, "SELECT 42 AS x")$x)',
    "while (attached()) Sys.sleep(0.1); repeat DBI::dbGetQuery(con, 'SELECT 43 AS x')",
    'con <- rc2::rc2_connect("flights")',
    'repeat { con <- tryCatch(rc2::rc2_connect("flights"), rc2_error = function(e) NULL); if (!is.null(con)) break }; cat("again:", DBI::dbGetQuery(con, "SELECT 44 AS x")$x)',
]


async def test_a_user_reads_one_sentence_for_each_failure_and_goes_on(rc2: Rc2, client: Client, page: Page) -> None:
    rc2.groups(alice=["editors"], bob=[])
    home = rc2.home / "homes" / "alice"
    home.mkdir(exist_ok=True)
    kernel = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS], metadata=kernel)
    nbformat.write(notebook, home / "trouble.ipynb")
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/hub/spawn")
    await page.get_by_label("Flights from New York (write)").check()
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url("**/user/alice/lab**")
    await page.goto(f"{rc2.url}/user/alice/lab/tree/trouble.ipynb")
    await page.get_by_text("R | Idle").wait_for()
    await page.get_by_text("attached <- function()").click()

    async def run(text: str, name: str) -> None:
        await page.keyboard.press("Shift+Enter")
        await expect(page.get_by_text(text).first).to_be_visible()
        await shoot(page, name)

    await page.keyboard.press("Shift+Enter")
    await run("rows: 6", "10-write")
    await run("syntax error at or near", "11-transaction-fails")
    await run("kept: 6", "12-transaction-rolled-back")
    await page.keyboard.press("Shift+Enter")
    await page.get_by_text("R | Busy").wait_for()
    await page.get_by_role("button", name="Interrupt the kernel").click()
    await page.get_by_text("R | Idle").wait_for()
    await shoot(page, "13-query-stopped")
    await page.get_by_text("goes on:").click()
    await run("goes on: 42", "14-connection-goes-on")
    rc2.groups(alice=[], bob=[])
    await run("The connection is lost, and rc2_connect() opens a new one", "15-grant-lost")
    await page.get_by_text('con <- rc2::rc2_connect("flights")', exact=True).click()
    await run("flights: you have no grant for this service; ask", "16-no-grant")
    rc2.groups(alice=["editors"], bob=[])
    await page.get_by_text("again:").click()
    await run("again: 44", "17-grant-back")
    await client.stop("alice")
