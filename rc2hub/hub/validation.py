"""Checks everything that an operator can write for Rc², before the hub starts."""

import os
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.hub.spawners.group_folders import parse_folders
from rc2hub.permissions import SCOPE_PREFIX, custom_scopes
from rc2hub.profiles import Profiles
from rc2hub.services.catalogue import SharedServices
from rc2hub.spawn_request import ServiceChoice, SpawnChoices

UNSUPPORTED_TRAITS = {
    "args": "a compute server gets its settings when it is activated",
    "cmd": "a compute server starts before it belongs to a user",
    "profile_list": "write c.Profiles.catalogue, which serves every spawner",
}
"""Traits of JupyterHub's spawners that have no effect here, and why."""
SPAWNER_SECTIONS = ("Spawner", "LocalProcessSpawner", "KubeSpawner", "Rc2ProcessSpawner", "Rc2KubeSpawner")


def check(c: Any) -> tuple[SpawnChoices, SharedServices]:
    """Read and check the configuration.

    Raises:
        ConfigurationError: naming the place and the accepted values.
    """
    if c.JupyterHub.get("internal_ssl"):
        raise ConfigurationError(
            "c.JupyterHub.internal_ssl must be False: a standby starts before it belongs to a user and has no certificate."
        )
    _check_spawner_traits(c)
    _check_folders(c)
    shared = SharedServices(config=c)
    shared.validate_entries()
    if not shared.managed and "RC2_BROKER_TOKEN" not in os.environ:
        raise ConfigurationError("c.SharedServices.managed is False, so the variable RC2_BROKER_TOKEN must be set.")
    services = {name: service_choice(shared, name) for name in shared.catalogue}
    choices = SpawnChoices(Profiles(config=c).profiles(), services)
    _check_roles(c, shared)
    return choices, shared


def service_choice(shared: SharedServices, name: str) -> ServiceChoice:
    """One service of the catalogue, as a user sees it."""
    kind = shared.kind_of(name)
    return ServiceChoice(
        name, kind.kind, shared.display_name(name), shared.contact_for(name), kind.levels, kind.blocks_start
    )


def _check_spawner_traits(c: Any) -> None:
    for section in SPAWNER_SECTIONS:
        for trait in UNSUPPORTED_TRAITS.keys() & c.get(section, {}).keys():
            raise ConfigurationError(f"c.{section}.{trait} cannot be set: {UNSUPPORTED_TRAITS[trait]}.")


def _check_folders(c: Any) -> None:
    where = "c.Rc2KubeSpawner.group_folders"
    if parse_folders(where, c.Rc2KubeSpawner.get("group_folders", {})) and "uid" in c.KubeSpawner:
        raise ConfigurationError(
            f"{where} must be empty where c.KubeSpawner.uid is set: only a standby that starts as root can open them."
        )


def _check_roles(c: Any, shared: SharedServices) -> None:
    known = set(custom_scopes(shared.levels()))
    for role in c.JupyterHub.get("load_roles", []):
        for scope in role.get("scopes", []):
            if scope.startswith(SCOPE_PREFIX) and scope not in known:
                raise ConfigurationError(
                    f"c.JupyterHub.load_roles, role {role.get('name')!r}: the scope {scope!r} names no service and level of"
                    f" c.SharedServices.catalogue; accepted are {', '.join(sorted(known)) or 'none, it is empty'}."
                )
