"""A shared service in memory, for tests that inject faults."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from rc2hub.errors import ServiceUnavailableError
from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment, ExistingCredential, SharedService


class MemoryService(SharedService):
    """A service in memory that can fail on request."""

    kind, levels, blocks_start, required = "memory", ("read", "write"), True, frozenset()

    def __init__(self) -> None:
        """Answer, and hold no credential."""
        super().__init__("flights", {}, 3600.0)
        self.credentials: dict[ServerId, ExistingCredential] = {}
        self.is_down = False
        self.refused: set[ServerId] = set()
        self.slow: dict[ServerId, asyncio.Event] = {}
        self.attaches: list[ServerId] = []
        self.lists = 0
        self.error: Exception | None = None

    @classmethod
    def validate(cls, where, entry) -> None: ...

    async def check(self) -> None:
        if self.is_down:
            raise ServiceUnavailableError("flights: the service is down.")

    async def attached(self) -> Mapping[ServerId, ExistingCredential]:
        self.lists += 1
        await self.check()
        if self.error is not None:
            raise self.error
        return dict(self.credentials)

    async def attach(self, server: ServerId, level: str) -> Attachment:
        self.attaches.append(server)
        await self.check()
        if server in self.slow:
            await self.slow[server].wait()
        if server in self.refused:
            raise ServiceUnavailableError("flights: refused.")
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        self.credentials[server] = ExistingCredential(level, expires_at)
        return Attachment(
            "flights", "memory", level, f"role of {server.user}", expires_at, "use it", {}, {"secret": "s3cret"}
        )

    async def revoke(self, server: ServerId) -> None:
        self.credentials.pop(server, None)

    async def close(self) -> None: ...
