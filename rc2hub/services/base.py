"""The contract between the broker and a kind of shared service: attach, revoke, and say what is attached.

A kind is a subclass of `SharedService`, named by an entry point of the group `rc2hub.services`. It runs in the broker
only, keeps its truth in the service itself (so the broker may be killed at any time), and passes
`tests/services/test_contract.py` unchanged.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from rc2hub.errors import ConfigurationError, ServiceUnavailableError

GATEWAY_SECRET = "RC2_GATEWAY_SECRET"  # noqa: S105 - the name of a variable
"""Where broker and gateways that the hub starts find what they show each other."""


@dataclass(frozen=True, order=True)
class Server:
    """Names one compute server: its owner and the server's name, empty for the default one."""

    user: str
    name: str = ""


@dataclass(frozen=True)
class Attachment:
    """One compute server's use of one service."""

    service: str
    kind: str
    level: str
    role: str
    """As whom the server uses the service."""
    until: datetime
    """When the credentials stop working, unless renewed; aware, UTC."""
    use: str
    """The line of R that uses it."""
    settings: Mapping[str, str]
    """What is not secret."""
    files: Mapping[str, str] = field(repr=False)
    """File name to content, for the compute server's attachments folder; equal names of several services are joined."""


@dataclass(frozen=True)
class Existing:
    """What a service says of a server that has a credential there."""

    level: str
    until: datetime


@dataclass(frozen=True)
class AdminCredential:
    """Where the broker finds a service's admin password; never the password itself."""

    place: Literal["file", "env"]
    name: str

    @classmethod
    def parse(cls, where: str, value: object) -> "AdminCredential":
        """Read `{"file": path}` or `{"env": name}`.

        Raises:
            ConfigurationError: for anything else, naming `where`.
        """
        match value:
            case {"file": str(name), **rest} if not rest:
                return cls("file", name)
            case {"env": str(name), **rest} if not rest:
                return cls("env", name)
        raise ConfigurationError(f'{where} must be {{"file": "/path/to/the/password"}} or {{"env": "NAME_OF_A_VARIABLE"}}.')

    def read(self) -> str:
        """The password as it is now; read at each use, so that it may be rotated.

        Raises:
            ServiceUnavailableError: if it is not there.
        """
        try:
            return os.environ[self.name] if self.place == "env" else Path(self.name).read_text().strip()
        except (OSError, KeyError) as error:
            raise ServiceUnavailableError(
                f"The broker cannot read its credential from the {self.place} {self.name}; an operator has to provide it."
            ) from error


class SharedService(ABC):
    """One entry of `SharedServices.catalogue`, as the broker uses it."""

    kind: ClassVar[str]
    levels: ClassVar[tuple[str, ...]]
    """Levels of a grant, the least first; the first is the default of a request."""
    before_prompt: ClassVar[bool]
    """Whether a start waits for the attachment (and fails with it), or goes on while the service comes up behind it."""
    required: ClassVar[frozenset[str]]
    optional: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Keep the entry; `lifetime` is how many seconds a credential lives without being renewed."""
        self.name = name
        self.lifetime = lifetime

    @classmethod
    @abstractmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the values of an entry whose keys are already known to be right.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """

    @abstractmethod
    async def check(self) -> None:
        """See that the service runs and answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """

    @abstractmethod
    async def attached(self) -> Mapping[Server, Existing]:
        """Every compute server that has a credential in the service now, whoever made it."""

    @abstractmethod
    async def attach(self, server: Server, level: str) -> Attachment:
        """Make the server's credential, or replace the one it has by a fresh one."""

    @abstractmethod
    async def revoke(self, server: Server) -> None:
        """Take the server's credential away and end what it holds open; does nothing if there is none."""

    @classmethod
    def gateway_command(cls, name: str, entry: Mapping[str, Any], config: Any) -> tuple[list[str], dict[str, Any]] | None:
        """The gateway that the hub should start for an entry: its command line and its settings, if there is one."""
        return None

    def is_gateway(self, secret: str) -> bool:
        """Whether this is the secret of the service's own gateway, which may ask whose a token is."""
        return False

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections."""
