"""The page at /services/rc2/: the user's services, their state, role, expiry and R code, and buttons to change them.

Admins of the hub also see the pools, and what services warn of.
"""

from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from jinja2 import Environment, Template
from jupyterhub.services.auth import HubOAuthenticated
from tornado.web import HTTPError, RequestHandler, authenticated

from rc2hub.broker.callers import Caller
from rc2hub.broker.state import BrokerState
from rc2hub.errors import Rc2Error
from rc2hub.messages import ChangeRequest
from rc2hub.permissions import Grant
from rc2hub.server_id import ServerId

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""The style, the script of the dark mode and the logo are JupyterHub's, at the same host; its style holds small images."""


class BrowserHandler(HubOAuthenticated, RequestHandler):  # type: ignore[misc]
    """A request from a browser whose user is logged in to JupyterHub."""

    async def prepare(self) -> None:
        """Look the user up in the hub without blocking the broker; `current_user` then finds the cached answer."""
        await self.hub_auth.get_user(self, sync=False)

    @property
    def broker(self) -> BrokerState:
        """The broker's state."""
        broker: BrokerState = self.settings["broker"]
        return broker

    async def render_page(self, message: str = "") -> None:
        """Answer with the page, and an error message above the table."""
        user = self.current_user["name"]
        servers, is_admin = self.broker.desired.servers_of(user), Caller.from_model(self.current_user).is_admin
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.finish(
            _template().render(
                user=user,
                message=message,
                servers=[(server, (await self.broker.catalogue_for(server)).services) for server in servers],
                catalogue=(await self.broker.catalogue_for(ServerId(user))).services,
                pools=self.broker.desired.pools if is_admin else [],
                warnings=self.broker.warnings() if is_admin else {},
                hub=self.hub_auth.hub_prefix,
                change="change",
                xsrf=self.xsrf_token.decode(),
            )
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the error's sentence."""
        error = kwargs.get("exc_info", (None, None))[1]
        reason = getattr(error, "reason", None) or self._reason
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.finish(f"<!doctype html><title>Rc²</title><p>{escape(reason)}</p>")


class PageHandler(BrowserHandler):
    """The page itself."""

    @authenticated
    async def get(self) -> None:
        """Answer with the page."""
        await self.render_page()


class ChangeHandler(BrowserHandler):
    """The page's buttons: attach and detach."""

    @authenticated
    async def post(self) -> None:
        """Submit the change, and go back to the page."""
        server = ServerId(self.current_user["name"], self.get_body_argument("server", ""))
        service, level = self.get_body_argument("service"), self.get_body_argument("level", "") or None
        if server not in self.broker.desired.servers_of(server.user) or service not in self.broker.reconciler.services:
            raise HTTPError(404, reason="This server is not running, or the service does not exist.")
        if level is not None and Grant(service, level) not in self.broker.desired.grants(server.user):
            raise HTTPError(403, reason=f"You have no grant for {service}; ask {self.broker.shared.contact_for(service)}.")
        try:
            await self.broker.change_requests.submit(ChangeRequest(server.user, server.name, service, level))
        except Rc2Error as error:
            self.set_status(503)
            await self.render_page(str(error))
        else:
            self.redirect("./")


@cache
def _template() -> Template:
    text = files("rc2hub.broker").joinpath("templates/page.html").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(text)
