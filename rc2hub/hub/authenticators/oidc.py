"""The authenticator for an organisation's OpenID provider. A user's groups follow the provider, also after the login.

oauthenticator does the login: authorization code with PKCE, the groups' claim, allowed users and admins. This class adds:
the endpoints come from the issuer, a refresh separates an outage from a refusal, a logout ends the session at the provider
too, and a refusal is one page with one sentence. No answer of the provider gets into the log.
"""

import asyncio
import sys
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.utils import get_browser_protocol
from oauthenticator.oauth2 import guess_callback_uri
from tornado.httpclient import AsyncHTTPClient
from traitlets import Integer, Unicode, default

from rc2hub.errors import LoginRefusedError, ProviderError
from rc2hub.hub.authenticators.oidc_client import OIDCClient
from rc2hub.hub.authenticators.oidc_handlers import CallbackHandler, LoginHandler, LogoutHandler

Model = dict[str, Any]
"""JupyterHub's auth model: name, groups, admin, auth_state."""
AuthState = dict[str, Any]


class Rc2OIDCAuthenticator(OIDCClient):
    """Logs users in at their organisation's OpenID provider, and updates their groups while they work."""

    login_handler = LoginHandler
    callback_handler = CallbackHandler
    logout_handler = LogoutHandler

    issuer = Unicode(
        help="""Address of the OpenID provider. It must start with https://. The endpoints are read from
        `<issuer>/.well-known/openid-configuration`. For a private certificate authority set `http_request_kwargs` to
        `{"ca_certs": "/path/to/ca.crt"}`. Example: `https://login.example.org/realms/main`""",
    ).tag(config=True)
    outage_grace = Integer(
        900,
        min=0,
        help="""Seconds for which users keep their groups while the provider does not answer. After that they are in no
        group, lose the grants of their groups, and have to log in again. R keeps running.""",
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        """Start without running refreshes."""
        super().__init__(**kwargs)
        self._refreshes: dict[str, asyncio.Task[Model | bool]] = {}
        self._logged_out: set[str] = set()

    @default("auth_refresh_age")
    def _default_auth_refresh_age(self) -> int:
        return 60

    @default("custom_403_message")
    def _default_custom_403_message(self) -> str:
        return "Your account may not use this hub; ask its operator to add you or one of your groups."

    @default("enable_auth_state")
    def _default_enable_auth_state(self) -> bool:
        # it holds the tokens that refresh the groups; JupyterHub does not start without a key to encrypt them
        return True

    @default("http_client")
    def _default_http_client(self) -> AsyncHTTPClient:
        # a class logs in within one minute, and a provider that hangs must not block a page for long
        timeouts = {"connect_timeout": 5.0, "request_timeout": 10.0}
        return AsyncHTTPClient(force_instance=True, max_clients=100, defaults=timeouts)

    @default("login_service")
    def _default_login_service(self) -> str:
        return urlsplit(self.issuer).hostname or self.issuer

    @default("manage_groups")
    def _default_manage_groups(self) -> bool:
        return True

    @default("scope")
    def _default_scope(self) -> list[str]:
        # without offline_access: some providers refuse it, others give tokens for it that stay valid after the logout
        return ["openid", "profile", "email"]

    @default("username_claim")
    def _default_username_claim(self) -> str:
        return "preferred_username"

    def check_allow_config(self) -> None:
        """Check the configuration; JupyterHub calls this at its start.

        Raises:
            SystemExit: with one sentence, if a safe login is not possible.
        """
        super().check_allow_config()
        prefix = f"c.{type(self).__name__}"
        checks = {
            f"{prefix}.issuer must be an address that starts with https://, not {self.issuer!r}": (
                self.issuer.startswith("https://")
            ),
            f"{prefix}.client_id must be set, or the variable OAUTH_CLIENT_ID": self.client_id,
            "the variable OAUTH_CLIENT_SECRET must hold the secret that the provider gave to this hub": self.client_secret,
            f"{prefix}.validate_server_cert must stay True; set ca_certs in http_request_kwargs for a private authority": (
                self.validate_server_cert
            ),
        }
        for sentence, holds in checks.items():
            if not holds:
                sys.exit(f"rc2hub: {sentence}.")

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """The pages of a login. JupyterHub calls this once, at its start, so the discovery starts here too."""
        self._discovery = asyncio.get_running_loop().create_task(self._discover_at_start(), name="rc2 OpenID discovery")
        handlers: list[tuple[str, type]] = super().get_handlers(app)
        return handlers

    async def _discover_at_start(self) -> None:
        with suppress(ProviderError):  # it is logged, and the next login tries again
            await self.discover()

    def get_callback_url(self, handler: Any = None) -> str:
        """The address to which the provider sends users back. The parent takes the protocol of the innermost proxy: http."""
        if self.oauth_callback_url or handler is None:
            return str(super().get_callback_url(handler))
        request = handler.request
        return str(guess_callback_uri(get_browser_protocol(request), request.host, handler.hub.server.base_url))

    def build_auth_state_dict(self, token_info: dict[str, Any], user_info: dict[str, Any]) -> AuthState:
        """The part of a login that JupyterHub stores, encrypted, with the time of the provider's answer."""
        return {**super().build_auth_state_dict(token_info, user_info), "confirmed": time.time()}

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> Model | bool:
        """Ask the provider: the user's auth model, True to change nothing, or False if a new login is needed.

        Concurrent calls for a user share one request, because a refresh token that the provider rotates works only once.
        """
        if not self.enable_auth_state:
            return True
        if handler is not None and not hasattr(handler, "_token_authenticated"):
            # JupyterHub 6.1 reads this attribute after a login, but sets it for requests with a token only
            handler._token_authenticated = False
        if user.name not in self._refreshes:
            task = asyncio.create_task(self._refresh(user), name=f"rc2 refresh of {user.name}")
            task.add_done_callback(lambda _: self._refreshes.pop(user.name))
            self._refreshes[user.name] = task
        # a caller that is cancelled must not cancel the exchange, which would lose the new token
        return await asyncio.shield(self._refreshes[user.name])

    async def _refresh(self, user: Any) -> Model | bool:
        state = await user.get_auth_state()
        try:
            model = await self._refreshed_model(user, state)
        except ProviderError:
            model = time.time() - (state or {}).get("confirmed", 0.0) < self.outage_grace
        if not model and self.manage_groups:
            # JupyterHub would keep the groups for requests with a token
            user.sync_groups([])
        return model

    async def _refreshed_model(self, user: Any, state: AuthState | None) -> Model | bool:
        if self.refresh_user_hook is not None:
            decided: Model | bool | None = await self._call_refresh_user_hook(user, state)
            if decided is not None:
                return decided
        try:
            model = await self._fetch_model(user, state or {})
        except LoginRefusedError as error:
            if user.name not in self._logged_out:
                self.log.info("%s has to log in again: %s", user.name, error)
            self._logged_out.add(user.name)
            return False
        self._logged_out.discard(user.name)
        return model if await self.check_allowed(user.name, model) else False

    async def _fetch_model(self, user: Any, state: AuthState) -> Model:
        """The user's auth model, by the access token or else by a new one."""
        await self.discover()
        tokens = state.get("token_response", {})
        if tokens and not self.userdata_from_id_token:  # an old ID token has no new claims
            with suppress(LoginRefusedError):
                return await self._auth_model(tokens)
        if not tokens.get("refresh_token"):
            raise LoginRefusedError("there is no refresh token and no valid access token.")
        fresh = await self.get_token_info(None, self.build_refresh_token_request_params(tokens["refresh_token"]))
        if self.userdata_from_id_token and "id_token" not in fresh:
            raise LoginRefusedError(
                "the provider gave no new ID token; c.Rc2OIDCAuthenticator.userdata_from_id_token needs it."
            )
        # keep what the provider does not send again: the refresh token, or the ID token that the logout needs
        tokens = {**tokens, **fresh}
        # saved before the next request: the provider may fail there, and the old refresh token is used up
        await user.save_auth_state({**state, "token_response": tokens})
        return await self._auth_model(tokens)

    async def _auth_model(self, tokens: dict[str, Any]) -> Model:
        model: Model = await self._token_to_auth_model(tokens)
        return model
