"""Activation: makes a claimed standby the user's compute server, over its control stream, wherever it runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from rc2hub.errors import LostStandbyError
from rc2hub.hub.pool.control_stream import Stream

NO_ANSWER = "The R server does not answer; start it again."


@dataclass(frozen=True)
class ActivationRequest:
    """The user whose compute server a standby is to be; its fields are the JSON that the standby reads."""

    env: Mapping[str, str] = field(repr=False)
    """The user's environment, as JupyterHub makes it; it contains the server's hub token."""
    home: str
    uid: int | None = None
    """The account of a new home, where standbys start as root; an existing home keeps its account."""
    shared_dir: str = ""
    """The folder that contains the group folders."""
    folders: Sequence[Mapping[str, Any]] = ()
    """The group folders that the user may use, as `GroupFolder.access` describes them."""


class Standby:
    """A started compute server without a user; this is the hub's end of it."""

    url = ""
    """Where the server listens once it is activated."""
    stream: Stream
    activation_timeout: float | None = None
    """Seconds for each step of the activation; None without a limit, for a process of this machine."""

    async def activate(self, request: ActivationRequest) -> None:
        """Send the standby its user; it continues while the attachments are made.

        Raises:
            LostStandbyError: if it is gone, or takes nothing.
        """
        async with self._deadline():
            await self.stream.send(asdict(request))

    async def send_attachments(self, attachments: list[dict[str, Any]]) -> None:
        """Send the attachments, and wait until the server listens.

        Raises:
            StandbyError: if it is gone, or reports why it cannot be the user's.
            LostStandbyError: if it does not answer.
        """
        async with self._deadline():
            await self.stream.send({"attachments": attachments})
            await self.stream.receive()
        await self.stream.close()

    async def discard(self) -> None:
        """End the standby: one whose activation was begun is never used again."""
        raise NotImplementedError

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.activation_timeout):
                yield
        except TimeoutError as error:
            raise LostStandbyError(NO_ANSWER) from error
