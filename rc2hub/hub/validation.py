"""Checks everything that an operator can write for Rc², before the hub starts."""

import os
from collections.abc import Mapping
from typing import Annotated, Any

from jupyterhub.app import JupyterHub
from pydantic import Field
from traitlets import TraitError

from rc2hub.entry import UNSHOWN, read_value
from rc2hub.errors import ConfigurationError
from rc2hub.gateways.process_drivers import ProcessDrivers
from rc2hub.hub.authenticators.login_link import Rc2LoginLinkAuthenticator
from rc2hub.hub.pool.process_pool import ProcessPool
from rc2hub.hub.spawners.base import Rc2Spawner
from rc2hub.hub.spawners.group_folders import parse_folders
from rc2hub.hub.trait_values import PROBE, check_trait, check_traits, setting
from rc2hub.permissions import SCOPE_PREFIX, custom_scopes
from rc2hub.profiles import Profile, Profiles
from rc2hub.services.catalogue import SharedServices
from rc2hub.spawn_request import ServiceChoice, SpawnChoices

UNSUPPORTED_TRAITS = {
    "args": "a compute server gets its settings when it is activated",
    "cmd": "a compute server starts before it belongs to a user",
    "profile_list": "write c.Profiles.catalogue, which serves every spawner",
}
"""Traits of JupyterHub's spawners that have no effect here, and why."""
SPAWNER_SECTIONS = ("Spawner", "LocalProcessSpawner", "KubeSpawner", "Rc2ProcessSpawner", "Rc2KubeSpawner")
ListOfDicts = Annotated[list[dict[str, Any]], Field(description="a list of dictionaries", json_schema_extra=UNSHOWN)]
ScopeList = Annotated[list[str], Field(description="a list of scopes")]


def check(c: Any) -> tuple[SpawnChoices, SharedServices]:
    """Read and check the configuration.

    Raises:
        ConfigurationError: naming the place and the accepted values.
    """
    if c.JupyterHub.get("internal_ssl"):
        raise ConfigurationError(
            "c.JupyterHub.internal_ssl must be False: a standby starts before it belongs to a user and has no certificate."
        )
    spawner_class, authenticator_class = _spawner_class(c), _class(c, "authenticator_class")
    _check_spawner_traits(c)
    check_traits(c, (Profiles, SharedServices, ProcessDrivers, ProcessPool, spawner_class, authenticator_class))
    _check_folders(c)
    _check_users(c, authenticator_class)
    shared = SharedServices(config=c)
    shared.validate_entries()
    if not shared.managed and not os.environ.get("RC2_BROKER_TOKEN"):
        raise ConfigurationError("c.SharedServices.managed is False, so the variable RC2_BROKER_TOKEN must be set.")
    if not shared.managed and shared.catalogue and not shared.installation:
        raise ConfigurationError(
            "c.SharedServices.managed is False, so c.SharedServices.installation must be set, for hub and broker."
        )
    services = {name: service_choice(shared, name) for name in shared.catalogue}
    choices = SpawnChoices(Profiles(config=c).profiles(), services)
    _check_overrides(spawner_class, choices.profiles)
    read_value(ListOfDicts, "c.JupyterHub.services", setting(c, "JupyterHub", "services", []))
    _check_roles(c, shared)
    return choices, shared


def service_choice(shared: SharedServices, name: str) -> ServiceChoice:
    """One service of the catalogue, as a user sees it."""
    kind = shared.kind_of(name)
    return ServiceChoice(
        name,
        kind.kind,
        shared.display_name(name),
        shared.contact_for(name),
        kind.levels,
        kind.blocks_start,
        shared.description(name),
    )


def _class(c: Any, name: str) -> Any:
    """The class that a trait of JupyterHub names, by an entry point or an import path."""
    trait = JupyterHub.class_traits()[name]
    value = c.JupyterHub.get(name, trait.default_value)
    try:
        return trait.validate(PROBE, value)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"c.JupyterHub.{name}: {value!r} needs the Python package {error.name}; install it, for example with"
            " pip install 'rc2hub[kubernetes]'."
        ) from error
    except TraitError as error:
        accepted = ", ".join(sorted(trait.load_entry_points()))
        raise ConfigurationError(f"c.JupyterHub.{name}: {value!r} is not installed; installed are {accepted}.") from error


def _spawner_class(c: Any) -> type[Rc2Spawner]:
    found: type[Any] = _class(c, "spawner_class")
    if not issubclass(found, Rc2Spawner):
        raise ConfigurationError(
            "c.JupyterHub.spawner_class must be 'rc2-process', 'rc2-kube' or a subclass of one of them, not"
            f" {found.__name__}."
        )
    return found


def _check_spawner_traits(c: Any) -> None:
    for section in SPAWNER_SECTIONS:
        for trait in UNSUPPORTED_TRAITS.keys() & c.get(section, {}).keys():
            raise ConfigurationError(f"c.{section}.{trait} cannot be set: {UNSUPPORTED_TRAITS[trait]}.")


def _check_folders(c: Any) -> None:
    where = "c.Rc2KubeSpawner.group_folders"
    if parse_folders(where, setting(c, "Rc2KubeSpawner", "group_folders", {})) and "uid" in c.KubeSpawner:
        raise ConfigurationError(
            f"{where} must be empty where c.KubeSpawner.uid is set: only a standby that starts as root can open them."
        )


def _check_users(c: Any, authenticator_class: type[Any]) -> None:
    if issubclass(authenticator_class, Rc2LoginLinkAuthenticator):
        authenticator_class(config=c).read_users()


def _check_overrides(spawner_class: type[Rc2Spawner], profiles: Mapping[str, Profile]) -> None:
    """Check the traits of each profile, where pods are started; KubeSpawner itself would fail at a login."""
    traits = spawner_class.class_traits()
    if "profile_list" not in traits:
        return
    for index, profile in enumerate(profiles.values()):
        for name, value in profile.kubespawner_override.items():
            where = f"c.Profiles.catalogue[{index}]: 'kubespawner_override', {name!r}"
            if name not in traits:
                raise ConfigurationError(f"{where} is no trait of KubeSpawner.")
            if not callable(value):
                check_trait(where, traits[name], value)


def _check_roles(c: Any, shared: SharedServices) -> None:
    known = set(custom_scopes(shared.levels()))
    for role in read_value(ListOfDicts, "c.JupyterHub.load_roles", setting(c, "JupyterHub", "load_roles", [])):
        where = f"c.JupyterHub.load_roles, role {role.get('name')!r}"
        for scope in read_value(ScopeList, f"{where}: 'scopes'", role.get("scopes", [])):
            if scope.startswith(SCOPE_PREFIX) and scope not in known:
                raise ConfigurationError(
                    f"{where}: the scope {scope!r} names no service and level of"
                    f" c.SharedServices.catalogue; accepted are {', '.join(sorted(known)) or 'none, it is empty'}."
                )
