"""Which shared services there are: the operator's catalogue, checked, and the plug-ins that implement its kinds."""

import os
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from traitlets import Bool, Dict, Float, Unicode
from traitlets.config import Configurable

from rc2hub.errors import ConfigurationError
from rc2hub.profiles import NAME
from rc2hub.services.base import SharedService

COMMON_FIELDS = frozenset({"kind", "display_name", "contact"})


class SharedServices(Configurable):
    """The shared services that compute servers can have attached."""

    catalogue = Dict(
        help="""Name of a service to its entry. Each entry has a `kind`; the kind says which other fields it takes.
        `display_name` is what people read, `contact` whom they ask for a grant. Names match `[a-z][a-z0-9-]*`.

        Example: `{"flights": {"kind": "postgres", "url": "postgresql://db:5432/flights",
        "admin": {"file": "/etc/rc2/flights"}, "schemas": ["public"]}}`""",
    ).tag(config=True)
    contact = Unicode(
        "the operator of this hub",
        help="""Whom to ask for a grant where an entry names no `contact` of its own: a name or an address.""",
    ).tag(config=True)
    lifetime = Float(
        3600.0,
        help="""Seconds a credential of an attachment lives. It is renewed at half of that while its server runs; with hub or
        broker away it runs out by itself, so an hour bounds what a lost machine leaves behind.""",
    ).tag(config=True)

    managed = Bool(
        True,
        help="""Whether the hub starts the broker and the gateways. Where they run by themselves, as in the Helm chart, set
        False: the secret that hub and broker share then is in the variable RC2_BROKER_TOKEN of both.""",
    ).tag(config=True)
    broker_url = Unicode(
        "http://127.0.0.1:10810",
        help="""Where the broker listens. JupyterHub's proxy and the compute servers reach it there.""",
    ).tag(config=True)

    def validate_entries(self) -> None:
        """Check the whole catalogue.

        Raises:
            ConfigurationError: naming the place and the accepted values.
        """
        kinds = load_kinds()
        for name, entry in self.catalogue.items():
            where = f"c.SharedServices.catalogue[{name!r}]"
            if not isinstance(name, str) or not NAME.fullmatch(name):
                raise ConfigurationError(f"{where}: a name is a lower-case letter followed by letters, digits and '-'.")
            if not isinstance(entry, Mapping):
                raise ConfigurationError(f'{where} must be a dictionary such as {{"kind": "postgres", …}}.')
            kind = entry.get("kind")
            if kind not in kinds:
                raise ConfigurationError(f"{where}: unknown kind {kind!r}; known are {', '.join(sorted(kinds))}.")
            _check_fields(where, entry, kinds[kind])
            kinds[kind].validate(where, entry)

    def kind_of(self, name: str) -> type[SharedService]:
        """The plug-in class that implements the named service."""
        return load_kinds()[self.catalogue[name]["kind"]]

    def levels(self) -> dict[str, tuple[str, ...]]:
        """Name of each service to its levels, the least first."""
        return {name: self.kind_of(name).levels for name in self.catalogue}

    def contact_for(self, name: str) -> str:
        """Whom to ask for a grant of the named service."""
        return str(self.catalogue[name].get("contact") or self.contact)

    def display_name(self, name: str) -> str:
        """What people read as the service's name."""
        return str(self.catalogue[name].get("display_name") or name)

    def admin_environment(self) -> dict[str, str]:
        """The variables in which entries keep their admin credential, for the broker's environment."""
        names = (entry["admin"]["env"] for entry in self.catalogue.values() if "env" in entry.get("admin", {}))
        return {name: os.environ[name] for name in names if name in os.environ}

    def open_services(self) -> dict[str, SharedService]:
        """Make the services; only the broker does this."""
        return {name: self.kind_of(name)(name, entry, self.lifetime) for name, entry in self.catalogue.items()}


def load_kinds() -> dict[str, type[SharedService]]:
    """Kind to the class that implements it, from the entry points of the group `rc2hub.services`.

    Raises:
        ConfigurationError: if two installed packages provide the same kind.
    """
    kinds: dict[str, Any] = {}
    for point in entry_points(group="rc2hub.services"):
        if point.name in kinds:
            raise ConfigurationError(f"Two installed packages provide the service kind {point.name!r}; uninstall one.")
        kinds[point.name] = point
    return {name: point.load() for name, point in kinds.items()}


def _check_fields(where: str, entry: Mapping[str, Any], kind: type[SharedService]) -> None:
    accepted = COMMON_FIELDS | kind.required | kind.optional
    for field in sorted(kind.required - entry.keys()):
        raise ConfigurationError(f"{where} lacks the field {field!r}, which the kind {kind.kind!r} needs.")
    for field in sorted(entry.keys() - accepted):
        raise ConfigurationError(f"{where}: unknown field {field!r}; accepted are {', '.join(sorted(accepted))}.")
