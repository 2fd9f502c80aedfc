"""What a person sees: from the printed link to a plot, and what somebody without the grant is told."""

import shutil

from playwright.async_api import Page, expect

from tests.fixtures.browser import shoot
from tests.fixtures.hub import ROOT, Client, Rc2

NOTEBOOK = "flights.ipynb"


async def test_alice_comes_from_the_printed_link_to_a_plot_of_the_flights(rc2: Rc2, client: Client, page: Page) -> None:
    home = rc2.home / "homes" / "alice"
    home.mkdir(exist_ok=True)
    shutil.copy(ROOT / "examples" / NOTEBOOK, home)
    await page.goto(rc2.links["alice"])
    await expect(page.get_by_label("Flights from New York (read)")).to_be_enabled()
    await expect(page.get_by_label("Flights from New York (write)")).to_be_disabled()
    await shoot(page, "1-form")
    await page.get_by_label("Flights from New York (read)").check()
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url("**/user/alice/lab**")
    await page.goto(f"{rc2.url}/user/alice/lab/tree/{NOTEBOOK}")
    await page.get_by_text("Delays by carrier and month").first.wait_for()
    await page.get_by_text("R | Idle").wait_for(timeout=60_000)
    await shoot(page, "2-notebook")
    await page.get_by_role("menuitem", name="Run", exact=True).click()
    await page.get_by_text("Run All Cells", exact=True).click()
    await expect(page.get_by_text("336 776 flights")).to_be_visible(timeout=60_000)
    plot = page.locator(".jp-RenderedImage img").last
    await plot.wait_for(timeout=60_000)
    await plot.scroll_into_view_if_needed()
    await shoot(page, "3-plot")
    await page.goto(f"{rc2.url}/services/rc2/")
    await expect(page.get_by_text('con <- rc2_connect("flights")')).to_be_visible()
    await shoot(page, "4-services")
    await client.stop("alice")


async def test_bob_sees_why_the_flights_are_not_for_him_and_whom_to_ask(rc2: Rc2, page: Page) -> None:
    length = len(rc2.log())
    await page.goto(rc2.links["bob"])
    await expect(page.get_by_label("Flights from New York (read)")).to_be_disabled()
    await expect(page.get_by_text("you have no grant for this service; ask whoever runs this hub").first).to_be_visible()
    answer = await page.goto(f"{rc2.url}/hub/spawn?opt-service=flights")
    assert answer is not None
    assert answer.status == 403
    await expect(page.get_by_text("flights: you have no grant for this service; ask whoever runs this hub.")).to_be_visible()
    await shoot(page, "5-refused")
    assert "Traceback" not in rc2.since(length)
