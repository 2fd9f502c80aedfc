"""JupyterLab's page: files from the address that all servers share, no build check, and whether the home has examples.

The shared files are those of the machine or image (`labextension/lab-files.mjs`), in a folder that is named by their hash.
When a server starts, the hub tells it the address, if a service of the hub has answered with that hash
(`lab_files_server.py`). With the hash of this server, its pages have the files from there; otherwise from their own server,
as in stock JupyterLab.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler

from rc2hub.compute.lab_files import extensions, files_folder

PageHook = Callable[[JupyterHandler, dict[str, Any]], dict[str, Any]]
EXAMPLES = "examples/README.md"
URL = "RC2_LAB_FILES"
"""The environment variable with the address of the shared files; empty if the hub has none."""


class LabPage:
    """What Rc² changes in the configuration of JupyterLab's page."""

    def __init__(self, next_hook: PageHook, home: Path, environment: Mapping[str, str] = os.environ) -> None:
        """Take what JupyterHub does to the page, and the folder that JupyterLab shows."""
        self._next_hook, self._home = next_hook, home
        folder = files_folder()
        url = environment.get(URL, "")
        self._url = url if folder and url.rstrip("/").endswith(folder.name) else ""
        self._extensions = extensions(folder) if folder else {}

    def __call__(self, handler: JupyterHandler, page: dict[str, Any]) -> dict[str, Any]:
        """The page's configuration for this request."""
        page["buildCheck"] = page["buildAvailable"] = False  # users do not install extensions into an image
        page["rc2Examples"] = (self._home / EXAMPLES).exists()
        if self._url:
            page["fullStaticUrl"] = f"{self._url}static"
            if all(self._extensions.get(each["name"]) == each["load"] for each in page["federated_extensions"]):
                page["fullLabextensionsUrl"] = f"{self._url}extensions"  # extensions of the user come from this server
        return self._next_hook(handler, page)
