"""A link to a service (`/hub/spawn?opt-service=flights`) that is opened while the server already runs.

JupyterHub sends it on to the server's own address with its parameters. A service is then attached live; what only a new
server can have is said plainly, with a button that restarts it.
"""

import asyncio
import json
import os
from html import escape
from urllib.parse import quote, urlencode

from jupyter_server.base.handlers import JupyterHandler
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.web import authenticated

from rc2hub.compute.attachments import Attachments

PREFIX = "opt-"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Rc²</title>{head}
<body style="font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem">
<h1>Your server already runs</h1><p>{sentence}</p>{button}<p><a href="{server}">Go on with the server as it is</a></p>"""
PAUSE = 3
"""Seconds between asking for the restart and going to the start; a stop takes half of one."""


class LinkHandler(JupyterHandler):
    """The server's own address."""

    def initialize(self, attachments: Attachments) -> None:
        """Take what speaks to the broker."""
        self.attachments = attachments

    @authenticated
    async def get(self) -> None:
        """Attach what the link asks for, and go to the server; without a link, just go there."""
        profile = self.get_query_argument(PREFIX + "profile", "")
        if profile and profile != os.environ["RC2_PROFILE"]:
            self.offer_restart(f"It has the profile {os.environ['RC2_PROFILE']}; {profile} needs a restart, which ends R.")
            return
        for service in self.get_query_arguments(PREFIX + "service"):
            sentence = await self.attach(service)
            if sentence:
                self.set_status(403 if "grant" in sentence else 400)
                self.say(sentence)
                return
        others = [name for name in self.request.query_arguments if not name.startswith(PREFIX)]
        self.redirect(self.home + (f"?{self.query(others)}" if others else ""))

    @authenticated
    async def post(self) -> None:
        """Have the hub stop this server, and send the browser to the start that the link asks for."""
        asked = [name for name in self.request.query_arguments if name.startswith(PREFIX)]
        user, server = os.environ["JUPYTERHUB_USER"], os.environ.get("JUPYTERHUB_SERVER_NAME", "")
        path = f"{quote(user, safe='')}/{quote(server, safe='')}".rstrip("/")
        start = f"{os.environ['JUPYTERHUB_BASE_URL']}hub/spawn/{path}?{self.query(asked)}"
        refresh = f'<meta http-equiv="refresh" content="{PAUSE};url={escape(start)}">'
        self.say("It stops now, and starts again in a moment.", head=refresh)
        self.settings["rc2_restart"] = asyncio.create_task(self.stop_server(user, server))

    async def attach(self, item: str) -> str:
        """Attach one service, written as in a request; returns why not, or nothing."""
        service, _, level = item.partition(":")
        body = json.dumps({"level": level} if level else {})
        try:
            await self.attachments.call("PUT", f"{self.attachments.mine}/{quote(service, safe='')}", body=body)
        except HTTPClientError as error:
            message: str = json.loads(error.response.body)["message"] if error.response else "The broker does not answer."
            return message
        except OSError:
            return "The broker of the shared services does not answer; try again in a moment."
        return ""

    async def stop_server(self, user: str, server: str) -> None:
        """Ask the hub with our own token, which may do this and nothing like it."""
        name = f"servers/{quote(server, safe='')}" if server else "server"
        url = f"{os.environ['JUPYTERHUB_API_URL']}/users/{quote(user, safe='')}/{name}"
        headers = {"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"}
        await AsyncHTTPClient().fetch(HTTPRequest(url, method="DELETE", headers=headers))

    def offer_restart(self, sentence: str) -> None:
        """Say what cannot be had without a restart, with a button that does it."""
        form = f'<form method="post" action="?{escape(self.request.query)}">{self.xsrf_form_html()}'
        self.say(sentence, button=f"{form}<button>Restart my server</button></form>")

    def say(self, sentence: str, head: str = "", button: str = "") -> None:
        """Answer with a page of one sentence."""
        self.finish(PAGE.format(head=head, sentence=escape(sentence), button=button, server=escape(self.home)))

    def query(self, names: list[str]) -> str:
        """These parameters of the link, encoded again."""
        return urlencode({name: self.get_query_arguments(name) for name in names}, doseq=True)

    @property
    def home(self) -> str:
        """Where the server's own address leads: JupyterLab."""
        default_url: str = self.settings["default_url"]
        return default_url
