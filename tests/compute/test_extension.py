"""What Rc²'s extension adds to a Jupyter server."""

import logging
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_server.services.kernels.connection.base import BaseKernelWebsocketConnection
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

from rc2hub.compute.extension import _load_jupyter_server_extension

SETTING = "kernel_websocket_connection_class"


class Connection(BaseKernelWebsocketConnection):
    kernel_manager: Any = SimpleNamespace(provisioner=None)  # as that of a kernel which has ended

    def connect(self) -> None:
        """Send the socket's TCP_NODELAY to the other side."""
        stream = self.websocket_handler.ws_connection.stream
        self.websocket_handler.write_message(str(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))


class Kernel(WebSocketHandler):
    async def open(self, *_: str) -> None:
        self.settings[SETTING](websocket_handler=self).connect()


async def test_the_messages_of_r_are_sent_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RC2_BROKER_URL", "JUPYTERHUB_API_TOKEN", "JUPYTERHUB_USER"):
        monkeypatch.setenv(name, "ada")
    settings: dict[str, Any] = {"page_config_hook": None, SETTING: Connection}
    application = Application([("/kernel", Kernel)], **settings)
    app = SimpleNamespace(
        log=logging.getLogger(),
        web_app=application,
        base_url="/user/ada/",
        root_dir="",
        config={},
        kernel_manager=SimpleNamespace(),
    )
    _load_jupyter_server_extension(app)  # type: ignore[arg-type]
    sock, port = bind_unused_port()
    server = HTTPServer(application)
    server.add_socket(sock)
    connection = await websocket_connect(f"ws://127.0.0.1:{port}/kernel")
    assert await connection.read_message() == "1"
    connection.close()
    server.stop()
    await server.close_all_connections()
