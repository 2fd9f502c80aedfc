"""What the hub and the OpenID provider say to each other, for a login and for each refresh.

Three things can come of a question: an answer, a refusal (LoginRefusedError: the person has to log in again), an outage
(ProviderError). The parent tells the last two apart nowhere, and logs or shows answers with tokens in them.
"""

import time
from typing import Any

from oauthenticator.generic import GenericOAuthenticator
from tornado import web
from tornado.httpclient import HTTPClientError, HTTPRequest

from rc2hub.authenticators.provider import (
    LOGIN_AGAIN,
    TIMEOUT,
    WELL_KNOWN,
    Endpoints,
    error_code,
    is_outage,
    json_object,
)
from rc2hub.errors import LoginRefusedError, ProviderError

AWAY = "does not answer; try again in a few minutes"
PAUSE = 5.0
"""Seconds after a timeout in which nobody waits for the provider again: each page would take as long as the timeout."""


class Conversation(GenericOAuthenticator):  # type: ignore[misc]
    """The parent's questions to the provider, and the one for its endpoints."""

    issuer: Any

    def __init__(self, **kwargs: Any) -> None:
        """Start without knowing the provider's endpoints; `discover` asks for them."""
        super().__init__(**kwargs)
        self.end_session_url = ""
        self._discovered = False
        self._problem = ""
        self._asked_again_from = 0.0

    async def discover(self) -> None:
        """Learn where the provider does what, unless that is known; an address that the operator wrote stays.

        Raises:
            ProviderError: if it does not answer, or not with that.
        """
        if self._discovered:
            return
        try:
            found = Endpoints.read(await self.httpfetch(self.issuer.rstrip("/") + WELL_KNOWN), self.issuer)
        except HTTPClientError as error:
            raise self._failed(f"has no {WELL_KNOWN}; tell the operator of this hub", error) from error
        except ValueError as error:
            raise self._failed("does not describe itself as it should; tell the operator of this hub", error) from error
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
        if time.monotonic() < self._asked_again_from:
            raise self._failed(AWAY)
        try:
            response = await self.http_client.fetch(req, **kwargs)
            answer = json_object(response.body) if parse_json else response
        except HTTPClientError as error:
            if not is_outage(error):
                raise
            if error.code == TIMEOUT:
                self._asked_again_from = time.monotonic() + PAUSE
            raise self._failed(AWAY, error) from error
        except (OSError, ValueError) as error:
            raise self._failed(AWAY, error) from error
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
