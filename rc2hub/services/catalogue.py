"""The operator's catalogue of shared services and its checks, and the plug-ins that implement the kinds."""

import os
import secrets
import string
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from traitlets import Bool, Dict, Float, Unicode
from traitlets.config import Configurable

from rc2hub.entry import Name, Text, read_value
from rc2hub.errors import ConfigurationError
from rc2hub.services.base import SharedService

INSTALLATION_FILE = Path("rc2_installation")
"""Where an id that the operator has not set is kept; beside it JupyterHub keeps its cookie secret and its database."""
COMMON_FIELDS = frozenset({"kind", "display_name", "description", "contact"})


class SharedServices(Configurable):
    """The shared services that users can attach to their compute servers."""

    catalogue = Dict(
        help="""Name of a service to its entry. Each entry has a `kind`; the kind defines which other fields it takes.
        Users see the `display_name` and the `description`, one sentence that says what the service is for, and ask the
        `contact` for a grant. A name is a lower-case letter and up to 29 letters, digits and `-`.

        Example: `{"flights": {"kind": "postgres", "url": "postgresql://db:5432/flights",
        "admin": {"file": "/etc/rc2/flights"}, "schemas": ["public"]}}`""",
    ).tag(config=True)
    contact = Unicode(
        "the operator of this hub",
        help="""Whom users ask for a grant of a service without a `contact` in its entry: a name or an address.""",
    ).tag(config=True)
    lifetime = Float(
        3600.0,
        help="""Seconds for which the credential of an attachment is valid. While its server runs, it is renewed after half
        of that time. If the hub or the broker fails, the credential expires after at most this time.""",
    ).tag(config=True)

    installation = Unicode(
        help="""The id of this installation in the names of what the broker makes in the services: two hubs can offer the
        same service if their ids differ. It must stay the same. If it is empty, the broker makes one at its first start and
        keeps it in the file `rc2_installation` of the hub's working directory. A broker that the hub does not start needs
        one; the Helm chart gives NAMESPACE/RELEASE.""",
    ).tag(config=True)

    managed = Bool(
        True,
        help="""Whether the hub starts the broker and the gateways. Set it to False where something else starts them, as the
        Helm chart does; the variable RC2_BROKER_TOKEN of hub and broker then holds the secret that they share.""",
    ).tag(config=True)
    broker_url = Unicode(
        "http://127.0.0.1:10810",
        help="""The address of the broker, for JupyterHub's proxy and for the compute servers.""",
    ).tag(config=True)

    def validate_entries(self) -> None:
        """Check the whole catalogue.

        Raises:
            ConfigurationError: naming the setting and the accepted values.
        """
        kinds = load_kinds()
        for name, entry in self.catalogue.items():
            where = f"c.SharedServices.catalogue[{name!r}]"
            read_value(Name, f"{where}: the name", name)
            if not isinstance(entry, Mapping):
                raise ConfigurationError(f'{where} must be a dictionary such as {{"kind": "postgres", …}}.')
            kind = entry.get("kind")
            if not isinstance(kind, str) or kind not in kinds:
                raise ConfigurationError(f"{where}: unknown kind {kind!r}; known are {', '.join(sorted(kinds))}.")
            _check_fields(where, entry, kinds[kind])
            kinds[kind].validate(where, entry)
            for other in ("hdfs", "hive", "s3"):
                if other in entry:
                    self._check_is_entry(f"{where}: {other!r}", entry[other], other)
            if "hive" in entry and entry.get("hdfs") != self.catalogue[entry["hive"]].get("hdfs"):
                raise ConfigurationError(
                    f"{where}: 'hdfs' must name the HDFS of {entry['hive']!r}, where the tables' data are."
                )
            if kind == "hive" and {"keytab", "ca"} & self.catalogue[entry["hdfs"]].keys():
                raise ConfigurationError(
                    f"{where}: 'hdfs' must name an HDFS without 'keytab' and 'ca'; Hive does not work with Kerberos yet."
                )

    def _check_is_entry(self, where: str, name: object, kind: str) -> None:
        """Check that an entry names another one of this kind."""
        found = sorted(other for other, entry in self.catalogue.items() if entry.get("kind") == kind)
        if name not in found:
            known = ", ".join(found) or "none yet"
            raise ConfigurationError(f"{where} must be the name of an entry of the kind {kind}; there is {known}.")

    def kind_of(self, name: str) -> type[SharedService]:
        """The plug-in class that implements the named service."""
        return load_kinds()[self.catalogue[name]["kind"]]

    def levels(self) -> dict[str, tuple[str, ...]]:
        """Name of each service to its levels, the lowest first."""
        return {name: self.kind_of(name).levels for name in self.catalogue}

    def contact_for(self, name: str) -> str:
        """Whom to ask for a grant of the named service."""
        return str(self.catalogue[name].get("contact") or self.contact)

    def display_name(self, name: str) -> str:
        """The name of the service that users see."""
        return str(self.catalogue[name].get("display_name") or name)

    def description(self, name: str) -> str:
        """What the service is for, as users see it; empty if the entry does not say it."""
        return str(self.catalogue[name].get("description") or "")

    def admin_environment(self) -> dict[str, str]:
        """The environment variables that hold admin credentials of entries, for the broker's environment."""
        names = (entry["admin"]["env"] for entry in self.catalogue.values() if "env" in entry.get("admin", {}))
        return {name: os.environ[name] for name in names if name in os.environ}

    def open_services(self) -> dict[str, SharedService]:
        """Create the services; only the broker calls this.

        Raises:
            ConfigurationError: if the id of the installation can neither be read nor written.
        """
        services = {name: self.kind_of(name)(name, entry, self.lifetime) for name, entry in self.catalogue.items()}
        for service in services.values():
            service.installation = self.installation or _kept_installation()
        return services


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


def _kept_installation() -> str:
    try:
        if not INSTALLATION_FILE.exists():
            INSTALLATION_FILE.write_text("".join(secrets.choice(string.ascii_lowercase) for _ in range(8)) + "\n")
        if kept := INSTALLATION_FILE.read_text().strip():
            return kept
        reason = "it is empty"
    except OSError as error:
        reason = str(error.strerror)
    raise ConfigurationError(
        f"c.SharedServices.installation must be set, as the file {INSTALLATION_FILE.absolute()} cannot be used: {reason}."
    )


def _check_fields(where: str, entry: Mapping[str, Any], kind: type[SharedService]) -> None:
    accepted = COMMON_FIELDS | kind.required | kind.optional
    for field in sorted(kind.required - entry.keys()):
        raise ConfigurationError(f"{where} lacks the field {field!r}, which the kind {kind.kind!r} needs.")
    for field in sorted(map(str, entry.keys() - accepted)):
        raise ConfigurationError(f"{where}: unknown field {field!r}; accepted are {', '.join(sorted(accepted))}.")
    for field in ("display_name", "description", "contact"):
        if field in entry:
            read_value(Text, f"{where}: {field!r}", entry[field])
