"""`install(c)`, the last line of an operator's jupyterhub_config.py: checks the configuration and adds what Rc² needs.

    from rc2hub.configure import install
    install(c)

It comes last because it reads what stands above it, and because a later `load_roles =` would erase what it adds.
"""

import os
import secrets
import sys
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.hub.background import start_with_hub
from rc2hub.hub.managed_services import BROKER_NAME, USE_BROKER, broker_service, managed_services
from rc2hub.hub.runtime import SETTING, Runtime
from rc2hub.hub.validation import check
from rc2hub.permissions import custom_scopes

WATCH_SETTINGS = {"timeout_seconds": 60, "restart_seconds": 60, "request_timeout": 70}
"""Seconds after which KubeSpawner's watch of events begins again with a full list. Its default is ten, and each list costs
the hub some time; a watch that is cut is noticed just as quickly."""


def install(c: Any) -> None:
    """Check the configuration and add what Rc² needs; calling it again changes nothing.

    Raises:
        SystemExit: with one sentence naming the place and the accepted values, if the configuration is wrong.
    """
    try:
        choices, shared = check(c)
    except ConfigurationError as error:
        sys.exit(f"rc2hub: {error}")
    if any(service.get("name") == BROKER_NAME for service in c.JupyterHub.get("services", [])):
        return
    token = secrets.token_hex(32) if shared.managed else os.environ["RC2_BROKER_TOKEN"]
    c.JupyterHub.custom_scopes = {**c.JupyterHub.get("custom_scopes", {}), **custom_scopes(shared.levels())}
    services = managed_services(shared, c, token) if shared.managed else [broker_service(shared, token)]
    c.JupyterHub.services = [*c.JupyterHub.get("services", []), *services]
    c.JupyterHub.load_roles = list(c.JupyterHub.get("load_roles", []))
    c.JupyterHub.extra_user_scopes = {*c.JupyterHub.get("extra_user_scopes", ()), USE_BROKER}
    c.JupyterHub.logging_config = {
        "filters": {"refusals": {"()": "rc2hub.hub.spawners.spawn_errors.RefusalFilter"}},
        "handlers": {"console": {"filters": ["refusals"]}},
    }
    c.ResourceReflector.update({**WATCH_SETTINGS, **c.ResourceReflector})
    runtime = Runtime(choices)
    c.JupyterHub.tornado_settings.update({SETTING: runtime})
    start_with_hub(runtime, shared, token)
