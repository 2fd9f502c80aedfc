"""The hub's requests to the OpenID provider, for a login and for each refresh.

A request has one of three results: an answer, a refusal (LoginRefusedError: the user has to log in again), or an outage
(ProviderError). The parent class does not separate the last two, and it logs or shows answers with tokens in them.
"""

import time
from typing import Any

from oauthenticator.generic import GenericOAuthenticator
from tornado import web
from tornado.httpclient import HTTPClientError, HTTPRequest

from rc2hub.errors import LoginRefusedError, ProviderError
from rc2hub.hub.authenticators.oidc_provider import (
    NEW_LOGIN_CODES,
    TIMEOUT_STATUS,
    WELL_KNOWN,
    Endpoints,
    error_code,
    is_outage,
    json_object,
)

NO_ANSWER = "does not answer; try again in a few minutes"
RETRY_DELAY = 5.0
"""Seconds after a timeout in which the provider is not asked again; else each page would take as long as the timeout."""


class OIDCClient(GenericOAuthenticator):  # type: ignore[misc]
    """The parent's requests to the provider, and the discovery of its endpoints."""

    issuer: Any

    def __init__(self, **kwargs: Any) -> None:
        """Start without knowing the provider's endpoints; `discover` asks for them."""
        super().__init__(**kwargs)
        self.end_session_url = ""
        self._discovered = False
        self._problem = ""
        self._retry_at = 0.0

    async def discover(self) -> None:
        """Read the provider's endpoints, once. An address in the operator's configuration is kept.

        Raises:
            ProviderError: if the provider does not answer, or has no valid discovery document.
        """
        if self._discovered:
            return
        try:
            found = Endpoints.read(await self.httpfetch(self.issuer.rstrip("/") + WELL_KNOWN), self.issuer)
        except HTTPClientError as error:
            raise self._failed(f"has no {WELL_KNOWN}; tell the operator of this hub", error) from error
        except ValueError as error:
            raise self._failed("has an invalid discovery document; tell the operator of this hub", error) from error
        urls = {"authorize_url": found.authorize, "token_url": found.token}
        if not self.userdata_from_id_token:
            urls["userdata_url"] = found.userinfo
        for trait, url in urls.items():
            setattr(self, trait, getattr(self, trait) or url)
        self.end_session_url, self._discovered = found.end_session, True

    async def fetch(self, req: HTTPRequest, label: str = "", parse_json: bool = True, **kwargs: Any) -> Any:
        """Send a request to the provider. The parent would log the body of an error, which may hold secrets.

        Raises:
            HTTPClientError: if the provider refuses the request.
            ProviderError: if the provider does not answer, or answers without JSON.
        """
        if time.monotonic() < self._retry_at:
            raise self._failed(NO_ANSWER)
        try:
            response = await self.http_client.fetch(req, **kwargs)
            answer = json_object(response.body) if parse_json else response
        except HTTPClientError as error:
            if not is_outage(error):
                raise
            if error.code == TIMEOUT_STATUS:
                self._retry_at = time.monotonic() + RETRY_DELAY
            raise self._failed(NO_ANSWER, error) from error
        except (OSError, ValueError) as error:
            raise self._failed(NO_ANSWER, error) from error
        if self._problem:
            self.log.info("%s answers again.", self.login_service)
        self._problem = ""
        return answer

    def _failed(self, problem: str, cause: Exception | None = None) -> ProviderError:
        """The error to raise; it is logged with its cause once, not for each user."""
        sentence = f"{self.login_service} {problem}."
        if sentence != self._problem:
            self.log.warning("%s (%s)", sentence, cause or "the last request failed")
        self._problem = sentence
        return ProviderError(sentence)

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Exchange a code or a refresh token. The parent's errors hold the whole answer, with its tokens.

        Raises:
            LoginRefusedError: if the user has to log in again.
            ProviderError: if the provider does not answer, or refuses the hub.
        """
        try:
            tokens: dict[str, Any] = await super().get_token_info(handler, params)
        except HTTPClientError as error:
            code = error_code(error)
            if code in NEW_LOGIN_CODES:
                raise LoginRefusedError(f"{self.login_service} asks for a new login ({code}); log in again.") from error
            raise self._failed(f"refuses this hub ({code}); tell the operator of this hub", error) from error
        except web.HTTPError:
            raise self._failed("gave no access token; tell the operator of this hub") from None
        return tokens

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """The user's claims. The parent's errors hold the ID token.

        Raises:
            LoginRefusedError: if the access token has expired or was revoked.
            ProviderError: if the provider does not answer, or its ID token cannot be read.
        """
        try:
            claims: dict[str, Any] = await super().token_to_user(token_info)
        except HTTPClientError as error:
            raise LoginRefusedError(f"{self.login_service} does not confirm who you are; log in again.") from error
        except web.HTTPError:
            raise self._failed("gave no ID token that can be read; tell the operator of this hub") from None
        return claims

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """The user's name in JupyterHub. If it is missing, the parent would log all claims.

        Raises:
            LoginRefusedError: if the provider sends no name.
        """
        claim = self.username_claim
        name = claim(user_info) if callable(claim) else user_info.get(claim)
        if not name:
            raise LoginRefusedError(f"{self.login_service} does not send the claim {claim}; tell the operator of this hub.")
        return str(name)
