"""`install(c)`, the last line of an operator's jupyterhub_config.py: checks the configuration and adds what Rc² needs.

    from rc2hub.configure import install
    install(c)

It comes last because it reads what stands above it, and because a later `load_roles =` would erase what it adds.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.hub.background import start_with_hub
from rc2hub.hub.lab_files import SERVICE_NAME as LAB_FILES
from rc2hub.hub.managed_services import BROKER_NAME, USE_BROKER, broker_service, managed_services
from rc2hub.hub.runtime import SETTING, Runtime
from rc2hub.hub.trait_values import setting
from rc2hub.hub.validation import check
from rc2hub.permissions import custom_scopes

WATCH_SETTINGS = {"timeout_seconds": 60, "restart_seconds": 60, "request_timeout": 70}
"""Seconds after which KubeSpawner's watch of events begins again with a full list. Its default is ten, and each list costs
the hub some time; a watch that is cut is noticed just as quickly."""
DEFAULTS: dict[str, Any] = {
    "services": [],
    "custom_scopes": {},
    "load_roles": [],
    "extra_user_scopes": set(),
    "logging_config": {},
    "template_paths": [],
}
"""The settings of JupyterHub to which Rc² adds, with JupyterHub's defaults."""
TEMPLATES = str(Path(__file__).with_name("hub") / "templates")
"""JupyterHub's pages with the script that fetches JupyterLab's files meanwhile."""
REFUSALS = "rc2-refusals"
"""The name of the log filter."""


def install(c: Any) -> None:
    """Check the configuration and add what Rc² needs; calling it again changes nothing.

    Raises:
        SystemExit: with one sentence naming the place and the accepted values, if the configuration is wrong.
    """
    try:
        choices, shared = check(c)
    except ConfigurationError as error:
        sys.exit(f"rc2hub: {error}")
    hub = {name: setting(c, "JupyterHub", name, default) for name, default in DEFAULTS.items()}
    if any(service.get("name") == BROKER_NAME for service in hub["services"]):
        return
    token = secrets.token_hex(32) if shared.managed else os.environ["RC2_BROKER_TOKEN"]
    services = managed_services(shared, c, token) if shared.managed else [broker_service(shared, token)]
    c.JupyterHub.custom_scopes = {**hub["custom_scopes"], **custom_scopes(shared.levels())}
    c.JupyterHub.services = [*hub["services"], *services]
    c.JupyterHub.load_roles = list(hub["load_roles"])
    if any(service.get("name") == LAB_FILES for service in hub["services"]):
        c.JupyterHub.template_paths = [*hub["template_paths"], TEMPLATES]
    c.JupyterHub.extra_user_scopes = {*hub["extra_user_scopes"], USE_BROKER}
    logging_config = hub["logging_config"] or setting(c, "Application", "logging_config", {})
    c.JupyterHub.logging_config = with_refusal_filter(logging_config)
    c.ResourceReflector.update({**WATCH_SETTINGS, **c.ResourceReflector})
    runtime = Runtime(choices)
    c.JupyterHub.tornado_settings.update({SETTING: runtime})
    start_with_hub(runtime, shared, token)


def with_refusal_filter(config: Mapping[str, Any]) -> dict[str, Any]:
    """The operator's logging configuration; every handler of it, and JupyterHub's own, shows a refusal as one line."""
    handlers = {"console": {}, **config.get("handlers", {})}
    filters = {**config.get("filters", {}), REFUSALS: {"()": "rc2hub.hub.spawners.spawn_errors.RefusalFilter"}}
    filtered = {name: {**each, "filters": [*each.get("filters", []), REFUSALS]} for name, each in handlers.items()}
    return {**config, "filters": filters, "handlers": filtered}
