"""The language server of R for the scripts and documents of a page: `arity`, a program, over a websocket.

A page opens one websocket with its first document of R. Messages are those of the Language Server Protocol, without their
headers; the first one tells the page the folder in which its documents are. The process ends with the websocket.
"""

import asyncio
import os
import subprocess
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tornado.websocket import WebSocketClosedError

from rc2hub.compute.kernel import prepare_process
from rc2hub.compute.user_socket import UserSocket

CONFIG = Path(__file__).with_name("arity.toml")
LIMIT = 1 << 24
"""Bytes of one message of the language server. Those of a page have tornado's limit of 10 MiB."""
HAS_ENDED = 1011
"""The code with which a websocket is closed for an error of the server."""
LIBRARIES = r'cat(R.home(), .libPaths(), sep = "\n")'


class LanguageServerSocket(UserSocket):
    """A page with documents of R."""

    _requests: asyncio.StreamWriter | None = None

    async def get(self) -> None:
        """Connect, if the user may run code."""
        await self.require_user()
        await super().get()

    def open(self) -> None:
        """Start the language server."""
        super().open()
        self._serving = asyncio.create_task(self._serve(), name="rc2 language server")

    async def on_message(self, message: str | bytes) -> None:
        """Pass a message of the page on."""
        if self._requests is None:
            self.close(HAS_ENDED)
            return
        content = message.encode() if isinstance(message, str) else message
        with suppress(ConnectionError):  # it has ended, which closes the websocket
            self._requests.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
            await self._requests.drain()

    def on_close(self) -> None:
        """End the language server."""
        super().on_close()
        self._serving.cancel()

    async def _serve(self) -> None:
        try:
            async with started(await environment()) as process:
                self._requests = process.stdin
                await self.write_message({"root": Path(self.contents_manager.root_dir).as_uri()})
                async for message in messages(process.stdout):
                    await self.write_message(message)
        except WebSocketClosedError:
            return
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self.log.warning("The language server of R has failed: %s", type(error).__name__)
        self.close(HAS_ENDED)


async def environment() -> dict[str, str]:
    """What the language server is told: where R has its packages, which it reads without R, and the settings of Rc².

    It gets nothing else of the server's environment: no token, and no address from which it would load lists of packages.
    """
    process = await asyncio.create_subprocess_exec(
        *("Rscript", "--no-init-file", "-e", LIBRARIES),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=prepare_process,
    )
    home, *libraries = (await process.communicate())[0].decode().splitlines() or [""]
    known = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME") if name in os.environ}
    return {**known, "ARITY_CONFIG": str(CONFIG), "R_HOME": home, "R_LIBS_USER": ":".join(libraries)}


@asynccontextmanager
async def started(variables: dict[str, str]) -> AsyncIterator[Any]:
    """The process of the language server with pipes, which is killed at the end.

    Raises:
        OSError: if it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *(Path(sysconfig.get_path("scripts"), "arity"), "lsp"),
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=prepare_process,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def messages(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """The messages of the language server until its end, or until one that is longer than `LIMIT`.

    Raises:
        ValueError: if it does not keep to the protocol.
        asyncio.IncompleteReadError: if it ends within a message.
    """
    while True:
        length = 0
        while line := (await stream.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not 0 < length <= LIMIT:
            return
        yield (await stream.readexactly(length)).decode()
