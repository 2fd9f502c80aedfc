"""`install(c)`, the last line of an operator's jupyterhub_config.py: checks the whole configuration and puts Rc² into it.

    from rc2hub.configure import install
    install(c)

It comes last because it reads what stands above it, and because a later `load_roles =` would erase what it adds.
"""

import asyncio
import json
import logging
import math
import os
import secrets
import sys
from typing import Any
from urllib.parse import urljoin

from jupyterhub.app import JupyterHub
from jupyterhub.utils import exponential_backoff

from rc2hub import lifecycle
from rc2hub.broker.client import BrokerClient, Push
from rc2hub.errors import ConfigurationError, Rc2Error
from rc2hub.permissions import SCOPE_PREFIX, custom_scopes
from rc2hub.profiles import Profiles
from rc2hub.request import Offer, OfferedService
from rc2hub.services.base import GATEWAY_SECRET
from rc2hub.services.catalogue import SharedServices
from rc2hub.spawners.base import REFUSED, Rc2Spawner
from rc2hub.spawners.folders import parse_folders

SERVICE = "rc2"
"""The broker's name as a JupyterHub service; it is reached under /services/rc2/."""
USE_BROKER = f"access:services!service={SERVICE}"
LISTS = {"timeout_seconds": 60, "restart_seconds": 60, "request_timeout": 70}
"""Seconds after which KubeSpawner's watches begin anew with a list of all pods. By itself it does so every ten seconds, and
with a thousand pods the hub does nothing else for 0.4 s each time. Like that, it learns as soon of a watch that is cut."""
LOOK = 0.1
"""Seconds between looks whether the hub is up."""
log = logging.getLogger("JupyterHub")


def install(c: Any) -> None:
    """Check the configuration and add what Rc² needs; calling it again changes nothing.

    Raises:
        SystemExit: with one sentence naming the place and the accepted values, if the configuration is wrong.
    """
    try:
        offer, shared = check(c)
    except ConfigurationError as error:
        sys.exit(f"rc2hub: {error}")
    if any(service.get("name") == SERVICE for service in c.JupyterHub.get("services", [])):
        return
    token = secrets.token_hex(32) if shared.managed else os.environ["RC2_BROKER_TOKEN"]
    c.JupyterHub.custom_scopes = {**c.JupyterHub.get("custom_scopes", {}), **custom_scopes(shared.levels())}
    services = managed_services(shared, c, token) if shared.managed else [broker_service(shared, token)]
    c.JupyterHub.services = [*c.JupyterHub.get("services", []), *services]
    c.JupyterHub.load_roles = list(c.JupyterHub.get("load_roles", []))
    c.JupyterHub.extra_user_scopes = {*c.JupyterHub.get("extra_user_scopes", ()), USE_BROKER}
    c.JupyterHub.logging_config = {
        "filters": {"refusals": {"()": "rc2hub.spawners.base.WithoutTraceback"}},
        "handlers": {"console": {"filters": ["refusals"]}},
    }
    c.ResourceReflector.update({**LISTS, **c.ResourceReflector})
    Rc2Spawner.offer = offer
    _run_with_hub(shared, token)


def check(c: Any) -> tuple[Offer, SharedServices]:
    """Read and check everything an operator may write for Rc².

    Raises:
        ConfigurationError: naming the place and the accepted values.
    """
    if c.JupyterHub.get("internal_ssl"):
        raise ConfigurationError(
            "c.JupyterHub.internal_ssl must be False: a standby serves before it is anybody's and has no certificate."
        )
    for section in ("Spawner", "LocalProcessSpawner", "KubeSpawner", "Rc2LocalSpawner", "Rc2KubeSpawner"):
        for trait in REFUSED.keys() & c.get(section, {}).keys():
            raise ConfigurationError(f"c.{section}.{trait} cannot be set: {REFUSED[trait]}.")
    _check_folders(c)
    shared = SharedServices(config=c)
    shared.validate_entries()
    if not shared.managed and "RC2_BROKER_TOKEN" not in os.environ:
        raise ConfigurationError("c.SharedServices.managed is False, so the variable RC2_BROKER_TOKEN must be set.")
    offer = Offer(Profiles(config=c).profiles(), {name: offered(shared, name) for name in shared.catalogue})
    _check_roles(c, shared)
    return offer, shared


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


