"""The flow of a login, in order: claim, attach, activate; and back. No detail lives here.

Design §3: the person is authenticated, her request is parsed and checked against her grants; then `start` makes a standby
hers while the broker makes her credentials; `attach` and `detach` change that while she works; `stop` takes all of it
back, also after a crash. Spawners hand their hooks over to these functions.
"""

import asyncio
from typing import Any, Protocol

from rc2hub.broker.client import Push
from rc2hub.broker.wishes import Wish
from rc2hub.errors import LostStandbyError, Rc2Error, ServiceUnavailableError
from rc2hub.permissions import Grant
from rc2hub.pool.activation import Order
from rc2hub.request import Offer, SpawnRequest
from rc2hub.services.base import Server


class Standby(Protocol):
    """A standby of some pool, claimed for one compute server."""

    @property
    def url(self) -> str:
        """Where it serves once it is somebody's."""

    async def activate(self, order: Order) -> None:
        """Give the standby its identity; it goes on while the attachments are made."""

    async def deliver(self, attachments: list[dict[str, Any]]) -> None:
        """Give it the attachments, and wait until it serves."""

    async def discard(self) -> None:
        """End it: a standby that was nearly somebody's is never used again."""


class ComputeServer(Protocol):
    """A spawner, as far as the flow needs it."""

    offer: Offer
    key: Server
    request: SpawnRequest
    attached: dict[str, str]
    api_token: str
    push: Push

    async def claim(self) -> Standby:
        """Take a standby of the wanted profile, waiting for one if need be."""

    def order(self) -> Order:
        """What makes a standby this person's."""

    async def delete_tokens(self) -> None:
        """Delete the server's hub tokens; after a crash the hub itself leaves them."""

    def remember(self) -> None:
        """Store what is attached, so that a restarted hub knows it."""

    def say(self, message: str) -> None:
        """Tell the person who waits what happens now."""


async def start(server: ComputeServer) -> str:
    """Make a standby this person's compute server, with what she asked for attached; returns its URL.

    Raises:
        StandbyError: if no standby could become hers.
        ServiceUnavailableError: if a service that must be there before the prompt is not.
    """
    server.attached = dict(server.request.services)
    server.say("Finding a place for R")
    async with asyncio.TaskGroup() as steps:
        attaching = steps.create_task(_attachments(server))
        try:
            standby = await _claim_and_activate(server, attaching)
        except LostStandbyError:
            server.say("That R was lost; taking the next")
            standby = await _claim_and_activate(server, attaching)
    return standby.url


async def stop(server: ComputeServer) -> None:
    """Take everything back: called after a normal stop, a failed start and a crash; the server itself is gone by now."""
    server.attached = {}
    await server.delete_tokens()
    try:
        await server.push.push()
    except ServiceUnavailableError:
        # the broker is away; it starts from the hub's next list, in which this server is not
        return


async def change(server: ComputeServer, wish: Wish) -> None:
    """Attach or detach a service while the server runs, if the person may; the broker does the rest from the list."""
    if wish.level is None:
        server.attached.pop(wish.service, None)
    elif Grant(wish.service, wish.level) in server.push.grants(server.key.user):
        server.attached[wish.service] = wish.level
    server.remember()
    await server.push.push()


async def _claim_and_activate(server: ComputeServer, attaching: "asyncio.Task[list[dict[str, Any]]]") -> Standby:
    """Make one standby hers, as far as it can be; one that nearly was is ended."""
    standby = await server.claim()
    server.say("R runs; making it yours")
    try:
        await standby.activate(server.order())
        await standby.deliver(await attaching)
    except BaseException:
        await standby.discard()
        raise
    return standby


async def _attachments(server: ComputeServer) -> list[dict[str, Any]]:
    """Have the broker attach what was asked for; it works while a standby is claimed and activated."""
    if not server.attached:
        server.push.push_soon()
        return []
    services = [server.offer.services[name] for name in server.attached]
    if waited_for := ", ".join(service.display_name for service in services if service.before_prompt):
        server.say(f"Connecting to {waited_for}")
    await server.push.push_patiently()
    attachments = await server.push.client.attachments(server.key, server.api_token)
    for attachment in attachments:
        if attachment["state"] == "failed" and server.offer.services[attachment["service"]].before_prompt:
            raise ServiceUnavailableError(attachment["why"])
    return attachments


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error of a start that a person should read."""
    leaves = [error for error in group.exceptions if not isinstance(error, asyncio.CancelledError)]
    ours = [error for error in leaves if isinstance(error, Rc2Error)]
    return (ours or leaves)[0]
