"""A standby: a Jupyter server with a warm R kernel that is nobody's, until one order makes it one person's.

    python -m rc2hub.compute.standby CONTROL

The order comes over the control stream (`control.py`), never over argv or its first environment. In a pod the standby
starts as root and gives that up for the person's account (`person.py`).
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# A standby imports what the person's first request would otherwise wait for.
import jupyter_server.services.kernels.connection.channels  # noqa: F401
from jupyter_server.serverapp import ServerApp
from jupyterhub.singleuser.extension import JupyterHubSingleUser
from traitlets.config import Config

from rc2hub.compute import attachments, extension, person
from rc2hub.compute.control import Control, open_control
from rc2hub.compute.folders import with_folders
from rc2hub.compute.kernel import StandbyProvisioner, WarmKernel
from rc2hub.compute.person import Account
from rc2hub.compute.rehearsal import rehearse


def initialize_server(config: Config) -> ServerApp:
    """Initialize a complete Jupyter server from the environment, all but its listening socket."""
    unused = dict.fromkeys(("jupyter_lsp", "notebook_shim"), False)
    extensions = {**unused, JupyterHubSingleUser.get_extension_package(): True, extension.__name__: True}
    app: ServerApp = JupyterHubSingleUser.make_serverapp(jpserver_extensions=extensions, config=config)
    app.initialize(argv=[], starter_extension=JupyterHubSingleUser.name, new_httpserver=False)
    return app


def personal_config(home: str) -> Config:
    """What JupyterLab fixed at import, when there was no person yet, and what a person cannot change in an image."""
    lab = Path(home, ".jupyter", "lab")
    config = Config()
    config.LabApp.user_settings_dir = str(lab / "user-settings")
    config.LabApp.workspaces_dir = str(lab / "workspaces")
    config.LabApp.extension_manager = "readonly"
    config.ServerApp.root_dir = home
    config.ServerApp.allow_root = True
    return config


class Standby:
    """The process's story: get ready, wait for the one order, become the person's, serve."""

    def __init__(self, control: Control, nobodys_home: Path) -> None:
        """Reserve a port; the kernel and the server come in `get_ready`."""
        self.control, self.nobodys_home = control, nobodys_home
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.kernel = WarmKernel()
        self.port = socket.socket()
        self.port.bind((os.environ.get("RC2_BIND_ADDRESS", "127.0.0.1"), int(os.environ.get("RC2_PORT", "0"))))

    def get_ready(self) -> None:
        """Start R, and rehearse while it starts; what was started for somebody who waits already does not rehearse."""
        self.loop.run_until_complete(self.kernel.launch())
        self.loop.run_until_complete(self.control.open(self.port.getsockname()[1]))
        if "RC2_AWAITED" not in os.environ:
            rehearse(initialize_server)
            self.loop.run_until_complete(self.kernel.warm_up())
            self.loop.run_until_complete(self.control.ready())
        StandbyProvisioner.warm = self.kernel
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def activate(self) -> ServerApp:
        """Wait for the order, and become the person's: R at the same time as the server, then the attachments."""
        order = self.loop.run_until_complete(self._wait_for_order())
        env, home = order["env"], Path(order["home"])
        os.environ.update(env)
        account = self._become(home, order)
        os.chdir(home)
        becoming = self.loop.create_task(self.kernel.become(env, account))
        self.loop.run_until_complete(asyncio.sleep(0))
        app = initialize_server(personal_config(str(home)))
        self.loop.run_until_complete(self._settle(becoming))
        self.port.close()
        app.init_httpserver()
        self.loop.call_soon(lambda: self.loop.create_task(self.control.active()))
        return app

    def _become(self, home: Path, order: Mapping[str, Any]) -> Account | None:
        """Make the home, and take the person's account where the hub proposes one; R follows by itself."""
        if order["uid"] is None:
            person.enter(home)
            return None
        uid = person.prepare(home, order["uid"])
        account = with_folders(uid, Path(order["shared"]), order["folders"])
        person.hand_over(uid, attachments.folder(), self.nobodys_home)
        person.become(account)
        return account

    async def _wait_for_order(self) -> dict[str, Any]:
        """The order, for as long as R runs; a standby without R ends, and the pool replaces it."""
        order, ended = asyncio.ensure_future(self.control.order()), asyncio.ensure_future(self.kernel.ended())
        await asyncio.wait({order, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not order.done():
            raise SystemExit("R ended while it was ready for somebody.")
        ended.cancel()
        return order.result()

    async def _settle(self, becoming: "asyncio.Task[None]") -> None:
        frame = await self.control.receive()
        attachments.write_files(frame["attachments"])
        await becoming


def main() -> None:
    """Be a standby from start to end."""
    control = open_control(sys.argv[1])
    attachments.folder().mkdir(mode=0o700, exist_ok=True)
    nobodys_home = Path(tempfile.mkdtemp(prefix="rc2-standby-"))
    os.environ["HOME"] = str(nobodys_home)
    os.chdir(nobodys_home)
    standby = Standby(control, nobodys_home)
    try:
        standby.get_ready()
        app = standby.activate()
    except person.PersonError as error:
        standby.loop.run_until_complete(standby.control.refuse(str(error)))
        sys.exit(f"rc2hub: {error}")
    except RuntimeError as error:
        sys.exit(f"rc2hub: {error}")
    finally:
        shutil.rmtree(nobodys_home, ignore_errors=True)
    app.start()


if __name__ == "__main__":
    main()
