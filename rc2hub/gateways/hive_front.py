"""The port of the Hive gateway: Thrift over HTTP and over SASL, what R and Spark's gateway ask, and the broker's calls."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import web

from rc2hub.errors import NotGrantedError, ServiceUnavailableError
from rc2hub.gateways.broker_calls import BrokerFacingGateway
from rc2hub.gateways.broker_http import add_broker_routes
from rc2hub.gateways.hive_client import THRIFT
from rc2hub.gateways.hive_conf import ACCESS_PATH
from rc2hub.gateways.hive_sasl import START, SaslConnection
from rc2hub.gateways.thrift_message import ThriftError
from rc2hub.gateways.token_review import bearer_token

MAX_CALL = 4 << 20
"""Bytes of a call; the largest ones add partitions, of which Spark sends a hundred at a time."""
SHUTDOWN_TIMEOUT = 1.0
"""Seconds that running calls have when the gateway stops."""
METASTORE_PATH, TABLES_PATH = "/metastore", "/tables"


class UserFacingGateway(BrokerFacingGateway, Protocol):
    """What users' programs need of the gateway; each call has a token."""

    async def answer(self, token: str, content: bytes) -> bytes:
        """The answer to a call of the metastore."""

    async def list_tables(self, token: str) -> list[dict[str, str]]:
        """All tables that the user may see."""

    async def own_database(self, token: str) -> str:
        """The user's database."""


class FirstByte(asyncio.Protocol):
    """Hands a new connection to Thrift over SASL or to HTTP: SASL begins with a byte that HTTP does not have."""

    def __init__(self, sasl: Callable[[], asyncio.Protocol], http: Callable[[], asyncio.BaseProtocol]) -> None:
        """Take the function that makes the protocol of each connection."""
        self._sasl, self._http = sasl, http
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first byte."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Choose the protocol."""
        protocol: Any = self._sasl() if data[0] == START else self._http()
        transport: Any = self._transport
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)


def gateway_runner(gateway: UserFacingGateway, secret: str) -> web.AppRunner:
    """The server of a gateway's HTTP. It has no line of the log for each call beside the gateway's."""

    async def metastore(request: web.Request) -> web.Response:
        try:
            content = await gateway.answer(bearer_token(request.headers), await request.read())
        except ThriftError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.Response(body=content, content_type=THRIFT)

    async def tables(request: web.Request) -> web.Response:
        return await as_json(gateway.list_tables(bearer_token(request.headers)))

    async def access(request: web.Request) -> web.Response:
        return await as_json(gateway.own_database(bearer_token(request.headers)), "database")

    app = web.Application(client_max_size=MAX_CALL)
    add_broker_routes(app, gateway, secret)
    app.router.add_post(METASTORE_PATH, metastore)
    app.router.add_post(f"{METASTORE_PATH}/*", metastore)  # the path of Hive's own client
    app.router.add_get(TABLES_PATH, tables)
    app.router.add_get(ACCESS_PATH, access)
    return web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_TIMEOUT)


async def listen(gateway: UserFacingGateway, runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    """Listen for both kinds of connections; the runner is set up."""

    async def serve_sasl(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await SaslConnection(reader, writer).serve(gateway.answer, MAX_CALL)

    def sasl() -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), serve_sasl)

    loop = asyncio.get_running_loop()
    http: Any = runner.server
    return await loop.create_server(lambda: FirstByte(sasl, http), host, port)


async def as_json(answer: Awaitable[object], name: str = "tables") -> web.Response:
    """An answer under this name, or the sentence of a refusal."""
    try:
        return web.json_response({name: await answer})
    except NotGrantedError as error:
        return web.json_response({"message": str(error)}, status=403)
    except ServiceUnavailableError as error:
        return web.json_response({"message": str(error)}, status=503)
