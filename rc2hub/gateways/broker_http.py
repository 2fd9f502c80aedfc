"""The calls of the broker to HDFS's gateway: JSON over HTTP, on its port, with a secret that only the two know."""

import hmac
from collections.abc import Callable
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.broker_calls import GATEWAY_LOST, BrokerFacingGateway, JsonMessage, broker_methods

BROKER_PREFIX = "/rc2/"


def add_broker_routes(app: web.Application, gateway: BrokerFacingGateway, secret: str) -> None:
    """Add the gateway's side to its application."""
    methods, expected = broker_methods(gateway), f"Bearer {secret}".encode()

    async def handle(request: web.Request) -> web.Response:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
            return web.json_response({"message": "Only the broker may call this method."}, status=403)
        try:
            return web.json_response(await methods[request.match_info["method"]](await request.json()))
        except ServiceUnavailableError as error:
            return web.json_response({"message": str(error)}, status=503)

    app.router.add_post(f"{BROKER_PREFIX}{{method:{'|'.join(methods)}}}", handle)


class HttpGatewayClient:
    """The broker's side."""

    def __init__(self, address: str, secret: Callable[[], str]) -> None:
        """Take the gateway's `http://host:port`, and a function that reads the secret at each call."""
        self._address, self._secret = address, secret
        self._session = ClientSession(trust_env=False)

    async def call(self, method: str, timeout: float, **message: Any) -> JsonMessage:  # noqa: ASYNC109 - as of gRPC
        """Call a method; `timeout` is in seconds.

        Raises:
            ServiceUnavailableError: if the gateway does not answer, or reports that the service cannot be used.
        """
        headers = {"Authorization": f"Bearer {self._secret()}"}
        url, limit = f"{self._address}{BROKER_PREFIX}{method}", ClientTimeout(total=timeout)
        try:
            async with self._session.post(url, json=message, headers=headers, timeout=limit) as answer:
                found: JsonMessage = await answer.json()
                status = answer.status
        except (ClientError, TimeoutError, ValueError) as error:
            raise ServiceUnavailableError(GATEWAY_LOST) from error
        if status == web.HTTPServiceUnavailable.status_code:
            raise ServiceUnavailableError(str(found["message"]))
        if status != web.HTTPOk.status_code:
            raise ServiceUnavailableError(GATEWAY_LOST)
        return found

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()
