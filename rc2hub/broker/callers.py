"""Identifies the caller. A JupyterHub token proves the user and the server; the desired state says what they may use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rc2hub.server_id import ServerId

SERVER_SCOPE = "access:servers!server="


@dataclass(frozen=True)
class Caller:
    """A user, or one of the user's compute servers."""

    user: str
    server_id: ServerId | None
    """The compute server that the token was issued to; None for a user in a browser."""
    is_admin: bool = False
    """Whether the caller is a user who is an admin of the hub; False for an admin's compute server."""
    groups: tuple[str, ...] = ()
    """The user's groups in the hub."""

    @classmethod
    def from_model(cls, model: Mapping[str, Any]) -> "Caller":
        """Read the model that JupyterHub returns for a token.

        A compute server's token has `access:servers` for that server only; a token with wider scopes is a user's.
        JupyterHub marks every token of an admin as an admin's; the mark counts only in a user's token.
        """
        user = str(model["name"])
        servers = [scope.removeprefix(SERVER_SCOPE) for scope in model["scopes"] if scope.startswith(SERVER_SCOPE)]
        if len(servers) != 1:
            return cls(user, None, model.get("admin") is True)
        owner, _, name = servers[0].rpartition("/")
        groups = tuple(sorted(model.get("groups", ())))
        return cls(user, ServerId(owner, name) if owner == user else None, groups=groups)

    def may_manage(self, server: ServerId) -> bool:
        """Whether the caller may see and change this server's attachments."""
        return server.user == self.user and self.server_id in {None, server}
