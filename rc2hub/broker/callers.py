"""Who is calling the broker. JupyterHub's tokens prove only who and which server; what one may do is in the hub's list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rc2hub.services.base import Server

SERVER_SCOPE = "access:servers!server="


@dataclass(frozen=True)
class Caller:
    """A person, or one of her compute servers."""

    user: str
    own_server: Server | None
    """The server whose own hub token this is; None for a person in a browser."""
    is_admin: bool = False
    """Whether this is an admin of the hub herself; what runs in her server is not."""

    @classmethod
    def from_model(cls, model: Mapping[str, Any]) -> "Caller":
        """Read the model that JupyterHub gives for a token.

        A server's own token has `access:servers` for that server alone; anything wider is a person's. Whether she is an
        admin stands in the model of each of her tokens, so it counts in a person's only.
        """
        user = str(model["name"])
        servers = [scope.removeprefix(SERVER_SCOPE) for scope in model["scopes"] if scope.startswith(SERVER_SCOPE)]
        if len(servers) != 1:
            return cls(user, None, model.get("admin") is True)
        owner, _, name = servers[0].rpartition("/")
        return cls(user, Server(owner, name) if owner == user else None)

    def may_manage(self, server: Server) -> bool:
        """Whether the caller may see and change this server's attachments."""
        return server.user == self.user and self.own_server in {None, server}
