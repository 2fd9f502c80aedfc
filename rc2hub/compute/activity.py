"""Silent work counts as activity, so that a server that works is not stopped as idle.

Jupyter counts messages, requests and keys. A cell that computes or waits for a query without printing, and a program that
runs in a terminal, cause none of these; neither does a document that is knitted or previewed.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from jupyter_server.serverapp import ServerApp

CHECK_INTERVAL = 30.0
"""Seconds between two checks; JupyterHub asks for the last activity every five minutes."""
WORK_KEY = "rc2_work"
KNIT_JOBS = "rc2_knit_jobs"
"""The setting of the web application that holds the jobs of Knit."""
PREVIEWS = "rc2_previews"
"""The setting of the web application that holds the previews of documents."""


async def report_work(app: ServerApp) -> None:
    """Record the time as that of an activity while anything runs; until cancelled."""
    while True:
        if any(busy_kernels(app)) or any(busy_terminals(app)) or any(busy_documents(app)):
            app.web_app.settings["last_activity_times"][WORK_KEY] = datetime.now(UTC)
        await asyncio.sleep(CHECK_INTERVAL)


def busy_kernels(app: ServerApp) -> Iterator[str]:
    """The ids of the kernels that run a cell."""
    for kernel_id in app.kernel_manager.list_kernel_ids():
        kernel: Any = app.kernel_manager.get_kernel(kernel_id)
        if kernel.execution_state == "busy":
            yield kernel_id


def busy_terminals(app: ServerApp) -> Iterator[str]:
    """The names of the terminals in which another program than the shell has the foreground."""
    manager: Any = app.web_app.settings.get("terminal_manager")
    for name, terminal in list(manager.terminals.items()) if manager else ():
        try:
            if os.tcgetpgrp(terminal.ptyproc.fd) != terminal.ptyproc.pid:
                yield name
        except (OSError, ValueError):  # it has just been closed
            continue


def busy_documents(app: ServerApp) -> list[str]:
    """The paths of the documents that are being knitted, or of which a preview runs a chunk."""
    known: Any = (app.web_app.settings.get(name) for name in (KNIT_JOBS, PREVIEWS))
    return [path for documents in known if documents for path in documents.running()]
