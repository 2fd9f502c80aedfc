"""The shared services that `make up` offers: those that RC2_SERVICES names, or else all that this machine has memory for."""

import os
from collections.abc import Iterable

from rc2hub.errors import ConfigurationError
from rc2hub.local import hdfs

SERVICES = ("flights", "spark", "hdfs")
HDFS_MEMORY = 6 << 30
"""Bytes of memory from which HDFS is offered without being named; its three processes need about 0.4 GiB."""


def offered_services() -> tuple[str, ...]:
    """The names of the services, in the order of the form.

    Raises:
        ConfigurationError: if RC2_SERVICES names one that does not exist, or that is not installed.
    """
    if (chosen := os.environ.get("RC2_SERVICES")) is None:
        return SERVICES if hdfs.is_installed() and _memory() >= HDFS_MEMORY else SERVICES[:2]
    names = {name.strip() for name in chosen.split(",") if name.strip()}
    if unknown := sorted(names - set(SERVICES)):
        raise ConfigurationError(f"RC2_SERVICES: there is no service {unknown[0]!r}; known are {', '.join(SERVICES)}.")
    if "hdfs" in names and not hdfs.is_installed():
        raise ConfigurationError("RC2_SERVICES: hdfs is not installed; `make setup` installs it.")
    return tuple(name for name in SERVICES if name in names)


def scopes(grants: Iterable[str], offered: Iterable[str]) -> list[str]:
    """The scopes of grants such as `flights:read`, of the services that are offered."""
    return [f"custom:rc2:{grant}" for grant in grants if grant.partition(":")[0] in offered]


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
