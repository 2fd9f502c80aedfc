"""The Jupyter server extension of Rc²: follows the broker, answers links to services, asks for no news."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.base import BaseKernelWebsocketConnection
from tornado.web import Application

from rc2hub.compute.attachments import Attachments
from rc2hub.compute.link import LinkHandler

PageHook = Callable[[JupyterHandler, dict[str, Any]], dict[str, Any]]
NEWS = "@jupyterlab/apputils-extension:announcements"
"""The part of JupyterLab that asks each person for news, and looks for updates of what an operator installs."""


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    """Answer at the server's own address; handlers that are added later come before Jupyter's, which only redirects."""
    attachments = app.web_app.settings["rc2_attachments"] = Attachments(app.log)
    application: Application = app.web_app
    application.add_handlers(".*$", [(f"{app.base_url}?", LinkHandler, {"attachments": attachments})])
    application.settings["page_config_hook"] = partial(_without_news, application.settings["page_config_hook"])
    connection = application.settings["kernel_websocket_connection_class"]
    application.settings["kernel_websocket_connection_class"] = _at_once(connection)


def _at_once(connection: type[BaseKernelWebsocketConnection]) -> type[BaseKernelWebsocketConnection]:
    """That connection, which sends each message of R's when it comes; Tornado would hold the second of a cell for 40 ms.

    https://www.tornadoweb.org/en/stable/websocket.html#tornado.websocket.WebSocketHandler.set_nodelay
    """

    class AtOnce(connection):  # type: ignore[misc, valid-type]
        def connect(self) -> Any:
            self.websocket_handler.set_nodelay(True)
            return super().connect()

    return AtOnce


def _without_news(then: PageHook, handler: JupyterHandler, page: dict[str, Any]) -> dict[str, Any]:
    """JupyterLab's page without its news; then what JupyterHub does to the page."""
    page["disabledExtensions"] = [*page["disabledExtensions"], NEWS]
    return then(handler, page)


async def _start_jupyter_server_extension(app: ServerApp) -> None:
    """Follow the broker from now on; the task belongs to the server application and ends with it."""
    settings = app.web_app.settings
    settings["rc2_following"] = asyncio.create_task(settings["rc2_attachments"].keep(), name="rc2 attachments")
