"""What the processes of all gateways share: the settings that the hub passes, the log, and the end at a signal."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from rc2hub.errors import Rc2Error
from rc2hub.gateways.token_review import TokenReviewer
from rc2hub.processes import end_with_parent


def read_settings(variable: str) -> tuple[dict[str, Any], str, TokenReviewer]:
    """The settings in this environment variable, the secret shared with the broker, and the broker's token review."""
    settings, secret = json.loads(os.environ[variable]), os.environ["RC2_GATEWAY_SECRET"]
    broker_url = f"{settings['broker_url']}{os.environ['JUPYTERHUB_BASE_URL']}services/rc2/"
    return settings, secret, TokenReviewer(broker_url, settings["service"], secret)


async def run_until_signal(background: "asyncio.Future[Any]") -> None:
    """Wait for the tasks in the background; SIGTERM or SIGINT cancels them."""
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, background.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await background


def run(name: str, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a gateway; it ends with the process that started it, and an error of ours is one line."""
    logging.basicConfig(level=logging.INFO, format=f"[%(levelname)1.1s %(asctime)s {name}] %(message)s")
    end_with_parent()
    try:
        asyncio.run(serve())
    except Rc2Error as error:
        sys.exit(f"{name}: {error}")
