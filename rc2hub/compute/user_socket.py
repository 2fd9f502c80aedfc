"""Websockets of JupyterLab's pages at the server's own address."""

from http import HTTPStatus

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import ensure_async
from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler


class UserSocket(WebSocketMixin, JupyterHandler, WebSocketHandler):
    """A websocket for those who may run code on this server."""

    auth_resource = "kernels"

    async def require_user(self) -> None:
        """Refuse everybody else, before the websocket is opened.

        Raises:
            HTTPError: 403, if the user may not run code.
        """
        if not self.current_user or not await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, "execute", self.auth_resource)
        ):
            raise HTTPError(HTTPStatus.FORBIDDEN)
