"""People of an organisation log in at its OpenID provider, and lose their groups here when they lose them there.

oauthenticator does the login itself: authorization code with PKCE, the claim that holds the groups, who may log in, who
is admin. Added is what it lacks: the endpoints come from the issuer, a refresh tells an outage from a refusal, and
nothing that the provider answers gets into the log.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from oauthenticator.generic import GenericOAuthenticator
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from traitlets import Integer, Unicode, default

from rc2hub.authenticators.pages import CallbackHandler, LoginHandler, LogoutHandler
from rc2hub.authenticators.provider import LOGIN_AGAIN, WELL_KNOWN, Endpoints, error_code, is_outage
from rc2hub.errors import LoginRefusedError, ProviderError

Model = dict[str, Any]
"""What JupyterHub calls an auth model: name, groups, admin, auth_state."""
AuthState = dict[str, Any]


class Rc2OIDCAuthenticator(GenericOAuthenticator):  # type: ignore[misc]
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
        """Start without knowing the provider's endpoints; `discover` asks for them."""
        super().__init__(**kwargs)
        self.end_session_url = ""
        self._discovered = False
        self._refreshes: dict[str, asyncio.Task[Model | bool]] = {}
        self._problem = ""

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

    async def discover(self) -> None:
        """Learn where the provider does what, unless that is known; an address that the operator wrote stays.

        Raises:
            ProviderError: if it does not answer, or not with that.
        """
        if self._discovered:
            return
        try:
            document = await self.httpfetch(self.issuer.rstrip("/") + WELL_KNOWN)
        except HTTPClientError as error:
            raise self._failed(f"has no {WELL_KNOWN}; tell the operator of this hub", error) from error
        found = Endpoints.read(document, self.issuer)
        urls = {"authorize_url": found.authorize, "token_url": found.token}
        if not self.userdata_from_id_token:
            urls["userdata_url"] = found.userinfo
        for trait, url in urls.items():
            setattr(self, trait, getattr(self, trait) or url)
        self.end_session_url, self._discovered = found.end_session, True

    async def fetch(self, req: HTTPRequest, label: str = "", parse_json: bool = True, **kwargs: Any) -> Any:
        """Ask the provider. The parent would log what stands in an error's body, which may be anything.

        Raises:
            HTTPClientError: if the provider refuses.
            ProviderError: if it does not answer, or not in JSON.
        """
        try:
            response = await self.http_client.fetch(req, **kwargs)
            answer = json.loads(response.body or "null") if parse_json else response
        except HTTPClientError as error:
            if not is_outage(error):
                raise
            raise self._failed("does not answer; try again in a few minutes", error) from error
        except (OSError, ValueError) as error:
            raise self._failed("does not answer; try again in a few minutes", error) from error
        if self._problem:
            self.log.info("%s answers again.", self.login_service)
        self._problem = ""
        return answer

    def _failed(self, what: str, cause: Exception | None = None) -> ProviderError:
        """The error to raise; it is logged with its cause once, not again for each person."""
        sentence = f"{self.login_service} {what}."
        if sentence != self._problem:
            self.log.warning("%s (%s)", sentence, cause or "no more is known")
        self._problem = sentence
        return ProviderError(sentence)

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Exchange a code or a refresh token. The parent's errors hold the whole answer, tokens and all.

        Raises:
            LoginRefusedError: if the person has to log in again.
            ProviderError: if the provider does not answer, or refuses the hub.
        """
        try:
            tokens: dict[str, Any] = await super().get_token_info(handler, params)
        except HTTPClientError as error:
            code = error_code(error)
            if code in LOGIN_AGAIN:
                raise LoginRefusedError(f"{self.login_service} asks for a new login ({code}); log in again.") from error
            raise self._failed(f"refuses this hub ({code}); tell the operator of this hub", error) from error
        except web.HTTPError:
            raise self._failed("gave no access token; tell the operator of this hub") from None
        return tokens

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """The person's claims. The parent's errors hold the ID token.

        Raises:
            LoginRefusedError: if the access token has expired or was taken back.
            ProviderError: if the provider does not answer, or gave no ID token that can be read.
        """
        try:
            claims: dict[str, Any] = await super().token_to_user(token_info)
        except HTTPClientError as error:
            raise LoginRefusedError(f"{self.login_service} does not say who you are; log in again.") from error
        except web.HTTPError:
            raise self._failed("gave no ID token that can be read; tell the operator of this hub") from None
        return claims

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """The person's name here. The parent would log all her claims if there is none.

        Raises:
            LoginRefusedError: if the provider sends none.
        """
        claim = self.username_claim
        name = claim(user_info) if callable(claim) else user_info.get(claim)
        if not name:
            raise LoginRefusedError(f"{self.login_service} does not send the claim {claim}; tell the operator of this hub.")
        return str(name)

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
        if isinstance(model, dict):
            # before the next refresh can begin; JupyterHub stores it again, later
            await user.save_auth_state(model["auth_state"])
        elif not model and self.manage_groups:
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
            self.log.info("%s has to log in again: %s", user.name, error)
            return False
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
