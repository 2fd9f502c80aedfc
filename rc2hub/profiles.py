"""Profiles: the kinds of compute server that an operator offers, the same for one machine and for Kubernetes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from traitlets import List
from traitlets.config import Configurable

from rc2hub.errors import ConfigurationError
from rc2hub.spare import Spare

NAME_PATTERN = re.compile(r"[a-z][a-z0-9-]*")
MEMORY_PATTERN = re.compile(r"\d+(\.\d+)?[KMGT]")
PROFILE_FIELDS = frozenset({"name", "display_name", "cpu", "memory", "spare", "kubespawner_override"})


@dataclass(frozen=True)
class Profile:
    """One kind of compute server."""

    name: str
    display_name: str
    cpu: float = 1.0
    """Cores: a limit of a pod, and what R and numerical libraries read as the number of cores."""
    memory: str = "2G"
    """Memory: a limit of a pod, and less a reserve the limit of each R."""
    spare: Spare = field(default_factory=Spare)
    """How many standbys of this kind are kept ready, and when."""
    kubespawner_override: Mapping[str, Any] = field(default_factory=dict)
    """Traits of KubeSpawner for pods of this kind; ignored on one machine."""

    @classmethod
    def parse(cls, where: str, entry: object) -> "Profile":
        """Read one entry of the catalogue.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        if not isinstance(entry, Mapping):
            raise ConfigurationError(f'{where} must be a dictionary such as {{"name": "r", "spare": 1}}.')
        for unknown in sorted(entry.keys() - PROFILE_FIELDS):
            raise ConfigurationError(
                f"{where}: unknown field {unknown!r}; accepted are {', '.join(sorted(PROFILE_FIELDS))}."
            )
        name = entry.get("name")
        if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name):
            raise ConfigurationError(f"{where} needs a 'name' of a lower-case letter followed by letters, digits and '-'.")
        spare = Spare.parse(f"{where}: 'spare'", entry.get("spare", 1))
        profile = cls(**{"display_name": name, **entry, "spare": spare})
        profile._check(where)
        return profile

    def _check(self, where: str) -> None:
        if not isinstance(self.cpu, int | float) or not self.cpu > 0:
            raise ConfigurationError(f"{where}: 'cpu' must be a number of cores above 0, not {self.cpu!r}.")
        if not isinstance(self.memory, str) or not MEMORY_PATTERN.fullmatch(self.memory):
            raise ConfigurationError(f"{where}: 'memory' must be a size such as '2G', not {self.memory!r}.")
        if not isinstance(self.kubespawner_override, Mapping):
            raise ConfigurationError(f"{where}: 'kubespawner_override' must be a dictionary of traits of KubeSpawner.")


class Profiles(Configurable):
    """The kinds of compute server that users can choose; both spawners use this list."""

    catalogue = List(
        [{"name": "r", "display_name": "R"}],
        help="""The profiles, the default one first. Fields: `name`, `display_name`, `cpu` (cores), `memory` (such as "2G"),
        `spare` (how many standbys are kept ready: a number, or rules by time, see docs/pool.md) and, for pods,
        `kubespawner_override`.

        Example: `[{"name": "r", "display_name": "R", "cpu": 1, "memory": "2G", "spare": 3}]`""",
    ).tag(config=True)

    def profiles(self) -> dict[str, Profile]:
        """Name to profile, in the operator's order.

        Raises:
            ConfigurationError: naming the entry and the accepted values.
        """
        found: dict[str, Profile] = {}
        for index, entry in enumerate(self.catalogue):
            where = f"c.Profiles.catalogue[{index}]"
            profile = Profile.parse(where, entry)
            if profile.name in found:
                raise ConfigurationError(f"{where}: the name {profile.name!r} is taken by an earlier profile.")
            found[profile.name] = profile
        if not found:
            raise ConfigurationError("c.Profiles.catalogue is empty; it needs at least one profile.")
        return found
