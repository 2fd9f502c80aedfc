"""Asks the broker whose token a call carries, and whether its owner may use the service now."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from rc2hub.errors import NotGrantedError, ServiceUnavailableError
from rc2hub.server_id import ServerId

REVIEW_LIFETIME = 10.0
"""Seconds for which an answer of the broker is used again."""
BROKER_TIMEOUT = 20.0
"""Seconds that a call waits for a broker that is being restarted."""
RETRY_DELAY = 0.5
"""Seconds between two requests to a broker that does not answer."""
FORBIDDEN = 403


def bearer_token(headers: Mapping[str, str]) -> str:
    """The token in the header `Authorization` of a call; empty if there is none."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True)
class Review:
    """What the broker says of a token."""

    server_id: ServerId
    level: str
    """The level at which the server may use the service now."""
    groups: frozenset[str] = frozenset()
    """The user's groups in the hub."""


class TokenReviewer:
    """Asks the broker, and keeps its answers for ten seconds."""

    def __init__(self, broker_url: str, service: str, secret: str) -> None:
        """Take the broker's root address, the service's name in the catalogue, and the secret shared with the broker."""
        self._url = f"{broker_url}api/token-reviews"
        self._service, self._secret = service, secret
        self._reviews: dict[str, tuple[float, asyncio.Future[Review]]] = {}

    async def review(self, token: str) -> Review:
        """The server that owns this token, and its level.

        Raises:
            NotGrantedError: if no server owns it, or its user may not use the service now.
            ServiceUnavailableError: if the broker does not answer.
        """
        now = time.monotonic()
        if token not in self._reviews or self._reviews[token][0] + REVIEW_LIFETIME < now:
            self._reviews = {other: kept for other, kept in self._reviews.items() if kept[0] + REVIEW_LIFETIME >= now}
            self._reviews[token] = now, asyncio.ensure_future(self._ask_broker(token))
        answer = self._reviews[token][1]
        try:
            return await asyncio.shield(answer)
        except (NotGrantedError, ServiceUnavailableError):
            self._reviews = {other: kept for other, kept in self._reviews.items() if kept[1] is not answer}
            raise

    def forget(self, server_id: ServerId) -> None:
        """Ask the broker again at the next call of this server."""
        for token, (_, answer) in list(self._reviews.items()):
            if answer.done() and not answer.exception() and answer.result().server_id == server_id:
                del self._reviews[token]

    async def _ask_broker(self, token: str) -> Review:
        request = HTTPRequest(
            self._url,
            method="POST",
            headers={"Authorization": f"token {self._secret}", "Content-Type": "application/json"},
            body=json.dumps({"service": self._service, "token": token}),
        )
        deadline = time.monotonic() + BROKER_TIMEOUT
        while True:
            try:
                answer = json.loads((await AsyncHTTPClient().fetch(request)).body)
                return Review(
                    ServerId(answer["user"], answer["server"]), answer["level"], frozenset(answer.get("groups", ()))
                )
            except (HTTPClientError, OSError) as error:
                if isinstance(error, HTTPClientError) and error.code == FORBIDDEN and error.response:
                    raise NotGrantedError(json.loads(error.response.body)["message"]) from error
                if time.monotonic() > deadline:
                    raise ServiceUnavailableError(
                        "The broker of the shared services does not answer; try again in a moment."
                    ) from error
            await asyncio.sleep(RETRY_DELAY)
