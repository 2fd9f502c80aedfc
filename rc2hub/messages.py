"""The messages between the hub and the broker, as values and as JSON. The gateways use the same names."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rc2hub.permissions import Grant, Grants, grants_in

DEFAULT_SERVER = "-"
"""Stands in a path for the default server, whose name is empty; JupyterHub allows no server with this name."""


@dataclass(frozen=True, order=True)
class ServerId:
    """Identifies a compute server: its owner, and its name, which is empty for the default server."""

    user: str
    name: str = ""


@dataclass(frozen=True)
class PoolState:
    """The standbys of one profile at one moment."""

    profile: str
    desired: int
    """How many should be ready."""
    ready: int
    starting: int
    broken: int
    message: str
    """Why standbys are missing, in one sentence; empty if none are."""


@dataclass(frozen=True)
class DesiredState:
    """What the hub sends to the broker: the services of every active server, the users' grants, the state of the pools."""

    servers: Mapping[ServerId, Mapping[str, str]] = field(default_factory=dict)
    """Server to service to level, as the users requested them."""
    grants: Mapping[str, Grants] = field(default_factory=dict)
    pools: Sequence[PoolState] = ()

    def allowed_servers(self, service: str) -> dict[ServerId, str]:
        """Server to level, for each server that requests this service and whose owner has the grant."""
        return {
            server: requested[service]
            for server, requested in self.servers.items()
            if service in requested and self.has_grant(server.user, service, requested[service])
        }

    def has_grant(self, user: str, service: str, level: str) -> bool:
        """Whether the user has this grant; a user who is not in `grants` has none."""
        return Grant(service, level) in self.grants.get(user, frozenset())


@dataclass(frozen=True)
class ChangeRequest:
    """A user's request to attach a service to a running server at a level, or to detach it if the level is None."""

    user: str
    server: str
    service: str
    level: str | None

    def is_applied_in(self, desired: DesiredState | None) -> bool:
        """Whether the desired state already contains the change."""
        requested = desired.servers.get(ServerId(self.user, self.server), {}) if desired else {}
        return requested.get(self.service) == self.level


def encode(desired: DesiredState) -> dict[str, Any]:
    """The JSON of a desired state."""
    return {
        "servers": [
            {"user": server.user, "server": server.name, "services": dict(services)}
            for server, services in desired.servers.items()
        ],
        "grants": {user: sorted(grant.scope for grant in grants) for user, grants in desired.grants.items()},
        "pools": [asdict(pool) for pool in desired.pools],
    }


def decode(body: Mapping[str, Any]) -> DesiredState:
    """The desired state in the JSON that `encode` made.

    Raises:
        KeyError, TypeError, AttributeError: if the body has another shape.
    """
    return DesiredState(
        {ServerId(entry["user"], entry["server"]): dict(entry["services"]) for entry in body["servers"]},
        {user: grants_in(scopes) for user, scopes in body["grants"].items()},
        [PoolState(**pool) for pool in body["pools"]],
    )
