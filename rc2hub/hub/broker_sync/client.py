"""HTTP calls from the hub to the broker."""

from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, ClientTimeout
from jupyterhub.httpclient import fetch

from rc2hub.errors import ServiceUnavailableError
from rc2hub.messages import DEFAULT_SERVER, ChangeRequest, DesiredState, ServerId, encode

LONG_POLL = 15.0
"""Seconds that the broker may hold a question for change requests open."""
ATTACH_TIMEOUT = 8.0
"""Seconds that a start waits for the attachments it needs, so that a dead service fails the start within ten."""


class BrokerClient:
    """Calls the broker with the secret that hub and broker share."""

    def __init__(self, url: str, token: str) -> None:
        """Take the broker's root URL, which ends in `/services/rc2/`, and the shared secret."""
        self.url = url
        self._token = token

    async def put_desired_state(self, desired: DesiredState) -> None:
        """Send the whole desired state.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        await self._call("PUT", "api/desired-state", json=encode(desired))

    async def change_requests(self, wait: float) -> list[ChangeRequest]:
        """Fetch the users' change requests; waits up to `wait` seconds for a first one.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        answer = await self._call("GET", f"api/change-requests?wait={wait}")
        return [ChangeRequest(**request) for request in (await answer.json())["change_requests"]]

    async def attachments(self, server: ServerId, server_token: str) -> list[dict[str, Any]]:
        """The server's attachments with their secret files, once those that block its start are decided.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        path = f"api/servers/{quote(server.user, safe='')}/{quote(server.name or DEFAULT_SERVER, safe='')}/attachments"
        answer = await self._call("GET", f"{path}?wait={ATTACH_TIMEOUT}", token=server_token)
        attachments: list[dict[str, Any]] = (await answer.json())["attachments"]
        return attachments

    async def health(self) -> dict[str, str]:
        """Service name to state, `ready` or `failed`; empty while the broker does not answer."""
        try:
            states: dict[str, str] = (await (await self._call("GET", "api/health")).json())["services"]
        except ServiceUnavailableError:
            return {}
        return states

    async def _call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> ClientResponse:
        headers = {"Authorization": f"token {token or self._token}"}
        timeout = ClientTimeout(total=LONG_POLL + ATTACH_TIMEOUT)
        try:
            response: ClientResponse = await fetch(
                self.url + path, method=method, headers=headers, timeout=timeout, **options
            )
        except (ClientError, TimeoutError) as error:
            raise ServiceUnavailableError(
                "The broker of the shared services does not answer; try again in a moment."
            ) from error
        return response
