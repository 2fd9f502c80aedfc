"""Grants, and how they are written as JupyterHub custom scopes. What is not granted is denied. No I/O.

JupyterHub's RBAC is the only authority: operators give the scopes to users or groups with `load_roles`. See https://jupyterhub.readthedocs.io/en/stable/rbac/scopes.html#custom-scopes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SCOPE_PREFIX = "custom:rc2:"


@dataclass(frozen=True, order=True)
class Grant:
    """The right to use one shared service at one level."""

    service: str
    level: str

    @property
    def scope(self) -> str:
        """The custom scope of this grant."""
        return f"{SCOPE_PREFIX}{self.service}:{self.level}"


Grants = frozenset[Grant]


def grants_in(scopes: Iterable[str]) -> Grants:
    """The grants among the expanded scopes of a user; other scopes are ignored."""
    named = (scope.removeprefix(SCOPE_PREFIX).partition(":") for scope in scopes if scope.startswith(SCOPE_PREFIX))
    return frozenset(Grant(service, level) for service, _, level in named)


def custom_scopes(levels: Mapping[str, Sequence[str]]) -> dict[str, dict[str, object]]:
    """The value of `JupyterHub.custom_scopes` for services with these levels, the lowest first.

    Each level has the next lower one as subscope, so a grant of `write` includes `read`.
    """
    scopes: dict[str, dict[str, object]] = {}
    for service, ascending in levels.items():
        below: list[str] = []
        for level in ascending:
            scope = Grant(service, level).scope
            scopes[scope] = {"description": f"Use the shared service {service} ({level})", "subscopes": below}
            below = [scope]
    return scopes


def granted_levels(grants: Grants, service: str, levels: Sequence[str]) -> tuple[str, ...]:
    """The levels of `levels` at which these grants allow the service, the lowest first."""
    return tuple(level for level in levels if Grant(service, level) in grants)
