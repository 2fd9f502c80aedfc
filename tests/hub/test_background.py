"""A pool that cannot be opened stops the hub; one whose API server does not answer is waited for."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.errors import ConfigurationError, StandbyError
from rc2hub.hub import background
from rc2hub.hub.runtime import Runtime
from rc2hub.messages import PoolState
from rc2hub.processes import free_ports
from rc2hub.spawn_request import SpawnChoices

CONFIG = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}/"
c.JupyterHub.hub_port = {ports[1]}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "rc2-process"
c.SharedServices.broker_url = "http://127.0.0.1:{ports[3]}"
c.ProcessPool.runtime_dir = "{file}"
from rc2hub.configure import install

install(c)
"""


class Pool:
    """A pool that fails with these errors when it is opened, and then works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.is_running = list(errors), asyncio.Event()

    def states(self) -> list[PoolState]:
        return []

    async def open(self, _used_locations: Any) -> None:
        if self.errors:
            raise self.errors.pop(0)

    async def run(self, _used_locations: Any) -> None:
        self.is_running.set()
        await asyncio.Event().wait()


class Hub:
    """A hub that notes its exit code."""

    def __init__(self) -> None:
        self.users: dict[str, Any] = {}
        self.tornado_settings: dict[str, Any] = {"services": {}}
        self.http_server, self.base_url, self.is_cleaned_up = object(), "/", False
        self.spawner_class: Any
        self.exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def cleanup(self) -> None:
        self.is_cleaned_up = True

    def exit(self, code: int) -> None:
        self.exit_code.set_result(code)


class IdleTask:
    """In place of a task of the broker: it does nothing."""

    def __init__(self, *_: object) -> None:
        """Take what the task takes."""

    async def run(self) -> None:
        await asyncio.Event().wait()


def start(hub: Hub, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> "asyncio.Task[None]":
    """Run the tasks of a hub that has this pool and no broker."""
    monkeypatch.setattr(background, "RESTART_DELAY", 0.01)
    monkeypatch.setattr(background.JupyterHub, "instance", lambda: hub)
    for task in ("DesiredStatePush", "ChangeRequestFollower", "GroupRefresh"):
        monkeypatch.setattr(background, task, IdleTask)
    hub.spawner_class = SimpleNamespace(make_pool=lambda *_: pool)
    shared: Any = SimpleNamespace(managed=False, broker_url="http://127.0.0.1/")
    return asyncio.create_task(background._run(Runtime(SpawnChoices({}, {})), shared, "token"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConfigurationError("/x belongs to another account; set it."), "/x belongs to another account; set it."),
        (FileNotFoundError(2, "No such file", "/x"), "FileNotFoundError: [Errno 2] No such file: '/x'"),
    ],
)
async def test_a_pool_that_cannot_be_opened_stops_the_hub_with_one_sentence(
    error: Exception, message: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub()
    task = start(hub, Pool(error), monkeypatch)
    async with asyncio.timeout(5):
        assert await hub.exit_code == 1
    await task
    assert hub.is_cleaned_up, "broker and proxy would go on"
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.CRITICAL, None)
    assert record.getMessage() == f"Rc² cannot start, and stops the hub: {message}"


async def test_a_spawner_class_without_a_pool_stops_the_hub(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub()
    task = start(hub, Pool(), monkeypatch)
    hub.spawner_class = SimpleNamespace()
    async with asyncio.timeout(5):
        assert await hub.exit_code == 1
    await task
    assert "has no attribute 'make_pool'" in caplog.text


async def test_a_pool_whose_api_server_does_not_answer_is_opened_later(monkeypatch: pytest.MonkeyPatch) -> None:
    hub, pool = Hub(), Pool(StandbyError("the Kubernetes API does not answer"))
    task = start(hub, pool, monkeypatch)
    async with asyncio.timeout(5):
        await pool.is_running.wait()
    assert not hub.exit_code.done()
    task.cancel()


def test_a_hub_whose_pool_cannot_be_opened_ends_with_an_exit_code_and_without_a_traceback(tmp_path: Path) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(CONFIG.format(ports=free_ports(4), file=config))
    programs = Path(sys.executable).parent  # the proxy is one of them
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    output = ended.stdout + ended.stderr
    assert ended.returncode == 1, output
    assert f"Rc² cannot start, and stops the hub: FileExistsError: [Errno 17] File exists: '{config}'" in output
    assert "Traceback" not in output
