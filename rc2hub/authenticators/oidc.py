"""People of an organisation log in at its OpenID provider, and lose their groups here when they lose them there.

oauthenticator does the login itself: authorization code with PKCE, the claim that holds the groups, who may log in, who
is admin. Added is what it lacks: the endpoints come from the issuer, a refresh tells an outage from a refusal, and
nothing that the provider answers gets into the log.
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

from rc2hub.authenticators.conversation import Conversation
from rc2hub.authenticators.pages import CallbackHandler, LoginHandler, LogoutHandler
from rc2hub.errors import LoginRefusedError, ProviderError

Model = dict[str, Any]
"""What JupyterHub calls an auth model: name, groups, admin, auth_state."""
AuthState = dict[str, Any]


class Rc2OIDCAuthenticator(Conversation):
    """Logs people in at their organisation's OpenID provider, and follows their groups there while they work."""

    login_handler = LoginHandler
    callback_handler = CallbackHandler
    logout_handler = LogoutHandler

    issuer = Unicode(
        help="""Address of the OpenID provider, from which everything else about it is read, in
        `<issuer>/.well-known/openid-configuration`. It starts with https://; for a certificate of your own authority set
        `http_request_kwargs` to `{"ca_certs": "/path/to/ca.crt"}`. Example: `https://login.example.org/realms/main`""",
    ).tag(config=True)
    outage_grace = Integer(
        900,
        min=0,
        help="""Seconds for which people keep their groups while the provider does not answer. After that they are in no
        group, lose what their groups were granted, and have to log in again; R goes on.""",
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        """Start with nobody being refreshed."""
        super().__init__(**kwargs)
        self._refreshes: dict[str, asyncio.Task[Model | bool]] = {}
        self._out: set[str] = set()

    @default("auth_refresh_age")
    def _default_auth_refresh_age(self) -> int:
        return 60

    @default("custom_403_message")
    def _default_custom_403_message(self) -> str:
        return "You have an account, but none that may use this hub; ask its operator to add you or a group of yours."

    @default("enable_auth_state")
    def _default_enable_auth_state(self) -> bool:
        # the tokens with which groups are refreshed; JupyterHub refuses to start without a key to encrypt them
        return True

    @default("http_client")
    def _default_http_client(self) -> AsyncHTTPClient:
        # a class logs in within one minute, and nobody should wait long for a provider that hangs
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
        # not offline_access: some providers refuse it, others give tokens for it that outlive the logout
        return ["openid", "profile", "email"]

    @default("username_claim")
    def _default_username_claim(self) -> str:
        return "preferred_username"

    def check_allow_config(self) -> None:
        """Check the configuration, as JupyterHub has every authenticator do when it starts.

        Raises:
            SystemExit: with one sentence, if nobody could be logged in safely.
        """
        super().check_allow_config()
        here = f"c.{type(self).__name__}"
        checks = {
            f"{here}.issuer must be an address that starts with https://, not {self.issuer!r}": (
                self.issuer.startswith("https://")
            ),
            f"{here}.client_id must be set, or the variable OAUTH_CLIENT_ID": self.client_id,
            "the variable OAUTH_CLIENT_SECRET must hold the secret that the provider gave to this hub": self.client_secret,
            f"{here}.validate_server_cert must stay True; http_request_kwargs can name an authority of yours as ca_certs": (
                self.validate_server_cert
            ),
        }
        for sentence, holds in checks.items():
            if not holds:
                sys.exit(f"rc2hub: {sentence}.")

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """The pages of a login. JupyterHub asks for them once, when it starts; so then the provider is asked too."""
        self._first_look = asyncio.get_running_loop().create_task(self._look(), name="rc2 OpenID discovery")
        handlers: list[tuple[str, type]] = super().get_handlers(app)
        return handlers

    async def _look(self) -> None:
        with suppress(ProviderError):  # it is in the log, and the next login asks again
            await self.discover()

    def get_callback_url(self, handler: Any = None) -> str:
        """Where the provider sends people back to. The parent takes the innermost proxy's word for the protocol: http."""
        if self.oauth_callback_url or handler is None:
            return str(super().get_callback_url(handler))
        request = handler.request
        return str(guess_callback_uri(get_browser_protocol(request), request.host, handler.hub.server.base_url))

    def build_auth_state_dict(self, token_info: dict[str, Any], user_info: dict[str, Any]) -> AuthState:
        """What is stored of a login, encrypted; with the time at which the provider last said so."""
        return {**super().build_auth_state_dict(token_info, user_info), "confirmed": time.time()}

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> Model | bool:
        """What the provider says of the person now: her model, True to leave all as it is, False for a new login.

        Whoever asks while an answer is on its way shares it: a refresh token that is exchanged for a new one works once.
        """
        if not self.enable_auth_state:
            return True
        if handler is not None and not hasattr(handler, "_token_authenticated"):
            # JupyterHub 6.1 asks for it when a login is over, but has it on requests with a token only
            handler._token_authenticated = False
        if user.name not in self._refreshes:
            task = asyncio.create_task(self._refresh(user), name=f"rc2 refresh of {user.name}")
            task.add_done_callback(lambda _: self._refreshes.pop(user.name))
            self._refreshes[user.name] = task
        # a caller that gives up must not take the new token with it
        return await asyncio.shield(self._refreshes[user.name])

    async def _refresh(self, user: Any) -> Model | bool:
        state = await user.get_auth_state()
        try:
            model = await self._ask_again(user, state)
        except ProviderError:
            model = time.time() - (state or {}).get("confirmed", 0.0) < self.outage_grace
        if not model and self.manage_groups:
            # JupyterHub would leave them, for requests with a token
            user.sync_groups([])
        return model

    async def _ask_again(self, user: Any, state: AuthState | None) -> Model | bool:
        if self.refresh_user_hook is not None:
            decided: Model | bool | None = await self._call_refresh_user_hook(user, state)
            if decided is not None:
                return decided
        try:
            model = await self._model_now(user, state or {})
        except LoginRefusedError as error:
            if user.name not in self._out:
                self.log.info("%s has to log in again: %s", user.name, error)
            self._out.add(user.name)
            return False
        self._out.discard(user.name)
        return model if await self.check_allowed(user.name, model) else False

    async def _model_now(self, user: Any, state: AuthState) -> Model:
        """The person's model by her access token, or else by a new one."""
        await self.discover()
        tokens = state.get("token_response", {})
        if tokens and not self.userdata_from_id_token:  # an old ID token tells nothing new
            with suppress(LoginRefusedError):
                return await self._model_of(tokens)
        if not tokens.get("refresh_token"):
            raise LoginRefusedError("there is no refresh token, and no access token that still works.")
        fresh = await self.get_token_info(None, self.build_refresh_token_request_params(tokens["refresh_token"]))
        if self.userdata_from_id_token and "id_token" not in fresh:
            raise LoginRefusedError(
                "the provider gave no new ID token; c.Rc2OIDCAuthenticator.userdata_from_id_token needs it."
            )
        # what is not sent again stays: the refresh token, or the ID token that a logout shows
        tokens = {**tokens, **fresh}
        # at once, because the provider may go away before it has said who this is
        await user.save_auth_state({**state, "token_response": tokens})
        return await self._model_of(tokens)

    async def _model_of(self, tokens: dict[str, Any]) -> Model:
        model: Model = await self._token_to_auth_model(tokens)
        return model
