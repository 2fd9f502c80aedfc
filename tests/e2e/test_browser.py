"""What users see in a browser: from the printed link to a plot, and the refusals for a user without a grant."""

import re

from playwright.async_api import Browser, Page, expect

from tests.fixtures.browser import open_as_notebook, open_page, serious_findings, shoot
from tests.fixtures.hub import Client, Rc2, until

NOTEBOOK = "flights.ipynb"


async def test_alice_opens_the_printed_link_and_plots_the_flights(rc2: Rc2, client: Client, page: Page) -> None:
    await page.goto(rc2.links["alice"])
    await expect(page.get_by_label("Flights from New York (read)")).to_be_enabled()
    await expect(page.get_by_label("Flights from New York (write)")).to_be_disabled()
    await expect(page.get_by_role("radiogroup", name="Flights from New York")).to_contain_text(
        "All flights from New York in 2013"
    )
    await shoot(page, "1-form")
    assert await serious_findings(page, "request") == []
    await page.get_by_label("Flights from New York (read)").check()
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url("**/user/alice/lab**")
    await page.get_by_role("listitem", name="Name: examples").dblclick()
    await page.get_by_role("listitem", name=f"Name: {NOTEBOOK}").dblclick()
    await page.get_by_text("Delays by carrier and month").first.wait_for()
    await page.get_by_text("R | Idle").wait_for()
    await shoot(page, "2-notebook")
    await page.get_by_role("menuitem", name="Run", exact=True).click()
    await page.get_by_text("Run All Cells", exact=True).click()
    await expect(page.get_by_text("336 776 flights")).to_be_visible()
    plot = page.locator(".jp-RenderedImage img").last
    await plot.wait_for()
    await plot.scroll_into_view_if_needed()
    await shoot(page, "3-plot")
    await expect(page.get_by_text("Jupyter news")).to_have_count(0)
    await page.goto(f"{rc2.url}/services/rc2/")
    await expect(page.get_by_text('con <- rc2_connect("flights")')).to_be_visible()
    await expect(page.get_by_role("row", name="Flights from New York")).to_contain_text("All flights from New York in 2013")
    await shoot(page, "4-services")
    assert await serious_findings(page, "services") == []
    await page.get_by_role("button", name="Toggle dark mode").click()
    await expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert await serious_findings(page, "services") == []
    await shoot(page, "4-services-dark")
    await page.goto(f"{rc2.url}/hub/home")
    await expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    await client.stop("alice")


async def test_alice_runs_the_concrete_example_in_r_and_in_spark(rc2: Rc2, client: Client, page: Page) -> None:
    await page.goto(rc2.new_link("alice"))
    await page.goto(f"{rc2.url}/hub/spawn")
    await page.get_by_label("Flights from New York (read)").check()
    await page.get_by_label("Spark (use)").check()
    await shoot(page, "6-form-with-spark")
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url("**/user/alice/lab**")
    await page.locator(".jp-LauncherCard", has_text="Examples in R").click()
    await expect(page.locator(".jp-MarkdownViewer img").first).to_be_visible()
    await shoot(page, "examples")
    await page.goto(f"{rc2.url}/user/alice/lab/tree/examples")
    await open_as_notebook(page, "03-linear-regression.Rmd")
    # in the notebook: JupyterLab may have restored the tab before, which names the document too
    await page.locator(".jp-Notebook").get_by_text("The strength of concrete").first.wait_for()
    await page.get_by_text("R | Idle").wait_for()
    await page.get_by_role("menuitem", name="Run", exact=True).click()
    await page.get_by_text("Run All Cells", exact=True).click()
    await expect(page.get_by_text("R and Spark agree on all 16 coefficients.")).to_be_visible()
    await shoot(page, "7-concrete")
    await page.goto(f"{rc2.url}/services/rc2/")
    await expect(page.get_by_text("con <- rc2_spark()")).to_be_visible()
    await client.stop("alice")


async def test_bob_reads_why_spark_is_refused(rc2: Rc2, page: Page) -> None:
    await page.goto(rc2.new_link("bob"))
    await page.goto(f"{rc2.url}/hub/spawn")
    await expect(page.get_by_label("Spark (use)")).to_be_disabled()
    answer = await page.goto(f"{rc2.url}/hub/spawn?opt-service=spark")
    assert answer is not None
    assert answer.status == 403
    refusal = "Error: spark: you have no grant for this service; ask the operator of this hub."
    await expect(page.get_by_text(refusal, exact=True)).to_be_visible()


async def test_bob_reads_why_the_flights_are_refused_and_whom_to_ask(rc2: Rc2, page: Page) -> None:
    length = len(rc2.log())
    await page.goto(rc2.links["bob"])
    await expect(page.get_by_label("Flights from New York (read)")).to_be_disabled()
    await expect(page.get_by_text("you have no grant for this service; ask the operator of this hub").first).to_be_visible()
    answer = await page.goto(f"{rc2.url}/hub/spawn?opt-service=flights")
    assert answer is not None
    assert answer.status == 403
    await expect(
        page.get_by_text("Error: flights: you have no grant for this service; ask the operator of this hub.", exact=True)
    ).to_be_visible()
    await shoot(page, "5-refused")
    assert "Traceback" not in rc2.since(length)


async def test_bob_is_refused_by_the_form_after_he_enables_the_disabled_choice(rc2: Rc2, page: Page) -> None:
    length = len(rc2.log())
    await page.goto(rc2.new_link("bob"))
    box = page.get_by_label("Flights from New York (read)")
    await box.evaluate("box => box.disabled = false")
    await box.check()
    await page.get_by_role("button", name="Start").click()
    await expect(
        page.get_by_text("Error: flights: you have no grant for this service; ask the operator of this hub.", exact=True)
    ).to_be_visible()
    assert "Traceback" not in rc2.since(length)


async def test_form_and_page_work_without_javascript_by_keyboard_and_keep_the_last_choice(
    rc2: Rc2, client: Client, browser: Browser
) -> None:
    async with open_page(browser, java_script_enabled=False) as page:
        await use_form_and_page(rc2, client, page)


async def use_form_and_page(rc2: Rc2, client: Client, page: Page) -> None:
    await page.goto(rc2.new_link("alice"))
    await page.get_by_role("radio", name="Flights from New York (off)").press("ArrowRight")
    await page.get_by_role("button", name="Start").press("Enter")
    await page.wait_for_url(re.compile(r"/(hub/spawn-pending|user)/alice"))
    await until(lambda: is_ready(client, "alice"))
    await page.goto(f"{rc2.url}/services/rc2/")
    await page.get_by_role("button", name="Detach Flights from New York").press("Enter")
    await page.get_by_role("button", name="Attach Flights from New York (read)").press("Enter")
    await expect(page.get_by_role("button", name="Detach Flights from New York")).to_be_visible()
    await client.stop("alice")
    await page.goto(f"{rc2.url}/hub/spawn")
    await expect(page.get_by_role("radio", name="Flights from New York (read)")).to_be_checked()


async def is_ready(client: Client, user: str) -> bool:
    _, model = await client.call("GET", f"/hub/api/users/{user}")
    return bool(model["servers"].get("", {}).get("ready"))
