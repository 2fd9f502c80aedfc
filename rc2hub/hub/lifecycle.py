"""The flow of a login: claim and attach at the same time, then activate; and back. No detail lives here.

JupyterHub has authenticated the user; the spawner has parsed the request and checked it against the grants. Then `start`
activates a standby while the broker makes the credentials; `attach` and `detach` change what is attached while the server
runs; `stop` revokes all of it, also after a crash. Spawners hand their hooks over to these functions.
"""

import asyncio
from typing import Any, Protocol

from rc2hub.errors import LostStandbyError, Rc2Error, ServiceUnavailableError
from rc2hub.hub.broker_sync.desired_state import DesiredStatePush
from rc2hub.hub.pool.activation import ActivationRequest, Standby
from rc2hub.messages import ChangeRequest
from rc2hub.permissions import Grant
from rc2hub.server_id import ServerId
from rc2hub.spawn_request import SpawnChoices, SpawnRequest


class ComputeServer(Protocol):
    """A spawner, as far as the flow needs it."""

    server_id: ServerId
    spawn_request: SpawnRequest
    requested_services: dict[str, str]
    api_token: str

    @property
    def choices(self) -> SpawnChoices:
        """What users of this hub can ask for."""

    @property
    def desired_state(self) -> DesiredStatePush:
        """Sends the desired state to the broker."""

    async def claim(self) -> Standby:
        """Claim a standby of the requested profile, waiting for one if none is ready."""

    def activation_request(self) -> ActivationRequest:
        """What makes a standby this user's server."""

    async def delete_tokens(self) -> None:
        """Delete the server's hub tokens; after a crash the hub itself leaves them."""

    def save_state(self) -> None:
        """Store which services are requested, so that a restarted hub knows them."""

    def report_progress(self, message: str) -> None:
        """Show a message to the user who waits for the server."""


async def start(server: ComputeServer) -> str:
    """Activate a standby as this user's compute server, with the requested services attached; returns its URL.

    Raises:
        StandbyError: if no standby could be activated.
        ServiceUnavailableError: if a service that blocks the start cannot be attached.
    """
    server.requested_services = dict(server.spawn_request.services)
    server.report_progress("Looking for a ready R")
    async with asyncio.TaskGroup() as steps:
        attaching = steps.create_task(_attachments(server))
        try:
            standby = await _claim_and_activate(server, attaching)
        except LostStandbyError:
            server.report_progress("That R was lost; taking the next one")
            standby = await _claim_and_activate(server, attaching)
    return standby.url


async def stop(server: ComputeServer) -> None:
    """Revoke everything, after a normal stop, a failed start and a crash; the server itself has ended by now."""
    server.requested_services = {}
    await server.delete_tokens()
    try:
        await server.desired_state.push()
    except ServiceUnavailableError:
        # the broker does not answer; when it is back, it gets the next desired state, in which this server is missing
        return


def change(server: ComputeServer, request: ChangeRequest) -> None:
    """Attach or detach a service while the server runs, if the user holds the grant; the next push tells the broker."""
    if request.level is None:
        server.requested_services.pop(request.service, None)
    elif Grant(request.service, request.level) in server.desired_state.grants(server.server_id.user):
        server.requested_services[request.service] = request.level
    server.save_state()


async def _claim_and_activate(server: ComputeServer, attaching: "asyncio.Task[list[dict[str, Any]]]") -> Standby:
    """Claim one standby and activate it; a standby whose activation fails is discarded."""
    standby = await server.claim()
    server.report_progress("R is ready; making it yours")
    try:
        await standby.activate(server.activation_request())
        await standby.send_attachments(await attaching)
    except BaseException:
        await standby.discard()
        raise
    return standby


async def _attachments(server: ComputeServer) -> list[dict[str, Any]]:
    """Have the broker attach the requested services; it works while a standby is claimed and activated.

    Raises:
        ServiceUnavailableError: if a service that blocks the start cannot be attached. The others come when they can.
    """
    if not server.requested_services:
        server.desired_state.push_soon()
        return []
    services = [server.choices.services[name] for name in server.requested_services]
    blocking = [service for service in services if service.blocks_start]
    if not blocking:
        try:
            return await _attached(server, await server.desired_state.push())
        except ServiceUnavailableError:
            return []  # the broker attaches them when it is back
    server.report_progress(f"Connecting to {', '.join(service.display_name for service in blocking)}")
    return await _attached(server, await server.desired_state.push_with_retry())


async def _attached(server: ComputeServer, revision: int) -> list[dict[str, Any]]:
    """The attachments with the desired state of this revision."""
    attachments = await server.desired_state.client.attachments(server.server_id, revision)
    for attachment in attachments:
        if attachment.state == "failed" and server.choices.services[attachment.service].blocks_start:
            raise ServiceUnavailableError(attachment.message)
    return [attachment.model_dump(mode="json") for attachment in attachments]


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error of a failed start that the user should read."""
    leaves = [error for error in group.exceptions if not isinstance(error, asyncio.CancelledError)]
    ours = [error for error in leaves if isinstance(error, Rc2Error)]
    return (ours or leaves)[0]
