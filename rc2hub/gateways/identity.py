"""Whose token is this, and may it use the service now: the broker knows, and is asked again every ten seconds."""

import asyncio
import json
import time
from dataclasses import dataclass

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from rc2hub.errors import NotGrantedError, ServiceUnavailableError

BELIEVED = 10.0
"""Seconds an answer of the broker is believed without asking again."""
PATIENCE = 20.0
"""Seconds a call waits for a broker that is being restarted."""
PAUSE = 0.5
FORBIDDEN = 403


@dataclass(frozen=True, order=True)
class Identity:
    """The compute server that a token is of, and its owner."""

    user: str
    server: str


class Identities:
    """Asks the broker, and remembers what it said for a moment."""

    def __init__(self, broker_url: str, service: str, secret: str) -> None:
        """Take the broker's root address, the name of our service there, and the secret we share with the broker."""
        self._url = f"{broker_url}api/tokens"
        self._service, self._secret = service, secret
        self._known: dict[str, tuple[float, asyncio.Future[Identity]]] = {}

    async def of(self, token: str) -> Identity:
        """Whose token this is.

        Raises:
            NotGrantedError: if it is nobody's, or its owner may not use the service now.
            ServiceUnavailableError: if the broker stays away.
        """
        now = time.monotonic()
        if token not in self._known or self._known[token][0] + BELIEVED < now:
            self._known = {other: said for other, said in self._known.items() if said[0] + BELIEVED >= now}
            self._known[token] = now, asyncio.ensure_future(self._ask(token))
        answer = self._known[token][1]
        try:
            return await asyncio.shield(answer)
        except (NotGrantedError, ServiceUnavailableError):
            self.forget(answer)
            raise

    def forget(self, gone: "Identity | asyncio.Future[Identity]") -> None:
        """Believe nothing any more that was said of this compute server, or in this answer."""
        for token, (_, answer) in list(self._known.items()):
            said = answer.result() if answer.done() and not answer.exception() else None
            if gone in (answer, said):
                del self._known[token]

    async def _ask(self, token: str) -> Identity:
        request = HTTPRequest(
            self._url,
            method="POST",
            headers={"Authorization": f"token {self._secret}", "Content-Type": "application/json"},
            body=json.dumps({"service": self._service, "token": token}),
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = json.loads((await AsyncHTTPClient().fetch(request)).body)
                return Identity(answer["user"], answer["server"])
            except (HTTPClientError, OSError) as error:
                if isinstance(error, HTTPClientError) and error.code == FORBIDDEN and error.response:
                    raise NotGrantedError(json.loads(error.response.body)["message"]) from error
                if time.monotonic() > deadline:
                    raise ServiceUnavailableError(
                        "The broker of the shared services does not answer; try again in a moment."
                    ) from error
            await asyncio.sleep(PAUSE)
