"""The interface between the broker and a kind of shared service: attach, revoke, list what is attached.

A kind is a subclass of `SharedService`, named by an entry point of the group `rc2hub.services`. It runs only in the
broker. It stores its attachments in the service itself, so the broker can be killed at any time. Each kind passes the
tests of `contract.py`.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.server_id import ServerId

GATEWAY_SECRET = "RC2_GATEWAY_SECRET"  # noqa: S105 - the name of a variable
"""The variable with the secret shared by the broker and the gateways that the hub starts."""

TOKEN_IN_PYTHON = 'os.environ["JUPYTERHUB_API_TOKEN"]'  # noqa: S105 - the name of a variable
"""The compute server's token, in a line of Python."""


@dataclass(frozen=True)
class Attachment:
    """The access of one compute server to one service."""

    service: str
    kind: str
    level: str
    role: str
    """The user or role that the server has in the service."""
    expires_at: datetime
    """When the credential expires unless it is renewed; with time zone, UTC."""
    r_code: str
    """The line of R that connects to the service."""
    settings: Mapping[str, str]
    """The connection settings that are not secret."""
    files: Mapping[str, str] = field(repr=False)
    """Name to content of the secret files; files of several services with the same name are concatenated."""
    python_code: str = ""
    """The line of Python that connects to the service, if there is one."""


@dataclass(frozen=True)
class ExistingCredential:
    """A credential that exists in the service, as the service reports it."""

    level: str
    expires_at: datetime


@dataclass(frozen=True)
class AdminCredential:
    """Where the broker reads a service's admin password; never the password itself."""

    source: Literal["file", "env"]
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
        """The current password; read at each use, so that it can be rotated.

        Raises:
            ServiceUnavailableError: if it cannot be read.
        """
        try:
            return os.environ[self.name] if self.source == "env" else Path(self.name).read_text().strip()
        except (OSError, KeyError, UnicodeDecodeError) as error:
            raise ServiceUnavailableError(
                f"The broker cannot read its credential from the {self.source} {self.name}; ask an operator to provide it."
            ) from error


class SharedService(ABC):
    """One entry of `SharedServices.catalogue`, as the broker uses it."""

    kind: ClassVar[str]
    levels: ClassVar[tuple[str, ...]]
    """The levels of a grant, the lowest first; a request without a level gets the lowest."""
    blocks_start: ClassVar[bool]
    """Whether a start waits for the attachment, and fails with it; otherwise it is made in the background."""
    max_concurrency: ClassVar[int] = 4
    """How many servers the broker attaches or revokes at the same time, besides those whose user waits."""
    required: ClassVar[frozenset[str]]
    """The fields that an entry of this kind must have, besides `kind`."""
    optional: ClassVar[frozenset[str]] = frozenset()
    """The fields that it can have, besides `display_name` and `contact`."""
    installation: str = "rc2"
    """The id of this installation of Rc², set before the first use: several can use one service, so a kind puts the id into
    the names or notes of what it makes there, and touches nothing with another id."""
    warnings: tuple[str, ...] = ()
    """What an operator should know of the service, a sentence each; a kind logs each once."""

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take an entry of the catalogue; `lifetime` is how many seconds a credential is valid without being renewed."""
        self.name = name
        self.lifetime = lifetime

    @classmethod
    @abstractmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the values of an entry; its keys are checked already.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """

    @abstractmethod
    async def check(self) -> None:
        """Check that the service answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """

    @abstractmethod
    async def attached(self) -> Mapping[ServerId, ExistingCredential]:
        """Every compute server that has a credential in the service now, also from an earlier run of the broker."""

    @abstractmethod
    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Create or renew the server's credential, with the given level."""

    @abstractmethod
    async def revoke(self, server: ServerId) -> None:
        """Remove the server's credential and close its sessions; do nothing if there is none."""

    @classmethod
    def gateway_command(cls, name: str, entry: Mapping[str, Any], config: Any) -> tuple[list[str], dict[str, Any]] | None:
        """The gateway that the hub starts for an entry: its command line and its settings; None without a gateway."""
        return None

    def is_gateway_secret(self, secret: str) -> bool:
        """Whether this is the secret of the service's gateway, which may have tokens reviewed."""
        return False

    def user_of_token(self, token: str) -> str | None:
        """The user for whom a program of this service works, if the service gave it this token: a Spark driver has one."""
        return None

    @abstractmethod
    async def close(self) -> None:
        """Close the connections."""
