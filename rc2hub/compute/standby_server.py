"""A standby: a Jupyter server with a warm R kernel and without an owner, until one request activates it for a user.

    python -m rc2hub.compute.standby_server CONTROL

The activation request comes over the control stream (`control_socket.py`), never by command line or initial environment. In
a pod the standby starts as root and changes to the user's account (`account.py`).
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

# Imported now, as the user's first request would otherwise wait for it.
import jupyter_server.services.kernels.connection.channels  # noqa: F401
from jupyter_server.serverapp import ServerApp
from jupyterhub.singleuser.extension import JupyterHubSingleUser
from traitlets.config import Config

from rc2hub.compute import attachments, extension
from rc2hub.compute.account import Account, AccountError, assume_account, change_owner, ensure_home, prepare_home
from rc2hub.compute.control_socket import Control, open_control
from rc2hub.compute.group_folders import account_with_folders
from rc2hub.compute.kernel import SITE_PROFILE, StandbyProvisioner, WarmKernel
from rc2hub.compute.rmarkdown.contents import RMarkdownContentsManager
from rc2hub.compute.warm_up import warm_up_server

PANELS = Path(__file__).with_name("labextensions")
"""The built JupyterLab extension, from `labextension/` of the checkout."""


def initialize_server(config: Config) -> ServerApp:
    """Initialize a complete Jupyter server from the environment, except for its listening socket."""
    config.ServerApp.contents_manager_class = RMarkdownContentsManager
    unused = dict.fromkeys(("jupyter_lsp", "notebook_shim"), False)
    extensions = {**unused, JupyterHubSingleUser.get_extension_package(): True, extension.__name__: True}
    app: ServerApp = JupyterHubSingleUser.make_serverapp(jpserver_extensions=extensions, config=config)
    app.initialize(argv=[], starter_extension=JupyterHubSingleUser.name, new_httpserver=False)
    return app


def user_config(home: str) -> Config:
    """Folders that JupyterLab fixed at import, before the user was known; Rc²'s panels; no installation of extensions."""
    lab = Path(home, ".jupyter", "lab")
    config = Config()
    config.LabApp.user_settings_dir = str(lab / "user-settings")
    config.LabApp.workspaces_dir = str(lab / "workspaces")
    config.LabApp.extension_manager = "readonly"
    config.LabApp.extra_labextensions_path = [str(PANELS)]
    config.ServerApp.root_dir = home
    config.ServerApp.allow_root = True
    return config


class StandbyServer:
    """The steps of the process: get ready, wait for the activation request, change to the user's identity, serve."""

    def __init__(self, control: Control, temporary_home: Path) -> None:
        """Reserve a port; `get_ready` starts the kernel and prepares the server."""
        self.control, self.temporary_home = control, temporary_home
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.kernel = WarmKernel()
        StandbyProvisioner.catches_output = True
        self.port = socket.socket()
        self.port.bind((os.environ.get("RC2_BIND_ADDRESS", "127.0.0.1"), int(os.environ.get("RC2_PORT", "0"))))

    def get_ready(self) -> None:
        """Start R, and warm up while it starts; a standby that is started for a waiting user skips the warm-up."""
        self.loop.run_until_complete(self.kernel.launch())
        self.loop.run_until_complete(self.control.open(self.port.getsockname()[1]))
        if "RC2_SKIP_WARM_UP" not in os.environ:
            warm_up_server(initialize_server)
            self.loop.run_until_complete(self.kernel.warm_up())
            self.loop.run_until_complete(self.control.mark_ready())
        StandbyProvisioner.warm_kernel = self.kernel
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def activate(self) -> ServerApp:
        """Wait for the activation request and apply it: R and the server at the same time, then the attachments."""
        request = self.loop.run_until_complete(self._wait_for_activation())
        env, home = request["env"], Path(request["home"])
        os.environ.update(env)
        self.kernel.prepare_for_user()
        account = self._change_account(home, request)
        os.chdir(home)
        kernel_identity = self.loop.create_task(self.kernel.assume_identity(env, account))
        self.loop.run_until_complete(asyncio.sleep(0))
        app = initialize_server(user_config(str(home)))
        self.loop.run_until_complete(self._receive_attachments(kernel_identity))
        self.port.close()
        app.init_httpserver()
        self.loop.call_soon(lambda: self.loop.create_task(self.control.mark_active()))
        return app

    def _change_account(self, home: Path, request: Mapping[str, Any]) -> Account | None:
        """Make the home, and change to the user's account if the hub proposes one; R changes its own process."""
        if request["uid"] is None:
            ensure_home(home, os.environ.get("RC2_EXAMPLES_DIR", ""))
            return None
        uid = prepare_home(home, request["uid"])
        account = account_with_folders(uid, Path(request["shared_dir"]), request["folders"])
        change_owner(uid, attachments.folder(), self.temporary_home)
        assume_account(account)
        return account

    async def _wait_for_activation(self) -> dict[str, Any]:
        """The activation request, for as long as R runs; a standby without R ends, and the pool replaces it."""
        request = asyncio.ensure_future(self.control.wait_for_activation())
        kernel_end = asyncio.ensure_future(self.kernel.wait_until_ended())
        await asyncio.wait({request, kernel_end}, return_when=asyncio.FIRST_COMPLETED)
        if not request.done():
            raise SystemExit("R ended while the standby was waiting for activation.")
        kernel_end.cancel()
        return request.result()

    async def _receive_attachments(self, kernel_identity: "asyncio.Task[None]") -> None:
        frame = await self.control.receive()
        attachments.write_files(frame["attachments"])
        await kernel_identity


def main() -> None:
    """Run a standby from its start to its end."""
    control = open_control(sys.argv[1])
    attachments.folder().mkdir(mode=0o700, exist_ok=True)
    temporary_home = Path(tempfile.mkdtemp(prefix="rc2-standby-"))
    os.environ["HOME"] = str(temporary_home)
    os.environ.setdefault("R_PROFILE", str(SITE_PROFILE))
    os.chdir(temporary_home)
    standby = StandbyServer(control, temporary_home)
    try:
        standby.get_ready()
        app = standby.activate()
    except AccountError as error:
        standby.loop.run_until_complete(standby.control.report_error(str(error)))
        sys.exit(f"rc2hub: {error}")
    except RuntimeError as error:
        sys.exit(f"rc2hub: {error}")
    finally:
        shutil.rmtree(temporary_home, ignore_errors=True)
    app.start()


if __name__ == "__main__":
    main()
