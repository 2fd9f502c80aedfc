"""HTTP calls from the hub to the broker."""

from typing import Any, TypeVar
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, ClientTimeout
from jupyterhub.httpclient import fetch
from pydantic import ValidationError

from rc2hub.errors import ServiceUnavailableError
from rc2hub.messages import (
    DEFAULT_SERVER,
    AttachmentList,
    AttachmentState,
    DesiredStateUpdate,
    Health,
    Message,
    PendingRequests,
    RevisionConflict,
)
from rc2hub.server_id import ServerId

LONG_POLL = 15.0
"""Seconds that the broker may hold the request for pending requests open (a long poll)."""
ATTACH_TIMEOUT = 8.0
"""Seconds that a start waits for the attachments it needs, so that a dead service fails the start within ten."""
CALL_TIMEOUT = 5.0
"""Seconds, besides the time that the broker may wait, after which a call has failed: the broker answers from memory."""
HEALTH_TIMEOUT = 1.0
"""Seconds that the form waits for the states of the services."""
CONFLICT = 409
NO_ANSWER = "The broker of the shared services does not answer; try again in a moment."
AnyMessage = TypeVar("AnyMessage", bound=Message)


class BrokerClient:
    """Calls the broker with the secret that hub and broker share."""

    def __init__(self, url: str, token: str) -> None:
        """Take the broker's root URL, which ends in `/services/rc2/`, and the shared secret."""
        self.url = url
        self._token = token

    async def put_desired_state(self, update: DesiredStateUpdate) -> RevisionConflict | None:
        """Send the desired state, or what changed of it; returns the broker's answer if it needs the whole of it.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        options = {"data": update.model_dump_json(), "headers": {**self._headers(), "Content-Type": "application/json"}}
        response = await _call("PUT", f"{self.url}api/desired-state", CALL_TIMEOUT, accepted=CONFLICT, **options)
        return await _parsed(RevisionConflict, response) if response.status == CONFLICT else None

    async def pending_requests(self) -> PendingRequests:
        """Fetch the users' change requests; waits up to 15 seconds for a first one.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        url = f"{self.url}api/change-requests?wait={LONG_POLL}"
        response = await _call("GET", url, LONG_POLL + CALL_TIMEOUT, headers=self._headers())
        return await _parsed(PendingRequests, response)

    async def attachments(self, server: ServerId, revision: int) -> tuple[AttachmentState, ...]:
        """The server's attachments with their secret files, once those that block its start are decided.

        Args:
            server: the compute server.
            revision: the desired state in which this start is; a failure with an older one does not count.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        path = f"api/servers/{quote(server.user, safe='')}/{quote(server.name or DEFAULT_SERVER, safe='')}/attachments"
        url = f"{self.url}{path}?wait={ATTACH_TIMEOUT}&revision={revision}"
        response = await _call("GET", url, ATTACH_TIMEOUT + CALL_TIMEOUT, headers=self._headers())
        return (await _parsed(AttachmentList, response)).attachments

    async def health(self) -> dict[str, str]:
        """Service name to state, `ready` or `failed`; empty if the broker does not answer within a second."""
        try:
            response = await _call("GET", f"{self.url}api/health", HEALTH_TIMEOUT, headers=self._headers())
            return dict((await _parsed(Health, response)).services)
        except ServiceUnavailableError:
            return {}

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self._token}"}


async def _call(method: str, url: str, seconds: float, accepted: int = 0, **options: Any) -> ClientResponse:
    """Call the broker, and read the answer; besides success, the status `accepted` is no error."""
    try:
        response: ClientResponse = await fetch(
            url, method=method, timeout=ClientTimeout(total=seconds), raise_for_status=False, **options
        )
        if response.status != accepted:
            response.raise_for_status()
        await response.read()
    except (ClientError, TimeoutError) as error:
        raise ServiceUnavailableError(NO_ANSWER) from error
    return response


async def _parsed(model: type[AnyMessage], response: ClientResponse) -> AnyMessage:
    """The message in an answer; the answer of a broker that ends can be cut."""
    try:
        return model.model_validate_json(await response.read())
    except ValidationError:
        raise ServiceUnavailableError(NO_ANSWER) from None
