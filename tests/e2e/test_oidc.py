"""A login at the organisation's provider as a person sees it. Screenshots stay in build/screenshots, to be looked at."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.fixtures.browser import shoot
from tests.fixtures.oidc import PASSWORD, OIDCHub

VALUES = {
    "JupyterHub": {"authenticator_class": "rc2-oidc"},
    "Rc2OIDCAuthenticator": {"allowed_groups": ["staff"], "login_service": "Example University"},
}


@pytest.fixture(scope="module")
def hub(make_oidc_hub) -> OIDCHub:
    running = make_oidc_hub(VALUES)
    running.provider.start()
    running.start()
    return running


@pytest.fixture
async def visitor(browser: Browser) -> AsyncIterator[Page]:
    """Somebody at a browser that does not know the tests' authority; hub and HTTP client check certificates elsewhere."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, ignore_https_errors=True)
    yield await context.new_page()
    await context.close()


async def sign_in(page: Page, name: str) -> None:
    await page.get_by_role("button", name="Sign in with Example University").click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def test_from_the_hub_to_the_provider_and_back_and_out_again(hub: OIDCHub, visitor: Page, person: str):
    hub.provider.know(person, groups=["staff"])
    await visitor.goto(hub.url)
    await shoot(visitor, "oidc-login")
    await sign_in(visitor, person)
    await expect(visitor).to_have_url(re.compile("/hub/spawn$"))
    await visitor.get_by_role("button", name="Logout").click()
    await expect(visitor).to_have_url(re.compile("/hub/login"))
    await visitor.get_by_role("button", name="Sign in with Example University").click()
    await expect(visitor.get_by_label("Password")).to_be_visible()


async def test_a_refusal_is_one_page_with_a_way_to_another_account(hub: OIDCHub, visitor: Page, person: str):
    hub.provider.know(person, groups=["guests"])
    hub.provider.know(f"{person}x", groups=["staff"])
    await visitor.goto(hub.url)
    await sign_in(visitor, person)
    await expect(visitor.get_by_text("You have an account, but none that may use this hub")).to_be_visible()
    await shoot(visitor, "oidc-refused")
    await visitor.get_by_role("link", name="log out").click()
    await sign_in(visitor, f"{person}x")
    await expect(visitor).to_have_url(re.compile("/hub/spawn$"))
