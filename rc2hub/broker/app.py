"""The broker's HTTP server: a REST API under `/services/rc2/api/`, described by the OpenAPI document that it serves.

    python -m rc2hub.broker.app

JupyterHub or the Helm chart starts it with the environment of a managed service and the catalogue in
`RC2_SHARED_SERVICES`. It can be killed at any time: the services hold the credentials, the hub the desired state.
"""

import asyncio
import json
import logging
import os
import signal
from urllib.parse import urlparse

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler
from tornado.web import Application, RequestHandler
from traitlets.config import Config

from rc2hub.broker import api
from rc2hub.broker.change_requests import ChangeRequests
from rc2hub.broker.page import ChangeHandler, PageHandler
from rc2hub.broker.reconciler import Reconciler
from rc2hub.broker.state import BrokerState
from rc2hub.processes import end_with_parent
from rc2hub.services.catalogue import SharedServices

TOKEN_CACHE_SECONDS = 10
"""How long the hub's answer about a token is cached. A stopped server is refused at once: it is not in the desired state."""


def make_app(broker: BrokerState, prefix: str) -> Application:
    """The routes under the service's prefix."""
    routes = [
        ("", PageHandler),
        ("change", ChangeHandler),
        ("oauth_callback", HubOAuthCallbackHandler),
        ("api/openapi.json", api.OpenApiHandler),
        ("api/health", api.HealthHandler),
        ("api/services", api.ServicesHandler),
        ("api/servers/([^/]+)/([^/]+)/attachments", api.AttachmentsHandler),
        ("api/servers/([^/]+)/([^/]+)/attachments/([^/]+)", api.AttachmentHandler),
        ("api/pools", api.PoolsHandler),
        ("api/token-reviews", api.TokenReviewsHandler),
        ("api/desired-state", api.DesiredStateHandler),
        ("api/change-requests", api.ChangeRequestsHandler),
    ]
    return Application(
        [(prefix + path, handler) for path, handler in routes] + [(".*", api.NotFoundHandler)],
        broker=broker,
        cookie_secret=os.urandom(32),
        xsrf_cookies=True,
        log_function=log_request,
    )


def log_request(handler: RequestHandler) -> None:
    """Log requests that change something or fail; the long polls of the servers and of the hub are not logged."""
    status = handler.get_status()
    if status >= api.FIRST_ERROR_STATUS or handler.request.method not in {"GET", "HEAD"}:
        # the path without the query, which can contain an OAuth code
        logging.getLogger("rc2hub.broker").debug("%s %s %s", status, handler.request.method, handler.request.path)


async def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    shared = SharedServices(config=Config(json.loads(os.environ["RC2_SHARED_SERVICES"])))
    services = shared.open_services()
    reconciler = Reconciler(services)
    HubOAuth.instance(cache_max_age=TOKEN_CACHE_SECONDS)
    broker = BrokerState(shared, reconciler, ChangeRequests(reconciler), os.environ["JUPYTERHUB_API_TOKEN"])
    url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    server = make_app(broker, os.environ["JUPYTERHUB_SERVICE_PREFIX"]).listen(url.port or 80, url.hostname or "")
    worker_task = asyncio.create_task(reconciler.run(), name="rc2 reconciler")
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, worker_task.cancel)
    try:
        await worker_task
    except asyncio.CancelledError:
        server.stop()
    finally:
        await asyncio.gather(*(service.close() for service in services.values()))


def main() -> None:
    """Run the broker; it stops when the hub that started it stops."""
    logging.basicConfig(level=logging.INFO, format="[%(levelname)1.1s %(asctime)s rc2-broker] %(message)s")
    logging.getLogger("tornado.access").setLevel(logging.WARNING)
    end_with_parent()
    asyncio.run(serve())


if __name__ == "__main__":
    main()
