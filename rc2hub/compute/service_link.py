"""A link to a service (`/hub/spawn?opt-service=flights`) that is opened while the server already runs.

JupyterHub redirects it to the server's own address with its parameters. A page then asks, because any page of the web can
hold such a link: a click attaches the services live. Changing the profile requires a restart; the page offers one.
"""

import asyncio
import json
import os
from html import escape
from urllib.parse import quote, urlencode

from jupyter_server.base.handlers import JupyterHandler
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.web import authenticated

from rc2hub.compute.attachments import Answer, AttachmentSync, attached_levels

PREFIX = "opt-"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Rc²</title>{head}
<body style="font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem">
<h1>Your server is already running</h1><p>{message}</p>{button}<p><a href="{server}">Continue without changes</a></p>"""
RESTART_DELAY = 3
"""Seconds between the request to stop and the start; a stop takes half a second."""


class ServiceLinkHandler(JupyterHandler):
    """The server's own address."""

    def initialize(self, attachments: AttachmentSync) -> None:
        """Take the client of the broker."""
        self.attachments = attachments

    @authenticated
    async def get(self) -> None:
        """Ask whether to attach or to restart, or redirect to the server if it has all that the link names."""
        profile = self.get_query_argument(PREFIX + "profile", "")
        if profile and profile != os.environ["RC2_PROFILE"]:
            message = f"Its profile is {os.environ['RC2_PROFILE']}. The profile {profile} needs a restart, which ends R."
            self.ask(message, "restart", "Restart my server")
        elif missing := self.missing_services():
            self.ask(f"Attach {' and '.join(missing)} to it? R goes on.", "attach", "Attach")
        else:
            self.redirect_home()

    @authenticated
    async def post(self) -> None:
        """Do what the button says."""
        if self.get_body_argument("action") == "restart":
            self.restart()
            return
        for service in self.missing_services():
            answer = await self.attach(service)
            if answer.message:
                self.set_status(answer.status)
                self.render_page(answer.message)
                return
        self.redirect_home()

    def missing_services(self) -> list[str]:
        """The services of the link that are not attached, as in the link: `flights` or `flights:write`."""
        attached = attached_levels()
        requested = {item: item.partition(":") for item in self.get_query_arguments(PREFIX + "service")}
        return [
            item
            for item, (service, _, level) in requested.items()
            if service not in attached or (level and level != attached[service])
        ]

    def redirect_home(self) -> None:
        """Redirect to the server, with the parameters of the link that are not ours."""
        others = [name for name in self.request.query_arguments if not name.startswith(PREFIX)]
        self.redirect(self.home + (f"?{self.query(others)}" if others else ""))

    def restart(self) -> None:
        """Have the hub stop this server, and send the browser to the start page with the parameters of the link."""
        requested = [name for name in self.request.query_arguments if name.startswith(PREFIX)]
        user, server = os.environ["JUPYTERHUB_USER"], os.environ.get("JUPYTERHUB_SERVER_NAME", "")
        path = f"{quote(user, safe='')}/{quote(server, safe='')}".rstrip("/")
        start = f"{os.environ['JUPYTERHUB_BASE_URL']}hub/spawn/{path}?{self.query(requested)}"
        refresh = f'<meta http-equiv="refresh" content="{RESTART_DELAY};url={escape(start)}">'
        self.render_page("It is stopping, and starts again in a moment.", head=refresh)
        self.settings["rc2_restart"] = asyncio.create_task(self.stop_server(user, server))

    async def attach(self, item: str) -> Answer:
        """Attach one service, given as in the link (`flights` or `flights:write`)."""
        service, _, level = item.partition(":")
        body = json.dumps({"level": level} if level else {})
        return await self.attachments.ask("PUT", f"{self.attachments.path}/{quote(service, safe='')}", body=body)

    async def stop_server(self, user: str, server: str) -> None:
        """Have the hub stop this server; the server's own token allows that, but not for other servers."""
        name = f"servers/{quote(server, safe='')}" if server else "server"
        url = f"{os.environ['JUPYTERHUB_API_URL']}/users/{quote(user, safe='')}/{name}"
        headers = {"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"}
        await AsyncHTTPClient().fetch(HTTPRequest(url, method="DELETE", headers=headers))

    def ask(self, message: str, action: str, label: str) -> None:
        """Answer with a page that has one button; the XSRF token proves that the click is the user's."""
        form = f'<form method="post" action="?{escape(self.request.query)}">{self.xsrf_form_html()}'
        self.render_page(message, button=f'{form}<button name="action" value="{action}">{label}</button></form>')

    def render_page(self, message: str, head: str = "", button: str = "") -> None:
        """Answer with a page of one message."""
        self.finish(PAGE.format(head=head, message=escape(message), button=button, server=escape(self.home)))

    def query(self, names: list[str]) -> str:
        """These parameters of the link, encoded again."""
        return urlencode({name: self.get_query_arguments(name) for name in names}, doseq=True)

    @property
    def home(self) -> str:
        """The page that the server's own address redirects to: JupyterLab."""
        default_url: str = self.settings["default_url"]
        return default_url
