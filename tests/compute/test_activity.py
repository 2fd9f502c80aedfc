"""Work that shows nothing counts as activity: real kernels of R, real terminals."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from terminado import NamedTermManager

from rc2hub.compute import activity
from rc2hub.compute.activity import KNIT_JOBS, PREVIEWS, busy_documents, busy_kernels, busy_terminals, report_work
from rc2hub.compute.rmarkdown.knit import Format, KnitJob, State
from rc2hub.compute.rmarkdown.knit_handler import KnitJobs
from rc2hub.compute.rmarkdown.preview_handler import Previews
from tests.fixtures.hub import HANG_TIMEOUT

LONG_AGO = datetime.now(UTC) - timedelta(hours=2)


@pytest.fixture
async def app() -> AsyncIterator[Any]:
    """A server application with a kernel of R and a terminal."""
    kernels, terminals = AsyncMappingKernelManager(), NamedTermManager(shell_command=["sh"])
    settings = {"terminal_manager": terminals, "last_activity_times": {}}
    app = SimpleNamespace(kernel_manager=kernels, web_app=SimpleNamespace(settings=settings))
    yield app
    await kernels.shutdown_all(now=True)
    await terminals.kill_all()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(HANG_TIMEOUT):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_kernel_that_computes_silently_is_busy_until_its_cell_ends(app: Any, tmp_path: Path) -> None:
    kernel_id = await app.kernel_manager.start_kernel(kernel_name="ir")
    kernel = app.kernel_manager.get_kernel(kernel_id)
    client = kernel.client()
    client.start_channels()
    await client.wait_for_ready(timeout=HANG_TIMEOUT)
    await until(lambda: not list(busy_kernels(app)))
    client.execute(f"while (!file.exists('{tmp_path}/done')) Sys.sleep(0.05)")
    await until(lambda: list(busy_kernels(app)) == [kernel_id])
    (tmp_path / "done").touch()
    await until(lambda: not list(busy_kernels(app)))
    client.stop_channels()


async def test_a_terminal_is_busy_while_a_program_runs_in_it(app: Any) -> None:
    terminals = app.web_app.settings["terminal_manager"]
    name, terminal = terminals.new_named_terminal()
    await until(lambda: not list(busy_terminals(app)))
    terminal.ptyproc.write("cat\n")
    await until(lambda: list(busy_terminals(app)) == [name])
    terminal.ptyproc.write("\x04")
    await until(lambda: not list(busy_terminals(app)))


async def test_work_is_the_last_activity_of_the_server_and_its_end_is_not(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "CHECK_INTERVAL", 0)
    busy = ["terminal"]
    monkeypatch.setattr(activity, "busy_terminals", lambda _app: iter(busy))
    times = app.web_app.settings["last_activity_times"]
    task = asyncio.create_task(report_work(app))
    await until(lambda: times.get(activity.WORK_KEY, LONG_AGO) > LONG_AGO)
    busy.clear()
    await asyncio.sleep(0)
    times[activity.WORK_KEY] = LONG_AGO
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    assert times[activity.WORK_KEY] == LONG_AGO


async def test_a_server_without_terminals_reports_its_kernels(app: Any) -> None:
    app.web_app.settings["terminal_manager"] = None
    assert list(busy_terminals(app)) == []


async def test_a_document_is_busy_while_it_is_knitted(app: Any) -> None:
    assert list(busy_documents(app)) == []
    jobs = app.web_app.settings[KNIT_JOBS] = KnitJobs()
    job = jobs.by_path["report.Rmd"] = KnitJob(Path("report.Rmd"), Format.OWN)
    assert busy_documents(app) == ["report.Rmd"]
    job.state = State.DONE
    assert busy_documents(app) == []


async def test_a_document_is_busy_while_a_chunk_of_its_preview_runs(app: Any, tmp_path: Path) -> None:
    previews = app.web_app.settings[PREVIEWS] = Previews()
    shown: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    preview = previews.open("report.Rmd", tmp_path / "report.Rmd")
    with preview.shown(shown.put_nowait):
        preview.edit("```{r}\nrepeat Sys.sleep(0.1)\n```\n")
        while not (await shown.get())["running"]:
            pass
        assert busy_documents(app) == ["report.Rmd"]
        preview.stop()
        while (await shown.get())["running"]:
            pass
    assert busy_documents(app) == []
    await preview.close()
