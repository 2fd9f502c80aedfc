"""The broker's REST API: who calls, what they get, and every error as one sentence of JSON."""

import json
from importlib.resources import files
from typing import Any

from jupyterhub.services.auth import HubOAuth
from tornado.web import HTTPError, RequestHandler

from rc2hub.broker.callers import Caller
from rc2hub.broker.state import Broker
from rc2hub.broker.wire import DEFAULT_SERVER, decode
from rc2hub.broker.wishes import Wish
from rc2hub.errors import NotGrantedError, Rc2Error, RequestError, ServiceUnavailableError
from rc2hub.permissions import Grant
from rc2hub.services.base import Server

ERROR = 400
LONGEST_WAIT = 30.0
"""Seconds a question may be held open."""
FIRST_LIST = 10.0
"""Seconds that a broker that has just started waits for the hub's list before it says so."""
STATUS = {RequestError: 400, NotGrantedError: 403, ServiceUnavailableError: 503}


class ApiHandler(RequestHandler):
    """A request that names itself by a token in its header; cookies do not count, so no page can forge it."""

    @property
    def broker(self) -> Broker:
        """The running broker."""
        broker: Broker = self.settings["broker"]
        return broker

    def check_xsrf_cookie(self) -> None:
        """Nothing to check: the token in the header is the proof."""

    def token(self) -> str | None:
        """The token in the request's header."""
        token: str | None = HubOAuth.instance().get_token(self, in_cookie=False)
        return token or None

    async def caller(self) -> Caller:
        """Who calls, as JupyterHub says.

        Raises:
            HTTPError: 403 if the token is missing, unknown, may not use this service, or is that of a stopped server.
            ServiceUnavailableError: if the hub does not tell which servers run.
        """
        return await self.owner_of(self.token())

    async def owner_of(self, token: str | None) -> Caller:
        """Whose token this is, as JupyterHub says.

        Raises:
            HTTPError: 403 if it is missing, unknown, may not use this service, or is that of a stopped server.
            ServiceUnavailableError: if the hub does not tell which servers run.
        """
        auth = HubOAuth.instance()
        model = await auth.user_for_token(token, sync=False) if token else None
        if not model or model.get("kind", "user") != "user" or not auth.check_scopes(auth.access_scopes, model):
            raise HTTPError(403, reason="A valid JupyterHub token for this service is needed.")
        caller = Caller.from_model(model)
        if not await self.broker.reconciler.until(lambda: self.broker.reconciler.desired is not None, FIRST_LIST):
            raise ServiceUnavailableError("The hub has not told yet which servers run; try again in a moment.")
        if caller.own_server and caller.own_server not in self.broker.servers_of(caller.user):
            raise HTTPError(403, reason="The server of this token does not run.")
        return caller

    async def managed_server(self, user: str, name: str) -> tuple[Caller, Server]:
        """The server in the path, if it is the caller's.

        Raises:
            HTTPError: 403 if it is not, whether it exists or not; 404 if it does not run.
        """
        caller, server = await self.caller(), Server(user, "" if name == DEFAULT_SERVER else name)
        if not caller.may_manage(server):
            raise HTTPError(403, reason="This server is not yours.")
        if server not in self.broker.servers_of(caller.user):
            raise HTTPError(404, reason="This server does not run.")
        return caller, server

    async def require_admin(self) -> None:
        """Let only admins of the hub pass.

        Raises:
            HTTPError: 403 for anybody else, an admin's own server included.
        """
        if not (await self.caller()).is_admin:
            raise HTTPError(403, reason="Only an admin of the hub may do this.")

    def require_hub(self) -> None:
        """Let only the hub itself pass.

        Raises:
            HTTPError: 403 for anybody else.
        """
        if not self.broker.is_hub(self.token()):
            raise HTTPError(403, reason="Only the hub may do this.")

    def wait_argument(self) -> float:
        """How many seconds the caller is willing to wait.

        Raises:
            RequestError: if that is not a number of seconds from 0 to 30.
        """
        try:
            wait = float(self.get_query_argument("wait", "0"))
        except ValueError:
            wait = -1.0
        if not 0 <= wait <= LONGEST_WAIT:
            raise RequestError(f"wait: must be a number of seconds from 0 to {LONGEST_WAIT:.0f}.")
        return wait

    def body(self) -> dict[str, Any]:
        """The JSON object in the body.

        Raises:
            RequestError: if there is none.
        """
        try:
            body = json.loads(self.request.body or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise RequestError("The body must be a JSON object.")
        return body

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Errors that are a sentence are answered, not logged with a traceback."""
        if not isinstance(value, Rc2Error):
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with one sentence."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, Rc2Error):
            status_code = STATUS.get(type(error), 500)
            message = str(error)
        else:
            message = getattr(error, "reason", None) or self._reason
        self.set_status(status_code)
        self.finish({"message": message})


class UnknownHandler(ApiHandler):
    """Any other path."""

    def prepare(self) -> None:
        """Say that there is nothing.

        Raises:
            HTTPError: 404, always.
        """
        raise HTTPError(404, reason="There is nothing at this address.")


class DocumentHandler(ApiHandler):
    """The OpenAPI document of this API."""

    def get(self) -> None:
        """Serve the document."""
        self.set_header("Content-Type", "application/json")
        self.write(files("rc2hub.broker").joinpath("openapi.json").read_bytes())


class HealthHandler(ApiHandler):
    """Whether the broker works, and which services answer; open to everyone, so it says no more than that."""

    def get(self) -> None:
        """Tell states only."""
        reconciler = self.broker.reconciler
        states = {name: "failed" if name in reconciler.failures else "ready" for name in sorted(reconciler.services)}
        self.write({"listening": reconciler.desired is not None, "services": states})


class ServicesHandler(ApiHandler):
    """The catalogue as the caller sees it."""

    async def get(self) -> None:
        """For the calling server, or for the caller's server that the query names (the default one otherwise)."""
        caller = await self.caller()
        server = caller.own_server or Server(caller.user, self.get_query_argument("server", ""))
        self.write({"services": self.broker.catalogue_for(server)})


class AttachmentsHandler(ApiHandler):
    """The attachments of one server; with that server's own token also their secret files."""

    async def get(self, user: str, name: str) -> None:
        """Answer at once, or after at most `wait` seconds.

        With `If-None-Match`, wait for something other than that; without, until nothing holds up the prompt.
        """
        wait = self.wait_argument()
        caller, server = await self.managed_server(user, name)
        reconciler, known = self.broker.reconciler, self.request.headers.get("If-None-Match")
        if known is None:
            await reconciler.until(lambda: not reconciler.holds_up(server), wait)
        elif not await reconciler.until(lambda: reconciler.version(server) != known, wait):
            self.set_status(304)
            return
        attachments = reconciler.states(server)
        if caller.own_server == server:
            for attachment in attachments:
                attachment["files"] = dict(reconciler.files(server, attachment["service"]))
        self.set_header("Etag", reconciler.version(server))
        self.set_header("Cache-Control", "no-store")
        self.write({"attachments": attachments})


class AttachmentHandler(ApiHandler):
    """One service of one running server."""

    async def put(self, user: str, name: str, service: str) -> None:
        """Attach the service live."""
        _, server = await self.managed_server(user, name)
        level = self._check(server, service, self.body().get("level"))
        await self.broker.wishes.fulfil(Wish(server.user, server.name, service, level), self.broker.reconciler)
        state = next(state for state in self.broker.reconciler.states(server) if state["service"] == service)
        if state["state"] == "failed":
            raise ServiceUnavailableError(state["why"])
        self.write(state)

    async def delete(self, user: str, name: str, service: str) -> None:
        """Detach the service; R goes on."""
        _, server = await self.managed_server(user, name)
        self._known(service)
        await self.broker.wishes.fulfil(Wish(server.user, server.name, service, None), self.broker.reconciler)
        self.set_status(204)

    def _known(self, service: str) -> None:
        if service not in self.broker.reconciler.services:
            raise HTTPError(404, reason="There is no such service.")

    def _check(self, server: Server, service: str, level: object) -> str:
        self._known(service)
        levels = self.broker.reconciler.services[service].levels
        level = levels[0] if level is None else level
        if level not in levels:
            raise RequestError(f"level: must be one of {', '.join(levels)}.")
        if Grant(service, str(level)) not in self.broker.grants(server.user):
            contact = self.broker.shared.contact_for(service)
            raise NotGrantedError(f"{service}: you have no grant for it at the level {level}; ask {contact}.")
        return str(level)


class PoolsHandler(ApiHandler):
    """How the standbys are, for admins."""

    async def get(self) -> None:
        """As the hub said last."""
        await self.require_admin()
        self.write({"pools": self.broker.pools()})


class TokensHandler(ApiHandler):
    """What a gateway asks at each new token."""

    async def post(self) -> None:
        """Whose token it is, if that compute server may use the gateway's service now."""
        body = self.body()
        service, token = str(body.get("service")), body.get("token")
        kind = self.broker.reconciler.services.get(service)
        if kind is None or not kind.is_gateway(self.token() or ""):
            raise HTTPError(403, reason="Only a gateway may do this.")
        caller, desired = await self.owner_of(token if isinstance(token, str) else None), self.broker.reconciler.desired
        if desired is None or caller.own_server not in desired.wanted(service):
            contact = self.broker.shared.contact_for(service)
            raise NotGrantedError(f"{service} is not attached to your server; attach it, or ask {contact} for a grant.")
        self.write({"user": caller.user, "server": caller.own_server.name})


class StateHandler(ApiHandler):
    """The hub's push."""

    def put(self) -> None:
        """Take the whole desired state."""
        self.require_hub()
        try:
            desired = decode(self.body())
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise RequestError("The body is not a desired state; see the OpenAPI document.") from error
        self.broker.reconciler.accept(desired)
        self.set_status(204)


class WishesHandler(ApiHandler):
    """What people asked for live, for the hub to decide."""

    async def get(self) -> None:
        """Answer as soon as there is a wish, or empty after `wait` seconds."""
        self.require_hub()
        self.write({"wishes": await self.broker.wishes.take(self.wait_argument())})
