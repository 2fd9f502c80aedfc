"""How hub, broker and gateways identify a compute server."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class ServerId:
    """A compute server: its owner, and its name, which is empty for the default server."""

    user: str
    name: str = ""
