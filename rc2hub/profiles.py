"""Profiles: the kinds of compute server that an operator offers, the same for one machine and for Kubernetes."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, InstanceOf
from pydantic.dataclasses import dataclass
from traitlets import List
from traitlets.config import Configurable

from rc2hub.entry import UNSHOWN, Name, Text, read_entry, read_value
from rc2hub.errors import ConfigurationError
from rc2hub.spare import Spare

MAX_CORES = 4096
"""Cores of a profile at most; no machine has more."""
Cores = Annotated[float, Field(strict=True, gt=0, le=MAX_CORES, description="a number of cores above 0")]
Memory = Annotated[
    str,
    Field(
        strict=True,
        pattern=r"^(0*[1-9]\d*(\.\d+)?|0+\.0*[1-9]\d*)[KMGT]\z",
        description="a size above 0, such as '2G'",
    ),
]
Overrides = Annotated[dict[str, Any], Field(description="a dictionary of traits of KubeSpawner", json_schema_extra=UNSHOWN)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Profile:
    """One kind of compute server."""

    name: Name
    display_name: Text
    cpu: Cores = 1.0
    """Cores: a limit of a pod, and what R and numerical libraries read as the number of cores."""
    memory: Memory = "2G"
    """Memory: a limit of a pod, and less a reserve the limit of each R."""
    spare: InstanceOf[Spare] = Spare()
    """How many standbys of this kind are kept ready, and when."""
    kubespawner_override: Overrides = Field(default_factory=dict)
    """Traits of KubeSpawner for pods of this kind; ignored on one machine."""

    @classmethod
    def parse(cls, where: str, entry: object) -> "Profile":
        """Read one entry of the catalogue.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        if not isinstance(entry, Mapping):
            raise ConfigurationError(f'{where} must be a dictionary such as {{"name": "r", "spare": 1}}.')
        name = read_value(Name, f"{where}: 'name'", entry.get("name"))
        spare = Spare.parse(f"{where}: 'spare'", entry.get("spare", 1))
        return read_entry(cls, where, {"display_name": name, **entry, "spare": spare})


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
