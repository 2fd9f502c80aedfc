"""Ends what a server may no longer do: running calls whose grant or level is lost, and servers that are not renewed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from rc2hub.errors import NotGrantedError, ServiceUnavailableError
from rc2hub.gateways.attached_servers import AttachedServer, AttachedServers
from rc2hub.gateways.token_review import TokenReviewer
from rc2hub.server_id import ServerId

log = logging.getLogger("rc2hub.gateways")

REVIEW_GRACE = 300.0
"""Seconds that running calls go on while the broker does not answer."""
RECHECK_INTERVAL = 10.0
"""Seconds between checks that servers with running calls may still use the service."""


class RecheckedGateway(Protocol):
    """What the check needs of a gateway."""

    attached_servers: AttachedServers
    token_reviewer: TokenReviewer

    async def detach(self, server_id: ServerId, message: str = "") -> None:
        """Remove everything of a server, with a message for the user."""


async def recheck(gateway: RecheckedGateway, before: Callable[[], Awaitable[None]] | None = None) -> None:
    """Check all servers at the same time, again and again, each time after the call `before`; until cancelled."""
    while True:
        await asyncio.sleep(RECHECK_INTERVAL)
        if before:
            await before()
        await asyncio.gather(*(recheck_server(gateway, server_id, server) for server_id, server in gateway.attached_servers))


async def recheck_server(gateway: RecheckedGateway, server_id: ServerId, server: AttachedServer) -> None:
    """Detach a server that the broker has not renewed in time, or whose user lost the grant.

    While the broker does not answer, running calls go on for five minutes after its last answer, and no longer.
    """
    if server.expires_at < time.time():
        await gateway.detach(server_id)
        return
    try:
        for call in list(server.calls):
            review = await gateway.token_reviewer.review(call.token)
            call.end_unless_allowed(review.level)
            call.end_unless_in_groups(review.groups)
    except NotGrantedError as error:
        await gateway.detach(server_id, str(error))
    except ServiceUnavailableError as error:
        log.warning("%s", error)
        if server.reviewed_at + REVIEW_GRACE < time.monotonic():
            await gateway.detach(server_id, f"The call was ended: {error}")
    else:
        server.reviewed_at = time.monotonic()
