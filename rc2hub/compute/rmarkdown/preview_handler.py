"""The live preview at the server's own address: a page sends each edit by websocket, and receives what has changed."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError

from rc2hub.compute.rmarkdown.contents import r_markdown_file
from rc2hub.compute.rmarkdown.preview import Preview
from rc2hub.compute.user_socket import UserSocket


class Previews:
    """The previews of this server, by the paths of their documents."""

    def __init__(self) -> None:
        """Begin without previews."""
        self._by_path: dict[str, Preview] = {}

    def open(self, path: str, document: Path) -> Preview:
        """The preview of a document, begun if there is none."""
        if path not in self._by_path or self._by_path[path].has_ended:
            self._by_path[path] = Preview(document)
        return self._by_path[path]

    def running(self) -> Iterator[str]:
        """The paths of the documents of which a piece runs."""
        return (path for path, preview in self._by_path.items() if preview.is_running)


class PreviewSocket(UserSocket):
    """A page. Its messages are `{"text": "…"}` at an edit, `{"stop": true}` and `{"everything": true}`."""

    def initialize(self, previews: Previews) -> None:
        """Take the previews of this server."""
        self._previews, self._opened = previews, ExitStack()

    async def get(self, path: str) -> None:
        """Connect, if the user may run code."""
        await self.require_user()
        document = r_markdown_file(path, self.contents_manager.root_dir)
        if document is None or not document.parent.is_dir():
            raise HTTPError(HTTPStatus.NOT_FOUND)
        self._preview = self._previews.open(path, document)
        await super().get(path)

    def open(self, path: str) -> None:
        """Show the preview from now on."""
        super().open(path)
        self._opened.enter_context(self._preview.shown(self._send))

    def on_message(self, message: str | bytes) -> None:
        """Take a message of the page."""
        request = json.loads(message)
        if "text" in request:
            self._preview.edit(request["text"])
        elif "stop" in request:
            self._preview.stop()
        elif "everything" in request:
            self._preview.run_everything()

    def on_close(self) -> None:
        """Show it no more."""
        super().on_close()
        self._opened.close()

    def _send(self, news: dict[str, Any]) -> None:
        with suppress(WebSocketClosedError):
            self.write_message(json.dumps(news))
