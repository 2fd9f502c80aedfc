"""Streams to commands that run in pods, through the Kubernetes API."""

import asyncio
from typing import Any

from aiohttp import ClientError, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.stream import WsApiClient
from kubernetes_asyncio.stream.ws_client import ERROR_CHANNEL, STDIN_CHANNEL, STDOUT_CHANNEL

from rc2hub.errors import StandbyError

HEARTBEAT_INTERVAL = 20.0
"""Seconds between pings of a stream, less than the idle timeout of proxies before an API server."""
CONNECT_TIMEOUT = 10.0
"""Seconds for the API server and the node to open a stream; aiohttp would wait for five minutes."""
UNREACHABLE = "The R server could not be reached in its pod; start it again, or ask an operator."
MAX_LINE = 1 << 20
"""Bytes."""


class ExecStream:
    """Lines to and from a command in a pod, through the API server: authenticated, encrypted, and without an open port."""

    def __init__(self, client: WsApiClient, socket: ClientWebSocketResponse) -> None:
        """Take over the connection; use `open_exec`."""
        self._client, self._socket = client, socket
        self._buffer = b""

    async def write(self, line: bytes) -> None:
        """Send bytes to the command's input.

        Raises:
            OSError: if the connection is closed.
        """
        try:
            await self._socket.send_bytes(bytes([STDIN_CHANNEL]) + line)
        except (ClientError, RuntimeError) as error:
            raise OSError("The stream into the pod is closed.") from error

    async def readline(self) -> bytes:
        """The next line of the command's output; empty when the command or the connection has ended."""
        while b"\n" not in self._buffer and len(self._buffer) < MAX_LINE:
            message = await self._socket.receive()
            if message.type is not WSMsgType.BINARY or message.data[0] == ERROR_CHANNEL:
                return b""
            if message.data[0] == STDOUT_CHANNEL:
                self._buffer += message.data[1:]
        line, newline, self._buffer = self._buffer.partition(b"\n")
        return line + newline

    async def close(self) -> None:
        """Close the connection, which also closes the command's input."""
        await self._socket.close()
        await self._client.close()


async def open_exec(namespace: str, pod: str, container: str, command: list[str]) -> ExecStream:
    """Run a command in a container, with a stream to it.

    Raises:
        StandbyError: if the API server refuses it or does not answer in time, or the pod is gone.
    """
    client = WsApiClient(heartbeat=HEARTBEAT_INTERVAL)
    options: dict[str, Any] = {
        "command": command,
        "stdin": True,
        "stdout": True,
        "stderr": True,
        "tty": False,
        "_preload_content": False,
    }
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connecting: Any = await CoreV1Api(client).connect_get_namespaced_pod_exec(
                pod, namespace, container=container, **options
            )
            return ExecStream(client, await connecting)
    except BaseException as error:
        await client.close()
        if isinstance(error, ClientError | OSError):
            raise StandbyError(UNREACHABLE) from error
        raise


def exec_failure(error: StandbyError) -> str:
    """What the API server answered when a stream could not be opened, for operators."""
    cause = error.__cause__
    if isinstance(cause, WSServerHandshakeError):
        return f"the API server answers {cause.status} to an exec"
    return "an exec gets no answer" if isinstance(cause, TimeoutError) else str(error)
