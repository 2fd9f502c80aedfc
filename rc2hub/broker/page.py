"""What a person sees at /services/rc2/: what is attached, as whom, until when, and how to use it; what is not, and why.

Admins of the hub see the pools, too.
"""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, Template
from jupyterhub.services.auth import HubOAuthenticated
from tornado.web import HTTPError, RequestHandler, authenticated

from rc2hub.broker.callers import Caller
from rc2hub.broker.state import Broker
from rc2hub.broker.wishes import Wish
from rc2hub.errors import Rc2Error
from rc2hub.permissions import Grant
from rc2hub.services.base import Server


class BrowserHandler(HubOAuthenticated, RequestHandler):  # type: ignore[misc]
    """A request from a person in a browser, who is logged in to JupyterHub."""

    async def prepare(self) -> None:
        """Ask the hub who this is without blocking the broker; `current_user` then finds the answer."""
        await self.hub_auth.get_user(self, sync=False)

    @property
    def broker(self) -> Broker:
        """The running broker."""
        broker: Broker = self.settings["broker"]
        return broker

    def show(self, message: str = "") -> None:
        """Answer with the page."""
        user = self.current_user["name"]
        servers = self.broker.servers_of(user)
        self.set_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
        self.finish(
            _template().render(
                user=user,
                message=message,
                servers=[(server, self.broker.catalogue_for(server)) for server in servers],
                catalogue=self.broker.catalogue_for(Server(user)),
                pools=self.broker.pools() if Caller.from_model(self.current_user).is_admin else [],
                home=self.hub_auth.hub_prefix + "home",
                change="change",
                xsrf=self.xsrf_token.decode(),
            )
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with one sentence."""
        error = kwargs.get("exc_info", (None, None))[1]
        self.finish(f"<!doctype html><title>Rc²</title><p>{getattr(error, 'reason', None) or self._reason}</p>")


class PageHandler(BrowserHandler):
    """The page itself."""

    @authenticated
    def get(self) -> None:
        """Show it."""
        self.show()


class ChangeHandler(BrowserHandler):
    """The page's buttons: attach and detach."""

    @authenticated
    async def post(self) -> None:
        """Do it, and show the page again."""
        server = Server(self.current_user["name"], self.get_body_argument("server", ""))
        service, level = self.get_body_argument("service"), self.get_body_argument("level", "") or None
        if server not in self.broker.servers_of(server.user) or service not in self.broker.reconciler.services:
            raise HTTPError(404, reason="This server does not run, or there is no such service.")
        if level is not None and Grant(service, level) not in self.broker.grants(server.user):
            raise HTTPError(403, reason=f"You have no grant for {service}; ask {self.broker.shared.contact_for(service)}.")
        try:
            await self.broker.wishes.fulfil(Wish(server.user, server.name, service, level), self.broker.reconciler)
        except Rc2Error as error:
            self.set_status(503)
            self.show(str(error))
        else:
            self.redirect("./")


@cache
def _template() -> Template:
    text = files("rc2hub.broker").joinpath("templates/page.html").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(text)
