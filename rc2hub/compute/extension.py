"""The Jupyter server extension of Rc²: follows the broker, reports work, answers links, panels, editors, Knit and Preview.

R is the default kernel.
"""

import asyncio
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import ServerApp
from tornado.web import Application

from rc2hub.compute.activity import KNIT_JOBS, PREVIEWS, report_work
from rc2hub.compute.attachments import AttachmentSync
from rc2hub.compute.lab_page import LabPage
from rc2hub.compute.language_server import LanguageServerSocket
from rc2hub.compute.notebook_connection import notebook_connection
from rc2hub.compute.rmarkdown.knit_handler import KnitHandler, KnitJobs, KnitsHandler
from rc2hub.compute.rmarkdown.preview_handler import Previews, PreviewSocket
from rc2hub.compute.service_link import ServiceLinkHandler
from rc2hub.compute.services_handler import ServiceHandler, ServicesHandler, ServicesWatch


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    """Answer at the server's own address; handlers that are added later come before Jupyter's, which only redirects."""
    attachments = app.web_app.settings["rc2_attachments"] = AttachmentSync(app.log)
    jobs = app.web_app.settings[KNIT_JOBS] = KnitJobs()
    previews = app.web_app.settings[PREVIEWS] = Previews()
    application: Application = app.web_app
    services, knit = f"{app.base_url}rc2/services", f"{app.base_url}rc2/knit"
    application.add_handlers(
        ".*$",
        [
            (f"{app.base_url}?", ServiceLinkHandler, {"attachments": attachments}),
            (services, ServicesHandler, {"watch": ServicesWatch(attachments)}),
            (f"{services}/([^/]+)", ServiceHandler, {"attachments": attachments}),
            (knit, KnitsHandler, {"jobs": jobs}),
            (f"{knit}/(.+)", KnitHandler, {"jobs": jobs}),
            (f"{app.base_url}rc2/preview/(.+)", PreviewSocket, {"previews": previews}),
            (f"{app.base_url}rc2/language-server", LanguageServerSocket),
        ],
    )
    _prefer_r(app)
    application.settings["page_config_hook"] = LabPage(application.settings["page_config_hook"], Path(app.root_dir))
    connection = application.settings["kernel_websocket_connection_class"]
    application.settings["kernel_websocket_connection_class"] = notebook_connection(connection)


def _prefer_r(app: ServerApp) -> None:
    """Make R the default kernel, which the launcher shows first, unless the user or the operator has chosen one."""
    if not any("default_kernel_name" in section for section in app.config.values()):
        app.kernel_manager.default_kernel_name = "ir"


async def _start_jupyter_server_extension(app: ServerApp) -> None:
    """Follow the broker and report work from now on; the tasks belong to the server application and end with it."""
    settings = app.web_app.settings
    settings["rc2_activity_task"] = asyncio.create_task(report_work(app), name="rc2 activity")
    settings["rc2_attachments_task"] = asyncio.create_task(settings["rc2_attachments"].follow(), name="rc2 attachments")
