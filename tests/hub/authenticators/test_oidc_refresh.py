"""The refresh of tokens that work once: the authenticator without a hub, with a provider and JupyterHub's user object."""

import asyncio
import base64
import hashlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.crypto import CryptKeeper
from jupyterhub.user import User
from tornado.httputil import url_concat
from traitlets.config import Config

from rc2hub.errors import ProviderError
from rc2hub.hub.authenticators.oidc import Rc2OIDCAuthenticator
from tests.fixtures.oidc import OIDCHub


@pytest.fixture(scope="module")
def site(make_oidc_hub) -> OIDCHub:
    """A provider; its hub is never started."""
    site = make_oidc_hub({})
    site.provider.start()
    return site


@pytest.fixture
def authenticator(site: OIDCHub) -> Rc2OIDCAuthenticator:
    """An authenticator that reads the claims from ID tokens, so that every refresh exchanges the refresh token."""
    provider = site.provider
    settings = {
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
        "http_request_kwargs": {"ca_certs": str(provider.certificates.authority)},
        "allow_all": True,
        "userdata_from_id_token": True,
    }
    return Rc2OIDCAuthenticator(config=Config(Rc2OIDCAuthenticator=settings), log=logging.getLogger("test"))


@pytest.fixture
async def user(site: OIDCHub, authenticator: Rc2OIDCAuthenticator, username: str) -> AsyncIterator[User]:
    """A user who has just logged in, with a database of JupyterHub."""
    CryptKeeper.instance().keys = [site.key]
    db = orm.new_session_factory("sqlite:///:memory:")()
    user = User(orm.User(name=username), {"config": Config()}, db=db)
    db.add(user.orm_user)
    await user.save_auth_state((await log_in(site, authenticator, username))["auth_state"])
    yield user
    db.close()
    db.get_bind().dispose()


async def log_in(site: OIDCHub, authenticator: Rc2OIDCAuthenticator, name: str) -> dict[str, Any]:
    """The auth model after the authorization code flow, without a server for the callback."""
    await authenticator.discover()
    site.provider.set_account(name, groups=["staff"])
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    client = {"client_id": authenticator.client_id, "redirect_uri": f"{site.url}/hub/oauth_callback"}
    query = {"response_type": "code", "scope": " ".join(authenticator.scope), "state": "x", **client}
    query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    async with site.login_client(name) as browser:
        page = await browser.go("GET", url_concat(authenticator.authorize_url, query))
        code = (await browser.fill_in(page, stop_before="oauth_callback")).url.query["code"]
    params = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, **client}
    tokens = await authenticator.get_token_info(None, {**params, "client_secret": authenticator.client_secret})
    return dict(await authenticator._token_to_auth_model(tokens))


async def refresh_token(user: User) -> str:
    return str((await user.get_auth_state())["token_response"]["refresh_token"])


async def test_concurrent_refreshes_exchange_the_refresh_token_once(authenticator: Rc2OIDCAuthenticator, user: User):
    # the provider revokes the whole login when a refresh token is used twice
    models = await asyncio.gather(*(authenticator.refresh_user(user) for _ in range(5)))
    assert all(model["groups"] == ["staff"] for model in models)
    assert (await authenticator.refresh_user(user))["groups"] == ["staff"]


async def test_a_new_token_is_kept_if_the_caller_is_cancelled(authenticator: Rc2OIDCAuthenticator, user: User):
    before = await refresh_token(user)
    caller = asyncio.create_task(authenticator.refresh_user(user))
    await asyncio.sleep(0)
    caller.cancel()
    assert (await authenticator.refresh_user(user))["groups"] == ["staff"]
    assert await refresh_token(user) != before


async def test_a_new_token_is_kept_if_the_provider_fails_afterwards(
    authenticator: Rc2OIDCAuthenticator, user: User, monkeypatch: pytest.MonkeyPatch
):
    async def fail(_tokens: object) -> None:
        raise ProviderError("no answer")

    before = await refresh_token(user)
    with monkeypatch.context() as fault:
        fault.setattr(authenticator, "token_to_user", fail)
        assert await authenticator.refresh_user(user) is True
    assert await refresh_token(user) != before
    assert (await authenticator.refresh_user(user))["groups"] == ["staff"]