def offered(shared: SharedServices, name: str) -> OfferedService:
    """One service of the catalogue as people meet it."""
    kind = shared.kind_of(name)
    return OfferedService(
        name, kind.kind, shared.display_name(name), shared.contact_for(name), kind.levels, kind.before_prompt
    )


def broker_service(shared: SharedServices, token: str) -> dict[str, Any]:
    """The broker as a JupyterHub service; it has no scope at all, its power lies in the services."""
    return {"name": SERVICE, "url": shared.broker_url, "api_token": token, "oauth_no_confirm": True}


def managed_services(shared: SharedServices, c: Any, token: str) -> list[dict[str, Any]]:
    """Broker and gateways as services that JupyterHub starts, with a secret that broker and gateways share."""
    settings = {"catalogue": shared.catalogue, "contact": shared.contact, "lifetime": shared.lifetime}
    broker = {
        **broker_service(shared, token),
        "command": [sys.executable, "-m", "rc2hub.broker.app"],
        "environment": {"RC2_SHARED_SERVICES": json.dumps({"SharedServices": settings}), **shared.admin_environment()},
    }
    services, secret = [broker, *gateway_services(shared, c)], secrets.token_hex(32)
    for service in services:
        service["environment"][GATEWAY_SECRET] = secret
    return services


def gateway_services(shared: SharedServices, c: Any) -> list[dict[str, Any]]:
    """The gateways as services that JupyterHub starts; they have no scope either."""
    found = []
    for name, entry in shared.catalogue.items():
        if gateway := shared.kind_of(name).gateway_command(name, entry, c):
            command, settings = gateway
            environment = {key: json.dumps({**value, "broker_url": shared.broker_url}) for key, value in settings.items()}
            found.append({"name": f"{SERVICE}-{name}", "command": command, "environment": environment, "display": False})
    return found


def _run_with_hub(shared: SharedServices, token: str) -> None:
    """Start the push and the pool with the hub. JupyterHub has no hook for that, but loads its configuration in its loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # a subcommand such as `jupyterhub upgrade-db`, which serves nobody
    loop.call_soon(lambda: setattr(_run_with_hub, "task", loop.create_task(_serve(shared, token), name="rc2")))


async def _serve(shared: SharedServices, token: str) -> None:
    hub = JupyterHub.instance()
    client = BrokerClient(urljoin(shared.broker_url, f"{hub.base_url}services/{SERVICE}/"), token)
    Rc2Spawner.push = push = Push(client, hub, lifecycle.change)
    # A broker of the hub's own is up when its start is over; for another it would wait, while people log in already.
    is_up = hub._start_future.done if shared.managed else lambda: hub.http_server is not None
    await exponential_backoff(is_up, "", max_wait=LOOK, timeout=math.inf, timeout_tolerance=0)
    pool = hub.spawner_class.open_pool(hub, client.url)
    push.pools = pool.states
    Rc2Spawner.opened.set()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_guarded(push.run, "push"), name="rc2 push")
        tasks.create_task(_guarded(lambda: pool.run(lambda: in_use(hub)), "pool"), name="rc2 pool")


def in_use(hub: Any) -> set[str]:
    """Where the compute servers run that are somebody's now."""
    return {spawner.place for user in hub.users.values() for spawner in user.spawners.values() if spawner.active}


async def _guarded(run: Any, what: str) -> None:
    """Run something that never ends; if it does, say so and run it again: the hub must not go on without it."""
    while True:
        try:
            await run()
        except Rc2Error as error:
            log.critical("The %s of Rc² cannot go on, and tries again: %s", what, error)
        except Exception:
            log.exception("The %s of Rc² ended unexpectedly; starting it again.", what)
        await asyncio.sleep(1)
