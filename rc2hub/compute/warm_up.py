"""The warm-up: a standby initializes a complete Jupyter server under a reserved user name, and discards it.

What that loaded and compiled stays, so the user's own server takes 40 ms to initialize instead of 900 (measured; see
DESIGN.md). Nothing of the reserved name may stay: every reference to the discarded server is released.
`tests/fixtures/traces.py` searches for those that are left.
"""

import gc
import os
import re
import signal
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.prometheus.metrics import ACTIVE_DURATION, LAST_ACTIVITY
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

USER_NAME = "rc2-warm-up"
ENVIRONMENT = {
    "JUPYTERHUB_USER": USER_NAME,
    "JUPYTERHUB_API_TOKEN": USER_NAME,
    "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{USER_NAME}",
    "JUPYTERHUB_OAUTH_CALLBACK_URL": f"/user/{USER_NAME}/oauth_callback",
    "JUPYTERHUB_OAUTH_ACCESS_SCOPES": "[]",
    "JUPYTERHUB_SERVICE_PREFIX": f"/user/{USER_NAME}/",
    "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:0/user/{USER_NAME}/",
    "JUPYTERHUB_HOST": "",
    "JUPYTERHUB_BASE_URL": "/",
    # JupyterLab asks a Node.js that it finds for the settings of its package manager, which Rc² does not use: 0.3 s
    "PATH": "/nonexistent",
}


def warm_up_server(initialize: Callable[[Config], ServerApp]) -> None:
    """Initialize a server under the reserved name, and release it."""
    gc.disable()  # nearly all objects stay: one collection at the end is enough
    config = Config()
    config.ServerApp.cookie_secret = USER_NAME.encode()  # else it is written to a file, which the user's server would read
    with _warm_up_environment(), _restored_signal_handlers():
        initialize(config)
    _release_references()
    gc.collect()
    gc.freeze()
    gc.enable()


@contextmanager
def _warm_up_environment() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    yield
    os.environ.clear()
    os.environ.update(before)


@contextmanager
def _restored_signal_handlers() -> Iterator[None]:
    """Restore the handlers of the signals that the server handles; its own would keep a reference to it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _release_references() -> None:
    """Release the references of all that outlives the server; an object that is alive at `gc.freeze` stays for good."""
    for singleton in (ServerApp, GatewayClient):
        singleton.clear_instance()
    for gauge in (LAST_ACTIVITY, ACTIVE_DURATION):
        gauge.set_function(lambda: 0.0)
    re.purge()
    urllib.parse.clear_cache()  # type: ignore[attr-defined]  # undocumented; Python's own tests use it
