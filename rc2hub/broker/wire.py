"""How the hub's desired state travels to the broker: plain JSON, the same words on both sides."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rc2hub.broker.reconcile import Desired
from rc2hub.permissions import grants_in
from rc2hub.profiles import PoolState
from rc2hub.services.base import Server

DEFAULT_SERVER = "-"
"""Stands for the default server, whose name is empty, in a path; no server can be called that."""


def encode(desired: Desired) -> dict[str, Any]:
    """The JSON of a desired state."""
    return {
        "servers": [
            {"user": server.user, "server": server.name, "asked": dict(asked)} for server, asked in desired.servers.items()
        ],
        "grants": {user: sorted(grant.scope for grant in grants) for user, grants in desired.grants.items()},
        "pools": [asdict(pool) for pool in desired.pools],
    }


def decode(body: Mapping[str, Any]) -> Desired:
    """The desired state in a body that `encode` made.

    Raises:
        KeyError, TypeError, AttributeError: if it has another shape.
    """
    return Desired(
        {Server(entry["user"], entry["server"]): dict(entry["asked"]) for entry in body["servers"]},
        {user: grants_in(scopes) for user, scopes in body["grants"].items()},
        [PoolState(**pool) for pool in body["pools"]],
    )
