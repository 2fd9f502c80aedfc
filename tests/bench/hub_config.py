"""The hub of the bench: a real hub and broker, and servers that all are one small HTTP server outside."""

import asyncio
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.spawner import Spawner

from rc2hub.configure import install
from rc2hub.hub.spawners.process import Rc2ProcessSpawner

BENCH = json.loads(os.environ["RC2_BENCH"])


class FakeStandby:
    """Is ready at once."""

    url = BENCH["servers"]

    async def activate(self, request: Any) -> None:
        """Accept every user."""

    async def send_attachments(self, attachments: Any) -> None:
        """Listen already."""

    async def discard(self) -> None:
        """Leave nothing."""


class FakePool:
    """Never runs out of standbys."""

    def states(self) -> tuple[()]:
        """Report nothing."""
        return ()

    async def open(self, used_locations: Any) -> None:
        """Need nothing."""

    async def run(self, used_locations: Any) -> None:
        """Do nothing."""
        await asyncio.Event().wait()


class FakeServer:
    """A server that is a flag; comes before the class of a spawner."""

    running = False

    async def poll(self) -> int | None:
        """Whether the server was started and not stopped."""
        return None if self.running else 0

    async def stop(self, now: bool = False) -> None:
        """Stop."""
        self.running = False

    def load_state(self, state: dict[str, Any]) -> None:
        """A server that is in the database runs."""
        super().load_state(state)
        self.running = True


class FakeSpawner(FakeServer, Rc2ProcessSpawner):
    """Starts nothing."""

    location = ""

    @classmethod
    def make_pool(cls, hub: Any, runtime: Any) -> FakePool:
        """The pool of this hub."""
        return FakePool()

    async def claim(self) -> FakeStandby:
        """A standby."""
        self.running = True
        return FakeStandby()

    def activation_request(self) -> Any:
        """Nothing that a standby would need."""
        return SimpleNamespace()


class StockSpawner(FakeServer, Spawner):
    """JupyterHub's part of a start alone."""

    async def start(self) -> str:
        """Be ready at once."""
        self.running = True
        return str(BENCH["servers"])


class PushHandler(BaseHandler):
    """Pushes the desired state, and says how many seconds of the hub's event loop each push takes."""

    async def get(self) -> None:
        """Push as often as the query says. A commit before makes JupyterHub load its objects again, as each request does."""
        seconds = []
        for _ in range(int(self.get_argument("n"))):
            self.db.commit()
            began = time.thread_time()
            await self.settings["rc2"].desired_state.push()
            seconds.append(time.thread_time() - began)
        self.write({"seconds": seconds})


c = get_config()  # noqa: F821
folder = Path(BENCH["folder"])
c.JupyterHub.bind_url = BENCH["url"]
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{BENCH['ports'][0]}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{BENCH['ports'][1]}"
c.JupyterHub.db_url = f"sqlite:///{folder}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = StockSpawner if BENCH["stock"] else FakeSpawner
c.JupyterHub.active_server_limit = c.JupyterHub.concurrent_spawn_limit = 0
c.JupyterHub.extra_handlers = [("/bench/push", PushHandler)]
c.JupyterHub.services = [{"name": "bench", "api_token": BENCH["token"]}]
c.JupyterHub.load_roles = [
    {"name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers", "read:hub"]},
]
if not BENCH["stock"]:
    c.JupyterHub.load_roles += [
        {"name": f"role-{n}", "groups": BENCH["groups"][n::10], "scopes": [f"custom:rc2:flights:{('read', 'write')[n % 2]}"]}
        for n in range(10)
    ]
    c.Profiles.catalogue = [{"name": "r", "display_name": "R", "cpu": 1, "memory": "1G", "spare": 1}]
    c.SharedServices.broker_url = f"http://127.0.0.1:{BENCH['ports'][2]}"
    c.SharedServices.catalogue = {"flights": BENCH["database"]}
    install(c)
