"""What the handlers of the REST API share: who calls, what the request says, and how answers and errors look."""

from typing import Any, TypeVar

from jupyterhub.services.auth import HubOAuth
from pydantic import ValidationError
from tornado.web import HTTPError, RequestHandler

from rc2hub.broker.callers import Caller
from rc2hub.broker.state import BrokerState
from rc2hub.errors import ConflictError, NotGrantedError, Rc2Error, RequestError, ServiceUnavailableError
from rc2hub.messages import DEFAULT_SERVER, ErrorMessage, Message
from rc2hub.server_id import ServerId

DESIRED_STATE_TIMEOUT = 10.0
"""Seconds that a request waits, after a start of the broker, for the first desired state."""
STATUS_CODES = {RequestError: 400, NotGrantedError: 403, ConflictError: 409, ServiceUnavailableError: 503}
AnyMessage = TypeVar("AnyMessage", bound=Message)


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
        model = await self.model_with_access(token)
        if not model or model.get("kind", "user") != "user":
            raise HTTPError(403, reason="A valid JupyterHub token for this service is needed.")
        caller = Caller.from_model(model)
        if not await self.broker.reconciler.wait_for_desired_state(lambda _desired: True, DESIRED_STATE_TIMEOUT):
            raise ServiceUnavailableError("The hub has not yet reported which servers run; try again in a moment.")
        if caller.server_id and caller.server_id not in self.broker.desired.servers_of(caller.user):
            raise HTTPError(403, reason="The server of this token is not running.")
        return caller

    async def model_with_access(self, token: str | None) -> dict[str, Any] | None:
        """JupyterHub's model of the user or service that has the token, if the token has access to this service."""
        auth = HubOAuth.instance()
        model: dict[str, Any] | None = await auth.user_for_token(token, sync=False) if token else None
        return model if model and auth.check_scopes(auth.access_scopes, model) else None

    async def managed_server(self, user: str, name: str) -> tuple[Caller, ServerId]:
        """The caller, and the server in the path if the caller may manage it.

        Raises:
            HTTPError: 403 if the caller may not, also where no such server exists; 404 if it is not running.
        """
        caller = await self.caller()
        if not caller.may_manage(_server_in_path(user, name)):
            raise HTTPError(403, reason="This server is not yours.")
        return caller, self.running_server(user, name)

    def running_server(self, user: str, name: str) -> ServerId:
        """The server in the path.

        Raises:
            HTTPError: 404 if it is not running.
        """
        server = _server_in_path(user, name)
        if server not in self.broker.desired.servers_of(user):
            raise HTTPError(404, reason="This server is not running; start it first.")
        return server

    async def require_admin(self) -> None:
        """Check that the caller is an admin of the hub.

        Raises:
            HTTPError: 403 for any other caller, also for an admin's compute server.
        """
        if not (await self.caller()).is_admin:
            raise HTTPError(403, reason="Only an admin of the hub may do this.")

    def is_from_hub(self) -> bool:
        """Whether the caller is the hub."""
        return self.broker.is_hub_token(self.token())

    def require_hub(self) -> None:
        """Check that the caller is the hub.

        Raises:
            HTTPError: 403 for any other caller.
        """
        if not self.is_from_hub():
            raise HTTPError(403, reason="Only the hub may do this.")

    def number_argument(self, name: str, largest: float) -> float:
        """A number in the query; 0 if it is not there.

        Raises:
            RequestError: if it is not a number from 0 to `largest`.
        """
        try:
            number = float(self.get_query_argument(name, "0"))
        except ValueError:
            number = -1.0
        if not 0 <= number <= largest:
            raise RequestError(f"{name}: must be a number from 0 to {largest:.0f}.")
        return number

    def body(self, model: type[AnyMessage]) -> AnyMessage:
        """The message in the body.

        Raises:
            RequestError: if the body is anything else.
        """
        try:
            return model.model_validate_json(self.request.body or b"{}")
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(map(str, problem["loc"])) or "the body"
            raise RequestError(f"{field}: {problem['msg']}; see the OpenAPI document.") from None

    def answer(self, message: Message, status: int = 200) -> None:
        """Answer with a message as JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(message.model_dump_json())

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
        self.answer(ErrorMessage(message=message), status_code)


def _server_in_path(user: str, name: str) -> ServerId:
    return ServerId(user, "" if name == DEFAULT_SERVER else name)
