"""How the roles of a PostgreSQL service are named, and the labels in their comments.

Roles belong to a whole server, so names and labels hold the id of this installation of Rc²: two hubs on one server never
touch each other's roles. Which role belongs to which compute server stands in the label. Names and labels are ASCII, because
the databases of a server share its roles and can have different encodings.
"""

import json
from dataclasses import dataclass
from hashlib import sha256

from jupyterhub.slugs import is_valid_safe_slug, safe_slug

from rc2hub.server_id import ServerId

LABEL_START = '{"rc2":'
"""How the comment of every role of Rc² begins, whichever installation has made it."""


@dataclass(frozen=True)
class RoleNames:
    """The names and labels of one service of one installation; a name has 63 characters at most, PostgreSQL's limit."""

    installation: str
    service: str

    def group(self, level: str) -> str:
        """The group role of a level."""
        return f"{self._stem}_{level}"

    def login(self, server: ServerId) -> str:
        """The login role of a server: readable, and unique for each pair of user and server."""
        parts = [self.installation, self.service, server.user, server.name]
        digest = sha256(json.dumps(parts).encode()).hexdigest()[:10]
        return f"{self._stem[:30]}_as_{safe_slug(server.user, avoid_collisions=False, max_length=18)}_{digest}"

    def group_label(self, level: str) -> str:
        """The comment of a group role."""
        return self._label(group=level)

    def login_label(self, server: ServerId, level: str) -> str:
        """The comment of a login role."""
        return self._label(user=server.user, server=server.name, level=level)

    def owner(self, label: str) -> tuple[ServerId, str] | None:
        """The server and the level in a label; None if it is not the label of a login role of this service."""
        try:
            fields = json.loads(label)
        except ValueError:
            return None
        match fields:
            case {
                "rc2": self.service,
                "installation": self.installation,
                "user": str(user),
                "server": str(name),
                "level": str(level),
            }:
                return ServerId(user, name), level
        return None

    @property
    def _stem(self) -> str:
        """Four characters, and at most 20 of the installation, one between, and 30 of the service."""
        service = safe_slug(self.service, max_length=30, is_valid=is_valid_safe_slug)
        return f"rc2_{safe_slug(self.installation, max_length=20)}_{service}"

    def _label(self, **fields: str) -> str:
        return json.dumps({"rc2": self.service, "installation": self.installation, **fields})
