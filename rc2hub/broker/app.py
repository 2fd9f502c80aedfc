"""The broker's HTTP service. Plain REST under `/services/rc2/api/`, described by the OpenAPI document it serves.

    python -m rc2hub.broker.app

JupyterHub starts it (or the chart does) with the environment of a managed service and, in `RC2_SHARED_SERVICES`, the
catalogue. It may be killed at any time: the truth is in the services and in the hub's list.
"""

import asyncio
import json
import logging
import os
import signal
from urllib.parse import urlparse

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler
from tornado.web import Application
from traitlets.config import Config

from rc2hub.broker import api
from rc2hub.broker.page import ChangeHandler, PageHandler
from rc2hub.broker.reconcile import Reconciler
from rc2hub.broker.state import Broker
from rc2hub.broker.wishes import Wishes
from rc2hub.processes import end_with_parent
from rc2hub.services.catalogue import SharedServices

TOKEN_CACHE = 10
"""Seconds a token is believed without asking the hub again; a stopped server's is refused at once by the hub's list."""


def make_app(broker: Broker, prefix: str) -> Application:
    """The routes under the service's prefix."""
    routes = [
        ("", PageHandler),
        ("change", ChangeHandler),
        ("oauth_callback", HubOAuthCallbackHandler),
        ("api/openapi.json", api.DocumentHandler),
        ("api/health", api.HealthHandler),
        ("api/services", api.ServicesHandler),
        ("api/servers/([^/]+)/([^/]+)/attachments", api.AttachmentsHandler),
        ("api/servers/([^/]+)/([^/]+)/attachments/([^/]+)", api.AttachmentHandler),
        ("api/pools", api.PoolsHandler),
        ("api/tokens", api.TokensHandler),
        ("api/state", api.StateHandler),
        ("api/wishes", api.WishesHandler),
    ]
    return Application(
        [(prefix + path, handler) for path, handler in routes] + [(".*", api.UnknownHandler)],
        broker=broker,
        cookie_secret=os.urandom(32),
        xsrf_cookies=True,
        log_function=log_request,
    )


def log_request(handler: api.ApiHandler) -> None:
    """One line for what changes something or fails; the servers' and the hub's waiting questions are not news."""
    status = handler.get_status()
    if status >= api.ERROR or handler.request.method not in {"GET", "HEAD"}:
        # the path, never the query: it may hold a code of the OAuth login
        logging.getLogger("rc2hub.broker").debug("%s %s %s", status, handler.request.method, handler.request.path)


async def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    shared = SharedServices(config=Config(json.loads(os.environ["RC2_SHARED_SERVICES"])))
    services = shared.open_services()
    reconciler = Reconciler(services)
    HubOAuth.instance(cache_max_age=TOKEN_CACHE)
    broker = Broker(shared, reconciler, Wishes(), os.environ["JUPYTERHUB_API_TOKEN"])
    url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    server = make_app(broker, os.environ["JUPYTERHUB_SERVICE_PREFIX"]).listen(url.port or 80, url.hostname or "")
    working = asyncio.create_task(reconciler.run(), name="rc2 reconciler")
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        server.stop()
    finally:
        await asyncio.gather(*(service.close() for service in services.values()))


def main() -> None:
    """Run the broker; it ends with the hub that started it."""
    logging.basicConfig(level=logging.INFO, format="[%(levelname)1.1s %(asctime)s rc2-broker] %(message)s")
    logging.getLogger("tornado.access").setLevel(logging.WARNING)
    end_with_parent()
    asyncio.run(serve())


if __name__ == "__main__":
    main()
