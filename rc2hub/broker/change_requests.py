"""What users ask the hub for while their server runs: to attach or detach a service, and what they may use.

The broker passes each request to the hub, and the hub changes the desired state. The desired state is stored only in the
hub, so a restart of the broker loses no decision. A request that the hub has not taken when its time is over is withdrawn:
what was answered with an error is never carried out later.
"""

import asyncio
from dataclasses import dataclass

from rc2hub.broker.reconciler import Reconciler
from rc2hub.errors import ConflictError, ServiceUnavailableError
from rc2hub.messages import ChangeRequest, PendingRequests

REQUEST_TIMEOUT = 8.0
"""Seconds until a user gets an answer to a change request."""
GRANTS_TIMEOUT = 3.0
"""Seconds that a request waits for the grants of a user who has no active server."""
NO_HUB = "the hub did not apply the change within {:.0f} seconds; try again in a moment."


@dataclass(eq=False)
class _Submission:
    """A request, until it is answered."""

    request: ChangeRequest
    taken: bool = False


class ChangeRequests:
    """The requests that the hub has not taken yet."""

    def __init__(self, reconciler: Reconciler) -> None:
        """Take the reconciler that gets the desired state, in which the hub's answer is."""
        self._reconciler = reconciler
        self._pending: dict[tuple[str, str, str], _Submission] = {}
        self._users: set[str] = set()
        self._arrived = asyncio.Event()

    async def take(self, seconds: float) -> PendingRequests:
        """Return and remove all requests; wait up to `seconds` for the first one. The hub calls this."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return PendingRequests(change_requests=())
        self._arrived.clear()
        taken, self._pending = list(self._pending.values()), {}
        users, self._users = tuple(sorted(self._users)), set()
        for submission in taken:
            submission.taken = True
        return PendingRequests(change_requests=tuple(submission.request for submission in taken), users=users)

    async def submit(self, request: ChangeRequest) -> bool:
        """Pass a user's request to the hub, and wait until the service is attached, detached or failed.

        Returns:
            Whether that is so: False if the hub took the request and has not answered yet.

        Raises:
            ServiceUnavailableError: if the hub did not take the request; it is withdrawn.
            ConflictError: if a later request for the same service and server replaced it before the hub took it.
        """
        key, submission = (request.user, request.server, request.service), _Submission(request)
        before = self._reconciler.revision
        self._pending[key] = submission  # replaces an earlier one: the last request counts
        self._arrived.set()
        self._reconciler.retry(request.server_id, before + 1)
        try:
            applied = await self._reconciler.wait_for_desired_state(
                lambda desired: desired.revision > before and request.is_applied_in(desired), REQUEST_TIMEOUT
            )
        finally:
            replaced = not submission.taken and self._pending.get(key) is not submission
            if self._pending.get(key) is submission:
                del self._pending[key]
        if applied:
            return await self._reconciler.wait_until_decided(request.server_id, request.service, REQUEST_TIMEOUT)
        if replaced:
            raise ConflictError(f"{request.service}: a later request of yours replaced this one.")
        if not submission.taken:
            raise ServiceUnavailableError(f"{request.service}: {NO_HUB.format(REQUEST_TIMEOUT)}")
        return False

    async def learn_grants(self, user: str) -> None:
        """Have the hub send the grants of a user who is not in the desired state; wait for them for three seconds."""
        desired = self._reconciler.desired
        if desired is None or user not in desired.users:
            self._users.add(user)
            self._arrived.set()
            await self._reconciler.wait_for_desired_state(lambda desired: user in desired.users, GRANTS_TIMEOUT)
