"""The broker's REST API. Every error is a JSON object with one sentence in `message`."""

import json
from importlib.resources import files
from typing import Any

from jupyterhub.services.auth import HubOAuth
from tornado.web import HTTPError, RequestHandler

from rc2hub.broker.callers import Caller
from rc2hub.broker.state import BrokerState
from rc2hub.errors import NotGrantedError, Rc2Error, RequestError, ServiceUnavailableError
from rc2hub.messages import DEFAULT_SERVER, ChangeRequest, ServerId, decode
from rc2hub.permissions import Grant

FIRST_ERROR_STATUS = 400
MAX_WAIT = 30.0
"""Longest `wait` of a long poll, in seconds."""
DESIRED_STATE_TIMEOUT = 10.0
"""Seconds that a request waits, after a start of the broker, for the first desired state."""
STATUS_CODES = {RequestError: 400, NotGrantedError: 403, ServiceUnavailableError: 503}


class ApiHandler(RequestHandler):
    """A request with a token in its header. Cookies are ignored, so another web page cannot forge a request."""

    @property
    def broker(self) -> BrokerState:
        """The broker's state."""
        broker: BrokerState = self.settings["broker"]
        return broker

    def check_xsrf_cookie(self) -> None:
        """Check nothing: the token in the header authenticates the request."""

    def token(self) -> str | None:
        """The token in the request's header."""
        token: str | None = HubOAuth.instance().get_token(self, in_cookie=False)
        return token or None

    async def caller(self) -> Caller:
        """The user or compute server whose token is in the header.

        Raises:
            HTTPError, ServiceUnavailableError: as `identify`.
        """
        return await self.identify(self.token())

    async def identify(self, token: str | None) -> Caller:
        """The user or compute server that JupyterHub issued the token to.

        Raises:
            HTTPError: 403 if the token is missing or unknown, has no access to this service, or is a stopped server's.
            ServiceUnavailableError: if the hub has not sent a desired state yet.
        """
        auth = HubOAuth.instance()
        model = await auth.user_for_token(token, sync=False) if token else None
        if not model or model.get("kind", "user") != "user" or not auth.check_scopes(auth.access_scopes, model):
            raise HTTPError(403, reason="A valid JupyterHub token for this service is needed.")
        caller = Caller.from_model(model)
        reconciler = self.broker.reconciler
        if not await reconciler.wait_for(lambda: reconciler.desired is not None, DESIRED_STATE_TIMEOUT):
            raise ServiceUnavailableError("The hub has not yet reported which servers run; try again in a moment.")
        if caller.server_id and caller.server_id not in self.broker.servers_of(caller.user):
            raise HTTPError(403, reason="The server of this token is not running.")
        return caller

    async def managed_server(self, user: str, name: str) -> tuple[Caller, ServerId]:
        """The caller, and the server in the path if the caller may manage it.

        Raises:
            HTTPError: 403 if the caller may not, also where no such server exists; 404 if it is not running.
        """
        caller, server = await self.caller(), ServerId(user, "" if name == DEFAULT_SERVER else name)
        if not caller.may_manage(server):
            raise HTTPError(403, reason="This server is not yours.")
        if server not in self.broker.servers_of(caller.user):
            raise HTTPError(404, reason="This server is not running; start it first.")
        return caller, server

    async def require_admin(self) -> None:
        """Check that the caller is an admin of the hub.

        Raises:
            HTTPError: 403 for any other caller, also for an admin's compute server.
        """
        if not (await self.caller()).is_admin:
            raise HTTPError(403, reason="Only an admin of the hub may do this.")

    def require_hub(self) -> None:
        """Check that the caller is the hub.

        Raises:
            HTTPError: 403 for any other caller.
        """
        if not self.broker.is_hub_token(self.token()):
            raise HTTPError(403, reason="Only the hub may do this.")

    def wait_argument(self) -> float:
        """The query argument `wait`, in seconds.

        Raises:
            RequestError: if it is not a number from 0 to 30.
        """
        try:
            wait = float(self.get_query_argument("wait", "0"))
        except ValueError:
            wait = -1.0
        if not 0 <= wait <= MAX_WAIT:
            raise RequestError(f"wait: must be a number of seconds from 0 to {MAX_WAIT:.0f}.")
        return wait

    def body(self) -> dict[str, Any]:
        """The JSON object in the body.

        Raises:
            RequestError: if the body is anything else.
        """
        try:
            body = json.loads(self.request.body or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise RequestError("The body must be a JSON object.")
        return body

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log a traceback only for unexpected errors; the others are answered with their sentence."""
        if not isinstance(value, Rc2Error):
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the error's sentence."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, Rc2Error):
            status_code = STATUS_CODES.get(type(error), 500)
            message = str(error)
        else:
            message = getattr(error, "reason", None) or self._reason
        self.set_status(status_code)
        self.finish({"message": message})


class NotFoundHandler(ApiHandler):
    """Every path without a handler."""

    def prepare(self) -> None:
        """Refuse the request.

        Raises:
            HTTPError: 404, always.
        """
        raise HTTPError(404, reason="This address does not exist.")


class OpenApiHandler(ApiHandler):
    """The OpenAPI document of this API."""

    def get(self) -> None:
        """Serve the document."""
        self.set_header("Content-Type", "application/json")
        self.write(files("rc2hub.broker").joinpath("openapi.json").read_bytes())


class HealthHandler(ApiHandler):
    """The health of the broker and of the services; needs no token, so it returns states and no messages."""

    def get(self) -> None:
        """Return the states."""
        reconciler = self.broker.reconciler
        states = {name: "failed" if name in reconciler.failures else "ready" for name in sorted(reconciler.services)}
        self.write({"has_desired_state": reconciler.desired is not None, "services": states})


class ServicesHandler(ApiHandler):
    """The catalogue as the caller sees it."""

    async def get(self) -> None:
        """For a server's token that server; for a user's token the server in the query, or else the default server."""
        caller = await self.caller()
        server = caller.server_id or ServerId(caller.user, self.get_query_argument("server", ""))
        self.write({"services": self.broker.catalogue_for(server)})


class AttachmentsHandler(ApiHandler):
    """The attachments of one server; the secret files only for the token of that server."""

    async def get(self, user: str, name: str) -> None:
        """Answer at once, or after at most `wait` seconds.

        With `If-None-Match`, wait until the ETag changes; without it, until no service blocks the start.
        """
        wait = self.wait_argument()
        caller, server = await self.managed_server(user, name)
        reconciler, etag = self.broker.reconciler, self.request.headers.get("If-None-Match")
        if etag is None:
            await reconciler.wait_for(lambda: not reconciler.blocks_start(server), wait)
        elif not await reconciler.wait_for(lambda: reconciler.etag(server) != etag, wait):
            self.set_status(304)
            return
        attachments = reconciler.states(server)
        if caller.server_id == server:
            for attachment in attachments:
                attachment["files"] = dict(reconciler.files(server, attachment["service"]))
        self.set_header("Etag", reconciler.etag(server))
        self.set_header("Cache-Control", "no-store")
        self.write({"attachments": attachments})


class AttachmentHandler(ApiHandler):
    """One service of one running server."""

    async def put(self, user: str, name: str, service: str) -> None:
        """Attach the service to the running server."""
        _, server = await self.managed_server(user, name)
        level = self._granted_level(server, service, self.body().get("level"))
        await self.broker.change_requests.submit(
            ChangeRequest(server.user, server.name, service, level), self.broker.reconciler
        )
        state = next(state for state in self.broker.reconciler.states(server) if state["service"] == service)
        if state["state"] == "failed":
            raise ServiceUnavailableError(state["message"])
        self.write(state)

    async def delete(self, user: str, name: str, service: str) -> None:
        """Detach the service; R continues to run."""
        _, server = await self.managed_server(user, name)
        self._require_service(service)
        await self.broker.change_requests.submit(
            ChangeRequest(server.user, server.name, service, None), self.broker.reconciler
        )
        self.set_status(204)

    def _require_service(self, service: str) -> None:
        if service not in self.broker.reconciler.services:
            raise HTTPError(404, reason="This service does not exist.")

    def _granted_level(self, server: ServerId, service: str, level: object) -> str:
        self._require_service(service)
        levels = self.broker.reconciler.services[service].levels
        level = levels[0] if level is None else level
        if level not in levels:
            raise RequestError(f"level: must be one of {', '.join(levels)}.")
        if Grant(service, str(level)) not in self.broker.grants(server.user):
            contact = self.broker.shared.contact_for(service)
            raise NotGrantedError(f"{service}: you have no grant for it at the level {level}; ask {contact}.")
        return str(level)


class PoolsHandler(ApiHandler):
    """The standbys of each profile, for admins."""

    async def get(self) -> None:
        """As the hub last reported them."""
        await self.require_admin()
        self.write({"pools": self.broker.pools()})


class TokenReviewsHandler(ApiHandler):
    """The check that a gateway makes for each new token."""

    async def post(self) -> None:
        """Return the compute server of the token, if it may use the gateway's service now."""
        body = self.body()
        name, token = str(body.get("service")), body.get("token")
        service = self.broker.reconciler.services.get(name)
        if service is None or not service.is_gateway_secret(self.token() or ""):
            raise HTTPError(403, reason="Only a gateway may do this.")
        caller, desired = await self.identify(token if isinstance(token, str) else None), self.broker.reconciler.desired
        if desired is None or caller.server_id not in desired.allowed_servers(name):
            contact = self.broker.shared.contact_for(name)
            raise NotGrantedError(f"{name} is not attached to your server; attach it, or ask {contact} for a grant.")
        self.write({"user": caller.user, "server": caller.server_id.name})


class DesiredStateHandler(ApiHandler):
    """The desired state, sent by the hub."""

    def put(self) -> None:
        """Replace the desired state."""
        self.require_hub()
        try:
            desired = decode(self.body())
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise RequestError("The body is not a desired state; see the OpenAPI document.") from error
        self.broker.reconciler.set_desired_state(desired)
        self.set_status(204)


class ChangeRequestsHandler(ApiHandler):
    """The users' change requests, taken by the hub."""

    async def get(self) -> None:
        """Answer as soon as there is a request, or with none after `wait` seconds."""
        self.require_hub()
        self.write({"change_requests": await self.broker.change_requests.take(self.wait_argument())})
