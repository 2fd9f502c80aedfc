"""The kind `secret`: a licence key or an API token of a group, which the compute servers attached to it have as a file.

The operator's file is the service. A server is attached while it has what that file holds now: after a rotation the list
lacks every server, so the broker attaches each of them again, with the new content. Nothing is made that could be left
over, and a compute server removes its file as soon as the broker lists the attachment no more.
"""

import logging
import re
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rc2hub.compute.attachments import FOLDER
from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment, ExistingCredential, SharedService

log = logging.getLogger("rc2hub.broker")

MAX_SIZE = 65536
"""Bytes of a secret; it is sent with every attachment, and no key is longer."""
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VARIABLES = ("variable", "file_variable")
"""The fields that name a variable which R sets: to the value, and to the path of the file."""


class SecretService(SharedService):
    """A text that the operator keeps in a file, for the servers of those who have the grant."""

    kind = "secret"
    levels = ("use",)
    blocks_start = True
    required = frozenset({"file"})
    optional = frozenset(VARIABLES)

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry; the file is read at each use."""
        super().__init__(name, entry, lifetime)
        self.file = Path(entry["file"])
        self.settings = {"file": f"{FOLDER}/{name}.secret"} | {key: entry[key] for key in VARIABLES if key in entry}
        self._content = ""
        self._existing: dict[ServerId, ExistingCredential] = {}
        """The servers that have this content."""

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the path and the names of the variables.

        Raises:
            ConfigurationError: naming `where` and the accepted values; never repeating a value, which could be the secret.
        """
        if not isinstance(entry["file"], str) or not entry["file"].startswith("/"):
            raise ConfigurationError(f"{where}: 'file' must be the path of a file that the broker can read, from the root.")
        for field in VARIABLES:
            if field in entry and not (isinstance(entry[field], str) and VARIABLE.fullmatch(entry[field])):
                raise ConfigurationError(f"{where}: {field!r} must be the name of an environment variable.")

    async def check(self) -> None:
        """Check that the file can be read.

        Raises:
            ServiceUnavailableError: if it cannot, or holds no secret.
        """
        self._read()

    async def attached(self) -> Mapping[ServerId, ExistingCredential]:
        """Every compute server that has what the file holds now.

        Raises:
            ServiceUnavailableError: if the file cannot be read; the servers keep what they have.
        """
        self._read()
        return dict(self._existing)

    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Give the server what the file holds now.

        Raises:
            ServiceUnavailableError: if the file cannot be read, or holds no secret.
        """
        self._read()
        expires_at = datetime.now(UTC) + timedelta(seconds=self.lifetime)
        self._existing[server] = ExistingCredential(level, expires_at)
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=server.user,
            expires_at=expires_at,
            r_code=f'key <- rc2_secret("{self.name}")',
            settings=self.settings,
            files={f"{self.name}.secret": self._content},
            python_code=(
                'import os, pathlib; key = pathlib.Path(os.environ["RC2_ATTACHMENTS_DIR"], '
                f'"{self.name}.secret").read_text().rstrip("\\r\\n")'
            ),
        )

    async def revoke(self, server: ServerId) -> None:
        """Forget the server; its file goes because the broker no longer lists it."""
        self._existing.pop(server, None)

    async def close(self) -> None:
        """Nothing stays open."""

    def _read(self) -> None:
        """Take what the file holds; if it is new, no server has it yet.

        Raises:
            ServiceUnavailableError: without any part of the content.
        """
        try:
            mode, data = self.file.stat().st_mode, b""
            if stat.S_ISREG(mode):  # opening a pipe would wait for its writer
                with self.file.open("rb") as file:
                    data = file.read(MAX_SIZE + 1)
        except OSError as error:
            raise ServiceUnavailableError(
                f"{self.name}: the broker cannot read the file {self.file} with the secret; ask an operator to provide it."
            ) from error
        content = data.decode(errors="replace")
        if not content.strip() or len(data) > MAX_SIZE or "\0" in content or content.encode() != data:
            raise ServiceUnavailableError(
                f"{self.name}: the file {self.file} holds no secret, which is a text in UTF-8 of up to {MAX_SIZE} bytes;"
                " ask an operator to correct it."
            )
        self._warn_of(mode)
        if content != self._content:
            self._content, self._existing = content, {}

    def _warn_of(self, mode: int) -> None:
        problem = f"{self.name}: every account of the broker's machine can read {self.file}; remove that right (chmod o=)."
        warnings = (problem,) if mode & stat.S_IROTH else ()
        if warnings and not self.warnings:
            log.warning("%s", problem)
        self.warnings = warnings
