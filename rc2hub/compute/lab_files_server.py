"""Serves the files of JupyterLab's page at one address for all servers, so that a browser fetches them once.

    python -m rc2hub.compute.lab_files_server

It runs as a JupyterHub service without a login: the files are those of the machine or image, which anybody may have. Their
address has their hash, so browsers keep them for good. Only names that were found at the start are served.
"""

import asyncio
import json
import mimetypes
import os
import signal
from pathlib import Path
from urllib.parse import urlparse

from tornado.web import Application, HTTPError, RequestHandler

from rc2hub.compute.lab_files import LabFiles, files_folder

FOREVER = "public, max-age=31536000, immutable"
PREFETCH = """addEventListener('load', () => %s.forEach(name => {
  const link = Object.assign(document.createElement('link'), {rel: 'prefetch', href: %s + name});
  document.head.append(link);
}));
"""


class _Handler(RequestHandler):
    files: LabFiles

    def initialize(self, files: LabFiles) -> None:
        self.files = files

    def set_default_headers(self) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")

    def compute_etag(self) -> None:
        """None: an address has one content for ever."""


class FileHandler(_Handler):
    """One file, compressed."""

    async def get(self, name: str) -> None:
        """Answer with the file."""
        try:
            content, encoding = self.files.find(name, self.request.headers.get("Accept-Encoding", ""))
        except KeyError:
            raise HTTPError(404) from None
        self.set_header("Content-Type", mimetypes.guess_type(name)[0] or "application/octet-stream")
        self.set_header("Cache-Control", FOREVER)
        self.set_header("Vary", "Accept-Encoding")
        if encoding:
            self.set_header("Content-Encoding", encoding)
        await self.finish(content)


class IndexHandler(_Handler):
    """The hash of the files, for the hub."""

    async def get(self) -> None:
        """Answer with the hash."""
        await self.finish({"hash": self.files.hash})


class PrefetchHandler(_Handler):
    """A script for the hub's pages: the browser fetches JupyterLab while the user logs in and chooses."""

    async def get(self) -> None:
        """Answer with the script."""
        self.set_header("Content-Type", "text/javascript")
        self.set_header("Cache-Control", "no-cache")
        base = self.request.path.removesuffix("prefetch.js") + f"{self.files.hash}/"
        await self.finish(PREFETCH % (json.dumps(self.files.first_page), json.dumps(base)))


def make_app(folder: Path, prefix: str) -> Application:
    """The routes under the service's prefix."""
    files = {"files": LabFiles(folder)}
    routes = [
        (f"{prefix}index.json", IndexHandler, files),
        (f"{prefix}prefetch.js", PrefetchHandler, files),
        (f"{prefix}{folder.name}/(.+)", FileHandler, files),
    ]
    return Application(list(routes), log_function=lambda _: None)


async def serve(folder: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    url, ended = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"]), asyncio.Event()
    make_app(folder, os.environ["JUPYTERHUB_SERVICE_PREFIX"]).listen(url.port or 80, url.hostname or "")
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, ended.set)
    await ended.wait()


def main() -> None:
    """Serve the files of this machine or image."""
    folder = files_folder()
    if folder is None:
        raise SystemExit("rc2hub: there are no files of JupyterLab to serve; labextension/lab-files.mjs makes them.")
    asyncio.run(serve(folder))


if __name__ == "__main__":
    main()
