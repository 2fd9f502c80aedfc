"""Activation: making a claimed standby one person's, over its control stream, wherever it runs."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rc2hub.errors import LostStandbyError
from rc2hub.pool.stream import Stream

SILENT = "The R server does not answer; start it again."


@dataclass(frozen=True)
class Order:
    """Who a standby becomes."""

    env: Mapping[str, str] = field(repr=False)
    """Her environment, as JupyterHub makes it; it holds the server's hub token."""
    home: str
    uid: int | None = None
    """The account that a new home gets, where standbys start as root; an existing home keeps its own."""
    shared: str = ""
    """The folder with the folders that groups share."""
    folders: Sequence[Mapping[str, Any]] = ()
    """Which of them are hers, as `GroupFolder.order` says."""


class StreamedStandby:
    """A standby at the other end of a control stream."""

    stream: Stream
    patience: float | None = None
    """Seconds to wait for its answer; None as long as it takes, for one whose R has not started yet."""

    async def activate(self, order: Order) -> None:
        """Give the standby its identity; it goes on while the attachments are made.

        Raises:
            StandbyError: if it is gone.
        """
        await self.stream.send(asdict(order))

    async def deliver(self, attachments: list[dict[str, Any]]) -> None:
        """Give it the attachments, and wait until it serves.

        Raises:
            StandbyError: if it is gone, or says why it cannot be this person's.
            LostStandbyError: if it does not answer.
        """
        await self.stream.send({"attachments": attachments})
        try:
            async with asyncio.timeout(self.patience):
                await self.stream.receive()
        except TimeoutError as error:
            raise LostStandbyError(SILENT) from error
        await self.stream.close()
