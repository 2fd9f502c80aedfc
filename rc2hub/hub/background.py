"""The tasks that run beside JupyterHub for as long as it runs: the broker's desired state, group refresh, and the pool."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urljoin

from jupyterhub.app import JupyterHub
from jupyterhub.utils import exponential_backoff

from rc2hub.errors import Rc2Error, StandbyError
from rc2hub.hub import lifecycle
from rc2hub.hub.broker_sync.change_requests import ChangeRequestFollower
from rc2hub.hub.broker_sync.client import BrokerClient
from rc2hub.hub.broker_sync.desired_state import DesiredStatePush
from rc2hub.hub.broker_sync.group_refresh import GroupRefresh
from rc2hub.hub.managed_services import BROKER_NAME
from rc2hub.hub.runtime import Runtime
from rc2hub.services.catalogue import SharedServices

POLL_INTERVAL = 0.1
"""Seconds between two checks whether the hub is up."""
RESTART_DELAY = 1.0
"""Seconds before a task that ended is started again."""
log = logging.getLogger("JupyterHub")


def start_with_hub(runtime: Runtime, shared: SharedServices, token: str) -> None:
    """Start the tasks with the hub. JupyterHub has no start-up hook, but it loads its configuration in its own loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # a subcommand such as `jupyterhub upgrade-db`, which starts no server

    def start() -> None:
        runtime.background = loop.create_task(_run(runtime, shared, token), name="rc2")

    loop.call_soon(start)


async def _run(runtime: Runtime, shared: SharedServices, token: str) -> None:
    hub = JupyterHub.instance()
    try:
        await _run_tasks(hub, runtime, shared, token)
    except Exception as error:  # noqa: BLE001 - whatever it is: every start would wait for the pool until its timeout
        await _stop_hub(hub, lifecycle.first_error(error) if isinstance(error, ExceptionGroup) else error)


async def _run_tasks(hub: Any, runtime: Runtime, shared: SharedServices, token: str) -> None:
    client = BrokerClient(urljoin(shared.broker_url, f"{hub.base_url}services/{BROKER_NAME}/"), token)
    runtime.desired_state = push = DesiredStatePush(client, hub)
    # A broker that the hub manages is up at the end of the hub's start. Another broker waits for the first desired state,
    # which must not wait for the end of the hub's start: users log in before.
    is_up = hub._start_future.done if shared.managed else lambda: hub.http_server is not None
    await exponential_backoff(is_up, "", max_wait=POLL_INTERVAL, timeout=math.inf, timeout_tolerance=0)
    runtime.pool = hub.spawner_class.make_pool(hub, runtime)
    push.pool_states = runtime.pool.states
    follower, refresh = ChangeRequestFollower(push, lifecycle.change), GroupRefresh(push)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_restart(push.run, "push of the desired state"), name="rc2 push")
        tasks.create_task(_restart(follower.run, "change requests"), name="rc2 change requests")
        tasks.create_task(_restart(refresh.run, "group refresh"), name="rc2 group refresh")
        tasks.create_task(_restart(lambda: runtime.lab_files.run(hub), "files of JupyterLab"), name="rc2 lab files")
        tasks.create_task(_keep_pool(hub, runtime), name="rc2 pool")


async def _keep_pool(hub: Any, runtime: Runtime) -> None:
    """Open the pool as soon as the API server answers, and keep it; any other error of its opening ends all tasks."""
    while True:
        try:
            await runtime.open_pool(lambda: used_locations(hub))
            break
        except StandbyError as error:
            log.critical("Rc² cannot open the pool and tries again: %s", error)
            await asyncio.sleep(RESTART_DELAY)
    await _restart(lambda: runtime.pool.run(lambda: used_locations(hub)), "pool")


async def _stop_hub(hub: Any, error: BaseException) -> None:
    """End the hub and what it has started, with one sentence in its log and exit code 1."""
    message = str(error) if isinstance(error, Rc2Error) else f"{type(error).__name__}: {error}"
    log.critical("Rc² cannot start, and stops the hub: %s", " ".join(message.split()))
    try:
        await hub.cleanup()
    finally:
        asyncio.get_running_loop().call_soon(hub.exit, 1)


def used_locations(hub: Any) -> set[str]:
    """The locations (pods or folders) of all active compute servers."""
    return {spawner.location for user in hub.users.values() for spawner in user.spawners.values() if spawner.active}


async def _restart(run: Callable[[], Awaitable[None]], what: str) -> None:
    """Run a task that never ends; if it does, log why and start it again: the hub must not go on without it."""
    while True:
        try:
            await run()
        except Rc2Error as error:
            log.critical("Rc² cannot go on with the %s and tries again: %s", what, error)
        except Exception:
            log.exception("The %s of Rc² ended unexpectedly; starting it again.", what)
        await asyncio.sleep(RESTART_DELAY)
