"""The broker and the gateways as JupyterHub services, and the secrets they share."""

import json
import secrets
import sys
from typing import Any

from rc2hub.services.base import GATEWAY_SECRET
from rc2hub.services.catalogue import SharedServices

BROKER_NAME = "rc2"
"""The broker's name as a JupyterHub service; users reach it under /services/rc2/."""
USE_BROKER = f"access:services!service={BROKER_NAME}"
"""The scope that lets a user reach the broker."""


def broker_service(shared: SharedServices, token: str) -> dict[str, Any]:
    """The broker as a JupyterHub service. It has no scope at JupyterHub."""
    return {"name": BROKER_NAME, "url": shared.broker_url, "api_token": token, "oauth_no_confirm": True}


def managed_services(shared: SharedServices, c: Any, token: str) -> list[dict[str, Any]]:
    """Broker and gateways as services that JupyterHub starts, with a secret that broker and gateways share."""
    names = ("catalogue", "contact", "lifetime", "installation")
    settings = {name: getattr(shared, name) for name in names}
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
    """The gateways as services that JupyterHub starts. They have no scope at JupyterHub either."""
    found = []
    for name, entry in shared.catalogue.items():
        if gateway := shared.kind_of(name).gateway_command(name, entry, c):
            command, settings = gateway
            environment = {key: json.dumps({**value, "broker_url": shared.broker_url}) for key, value in settings.items()}
            found.append({"name": f"{BROKER_NAME}-{name}", "command": command, "environment": environment, "display": False})
    return found
