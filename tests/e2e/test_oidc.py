"""A login with an OpenID provider in a browser. Screenshots are kept in build/screenshots."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.fixtures.browser import open_page, shoot
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
    """A page that accepts the tests' certificates; other tests check that hub and HTTP client verify them."""
    async with open_page(browser, ignore_https_errors=True) as page:
        yield page


async def sign_in(page: Page, name: str) -> None:
    await page.get_by_role("button", name="Sign in with Example University").click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def test_a_user_logs_in_at_the_provider_and_out_again(hub: OIDCHub, visitor: Page, username: str):
    hub.provider.set_account(username, groups=["staff"])
    await visitor.goto(hub.url)
    await shoot(visitor, "oidc-login")
    await sign_in(visitor, username)
    await expect(visitor).to_have_url(re.compile("/hub/spawn$"))
    await visitor.get_by_role("button", name="Logout").click()
    await expect(visitor).to_have_url(re.compile("/hub/login"))
    await visitor.get_by_role("button", name="Sign in with Example University").click()
    await expect(visitor.get_by_label("Password")).to_be_visible()


async def test_a_refused_user_can_log_out_and_use_another_account(hub: OIDCHub, visitor: Page, username: str):
    hub.provider.set_account(username, groups=["visitors"])
    hub.provider.set_account(f"{username}x", groups=["staff"])
    await visitor.goto(hub.url)
    await sign_in(visitor, username)
    await expect(visitor.get_by_text("Your account may not use this hub")).to_be_visible()
    await shoot(visitor, "oidc-refused")
    await visitor.get_by_role("link", name="log out").click()
    await sign_in(visitor, f"{username}x")
    await expect(visitor).to_have_url(re.compile("/hub/spawn$"))
