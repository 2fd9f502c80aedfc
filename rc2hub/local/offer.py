"""The shared services that `make up` offers: those that RC2_SERVICES names, or else all that this machine has memory for."""

import os
from collections.abc import Iterable

from rc2hub.errors import ConfigurationError
from rc2hub.local import hdfs, hive

SERVICES = ("flights", "spark", "hdfs", "hive")
MEMORY = {"hdfs": 6 << 30, "hive": 12 << 30}
"""Bytes of memory from which a service is offered without being named; HDFS and Hive need about 0.4 GiB each."""
STANDBY_MEMORY = 8 << 30
"""Bytes of memory from which Spark has a standby, which needs about 0.5 GiB."""
HIVE_NEEDS = ("flights", "hdfs")
"""Hive's metastore has its tables in the PostgreSQL of the flights, and its data in HDFS."""


def offered_services() -> tuple[str, ...]:
    """The names of the services, in the order of the form.

    Raises:
        ConfigurationError: if RC2_SERVICES names one that does not exist or is not installed, or Hive without what it needs.
    """
    installed = {"hdfs": hdfs.is_installed(), "hive": hdfs.is_installed() and hive.is_installed()}
    if (chosen := os.environ.get("RC2_SERVICES")) is None:
        memory = _memory()
        return tuple(name for name in SERVICES if installed.get(name, True) and memory >= MEMORY.get(name, 0))
    names = {name.strip() for name in chosen.split(",") if name.strip()}
    if unknown := sorted(names - set(SERVICES)):
        raise ConfigurationError(f"RC2_SERVICES: there is no service {unknown[0]!r}; known are {', '.join(SERVICES)}.")
    if missing := [name for name in SERVICES if name in names and not installed.get(name, True)]:
        raise ConfigurationError(f"RC2_SERVICES: {missing[0]} is not installed; `make setup` installs it.")
    if "hive" in names and not names.issuperset(HIVE_NEEDS):
        raise ConfigurationError(f"RC2_SERVICES: hive needs {' and '.join(HIVE_NEEDS)}; name them too.")
    return tuple(name for name in SERVICES if name in names)


def scopes(grants: Iterable[str], offered: Iterable[str]) -> list[str]:
    """The scopes of grants such as `flights:read`, of the services that are offered."""
    return [f"custom:rc2:{grant}" for grant in grants if grant.partition(":")[0] in offered]


def spark_standbys() -> int:
    """How many Connect servers are kept ready."""
    return int(_memory() >= STANDBY_MEMORY)


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
