"""Finds the address of JupyterLab's files that all servers share: those of the service `rc2-lab`, if it answers."""

import asyncio
from typing import Any
from urllib.parse import urljoin

from aiohttp import ClientError, ClientTimeout
from jupyterhub.httpclient import fetch

SERVICE_NAME = "rc2-lab"
"""The name of that service in JupyterHub; its address is public."""
INTERVAL, RETRY_INTERVAL = 15.0, 1.0
"""Seconds between two questions; the second one while the service does not answer."""
TIMEOUT = ClientTimeout(total=5.0)


class LabFiles:
    """The address for the next page of JupyterLab."""

    url = ""
    """Such as `/services/rc2-lab/<hash>/`; empty if there is no such service, or it does not answer."""

    async def run(self, hub: Any) -> None:
        """Ask the service for the hash of its files, until cancelled."""
        while True:
            service = hub.tornado_settings["services"].get(SERVICE_NAME)
            # with a host for each user, the address would be another site's, which may not be told
            self.url = await _address(service) if service is not None and not hub.subdomain_host else ""
            await asyncio.sleep(INTERVAL if self.url or service is None else RETRY_INTERVAL)


async def _address(service: Any) -> str:
    try:
        response = await fetch(urljoin(service.url, f"{service.prefix}index.json"), timeout=TIMEOUT)
        return f"{service.prefix}{(await response.json())['hash']}/"
    except (ClientError, TimeoutError, ValueError, KeyError):
        return ""