def without_new_tokens(authenticator: Rc2OIDCAuthenticator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer like a provider that sends a new access token only."""
    original = authenticator.get_token_info

    async def access_token_only(handler: None, params: dict[str, Any]) -> dict[str, Any]:
        tokens = await original(handler, params)
        return {key: tokens[key] for key in ("access_token", "token_type")}

    monkeypatch.setattr(authenticator, "get_token_info", access_token_only)


async def test_tokens_that_are_not_sent_again_are_kept(
    site: OIDCHub, authenticator: Rc2OIDCAuthenticator, user: User, monkeypatch: pytest.MonkeyPatch
):
    state = await user.get_auth_state()
    stale = {**state["token_response"], "access_token": "expired"}
    await user.save_auth_state({**state, "token_response": stale})
    authenticator.userdata_from_id_token, authenticator.userdata_url = False, f"{site.provider.issuer}/me"
    without_new_tokens(authenticator, monkeypatch)
    fresh = (await authenticator.refresh_user(user))["auth_state"]
    assert fresh["access_token"] not in {"expired", state["access_token"]}
    assert (fresh["id_token"], fresh["refresh_token"]) == (state["id_token"], state["refresh_token"])


async def test_an_old_id_token_does_not_refresh_a_login(
    authenticator: Rc2OIDCAuthenticator, user: User, monkeypatch: pytest.MonkeyPatch
):
    without_new_tokens(authenticator, monkeypatch)
    assert await authenticator.refresh_user(user) is False


async def test_a_provider_that_refuses_the_hub_is_an_outage_for_users(
    authenticator: Rc2OIDCAuthenticator, user: User, caplog: pytest.LogCaptureFixture
):
    authenticator.client_secret = "s3cret"
    assert await authenticator.refresh_user(user) is True
    assert "localhost refuses this hub (invalid_client)" in caplog.text
    assert "s3cret" not in caplog.text


async def test_outage_grace_counts_from_the_last_answer_that_any_hub_received(
    site: OIDCHub, authenticator: Rc2OIDCAuthenticator, user: User
):
    user.sync_groups(["staff"])
    authenticator.issuer = f"{site.provider.issuer}/nowhere"
    authenticator._discovered = False
    for age, kept in ((800, True), (1000, False)):
        state = await user.get_auth_state()
        await user.save_auth_state({**state, "confirmed": time.time() - age})
        assert await authenticator.refresh_user(user) is kept
        assert [group.name for group in user.groups] == (["staff"] if kept else [])


async def test_a_refresh_soon_after_a_timeout_does_not_wait_for_the_provider(
    site: OIDCHub, authenticator: Rc2OIDCAuthenticator, user: User
):
    site.provider.hang()
    try:
        assert await authenticator.refresh_user(user) is True
        start = time.monotonic()
        assert await authenticator.refresh_user(user) is True
        assert time.monotonic() - start < 2.5  # a request would take its connect timeout, 5 s
    finally:
        site.provider.answer_again()


async def test_the_operators_refresh_hook_has_precedence(authenticator: Rc2OIDCAuthenticator, user: User):
    authenticator.refresh_user_hook = lambda _authenticator, _user, _state: False
    assert await authenticator.refresh_user(user) is False


async def test_without_stored_tokens_a_login_is_needed(authenticator: Rc2OIDCAuthenticator, user: User):
    await user.save_auth_state(None)
    assert await authenticator.refresh_user(user) is False


async def test_errors_contain_no_token(authenticator: Rc2OIDCAuthenticator, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ProviderError) as unreadable:
        await authenticator.token_to_user({"id_token": "s3cret", "access_token": "s3cret"})
    monkeypatch.setattr(authenticator, "httpfetch", lambda *_args, **_kwargs: asyncio.sleep(0, {"id_token": "s3cret"}))
    with pytest.raises(ProviderError) as missing:
        await authenticator.get_token_info(None, {})
    assert "s3cret" not in f"{unreadable.value} {missing.value}"
    assert unreadable.value.__cause__ is missing.value.__cause__ is None
