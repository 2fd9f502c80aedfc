"""The dress rehearsal: a standby initializes a complete Jupyter server under a name nobody has, and throws it away.

What it loaded and compiled stays; the person's own then takes 40 ms instead of 900 (measured, DESIGN.md D3). Nothing of the
name stays: who would hold on to the rehearsed server has to let go. `tests/fixtures/traces.py` looks whether all have.
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

NAME = "rc2-rehearsal"
ENVIRONMENT = {
    "JUPYTERHUB_USER": NAME,
    "JUPYTERHUB_API_TOKEN": NAME,
    "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{NAME}",
    "JUPYTERHUB_OAUTH_CALLBACK_URL": f"/user/{NAME}/oauth_callback",
    "JUPYTERHUB_OAUTH_ACCESS_SCOPES": "[]",
    "JUPYTERHUB_SERVICE_PREFIX": f"/user/{NAME}/",
    "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:0/user/{NAME}/",
    "JUPYTERHUB_HOST": "",
    "JUPYTERHUB_BASE_URL": "/",
    # JupyterLab asks a Node.js that it finds for the settings of its package manager, which nobody here uses: 0.3 s
    "PATH": "/nonexistent",
}


def rehearse(initialize: Callable[[Config], ServerApp]) -> None:
    """Initialize a server under a name nobody has, and forget it."""
    gc.disable()  # nearly all of it stays: one look at the end
    config = Config()
    config.ServerApp.cookie_secret = NAME.encode()  # else it lies in a file, and becomes the person's
    with _environment(), _signals():
        initialize(config)
    _let_go()
    gc.collect()
    gc.freeze()
    gc.enable()


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    yield
    os.environ.clear()
    os.environ.update(before)


@contextmanager
def _signals() -> Iterator[None]:
    """Put back what is done at a signal: the server takes up these, and Python would keep it for them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _let_go() -> None:
    """Have everything that outlives the server forget it: what `gc` froze with it would stay for good."""
    for singleton in (ServerApp, GatewayClient):
        singleton.clear_instance()
    for gauge in (LAST_ACTIVITY, ACTIVE_DURATION):
        gauge.set_function(lambda: 0.0)
    re.purge()
    urllib.parse.clear_cache()  # type: ignore[attr-defined]  # it is there, for tests such as ours
