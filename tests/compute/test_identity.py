"""After its activation, a warm kernel equals one that the user starts cold, in every fact listed here."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from rc2hub.compute.kernel import SITE_PROFILE, WarmKernel
from tests.fixtures.hub import HANG_TIMEOUT

FACTS = {
    # first those that reading the others would change
    "last value": "exists('.Last.value')",
    "random seed": "exists('.Random.seed', globalenv())",
    "graphics devices": "dev.list()",
    "loaded packages": "sort(loadedNamespaces())",
    "search path": "search()",
    "objects in the workspace": "ls(globalenv(), all.names = TRUE)",
    "objects of R itself": "lapply(c('Autoloads', 'package:base', 'jupyter:irkernel'), ls, all.names = TRUE)",
    "masked names": "lapply(conflicts(detail = TRUE), sort)",
    "package of filter()": "environmentName(environment(filter))",
    "options": "sort(names(options()))",
    # connections have addresses; evaluate sets this one for each cell
    "option values": "lapply(options()[setdiff(names(options()), 'try.outFile')], deparse)",
    "environment": "Sys.getenv()[setdiff(names(Sys.getenv()), c('R_SESSION_TMPDIR', 'JPY_PARENT_PID'))]",
    "working directory": "c(getwd(), normalizePath('.'))",
    "home": "path.expand('~')",
    "library paths": ".libPaths()",
    "site libraries": ".Library.site",
    "temporary folder": "c(dir.exists(tempdir()), unname(file.access(tempdir(), 7)), dirname(tempdir()))",
    "temporary files": "sub('[0-9a-f]+$', '', list.files(tempdir(), all.files = TRUE, no.. = TRUE))",
    "locale": "sapply(c('LC_ALL', 'LC_MESSAGES', 'LC_PAPER', 'LC_MEASUREMENT'), Sys.getlocale)",
    "encoding": "c(l10n_info(), list(enc2native('\\u00e9'), nchar('\\u00e9', 'bytes'), sort(c('b', 'A', 'a', 'B'))))",
    "time zone": "c(Sys.timezone(), format(as.POSIXct(0, origin = '1970-01-01'), '%H:%M %Z'), format(ISOdate(2026, 7, 1)))",
    "random numbers": "RNGkind()",
    "file mode mask": "Sys.umask()",
    "arguments": "sub('.*/', '', head(commandArgs(), -1))",
    "interactive": "interactive()",
    "warnings": "c(exists('last.warning', baseenv()), length(warnings()))",
    "last error": "c(geterrmessage(), exists('.Traceback', baseenv()))",
    "connections": "showConnections(all = TRUE)[, 'class']",
    "sinks": "c(sink.number('output'), sink.number('message'))",
    "C libraries": "sort(names(getLoadedDLLs()))",
    "hooks": "ls(.userHooksEnv, all.names = TRUE)",
    "methods": "sort(ls(get('.__S3MethodsTable__.', baseenv())))",
    "task callbacks": "getTaskCallbackNames()",
    "objects of the profile": "mget(c('from_profile', 'from_image', 'from_first'), globalenv(), ifnotfound = NA)",
    "install.packages goes to": ".libPaths()[[1]]",
    "a plot": "{ plot(1); dev.cur() }",
}

PROFILE = """
options(from.profile = TRUE, digits = 5, repr.plot.width = 4, pager = "less", crayon.enabled = FALSE)
from_profile <- c(getwd(), Sys.getenv("FROM_RENVIRON"), search())
suppressMessages(library(dplyr))
message("a message"); cat("a line\\n")
.First <- function() assign("from_first", search(), globalenv())
"""
RENVIRON = """
FROM_RENVIRON=${HOME}/yes
R_LIBS_USER=~/library/%v
R_DEFAULT_INTERNET_TIMEOUT=300
EDITOR=nano
TZ=America/New_York
LC_COLLATE=C
"""


def fresh_home(home: Path) -> Path:
    """An empty home, and a folder whose name is not ASCII."""
    (home / "Übung 1").mkdir()
    return home / "Übung 1"


def own_library(home: Path) -> Path:
    """A library at R's default location, and nothing else."""
    printed = subprocess.run(
        ["Rscript", "-e", 'cat(Sys.getenv("R_LIBS_USER"))'],
        env=user_environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    library = Path(printed.stdout)
    assert library.is_relative_to(home)
    library.mkdir(parents=True)
    return home


def start_up_files_at_home(home: Path) -> Path:
    """Both files in the home, the notebook in a folder without them."""
    (home / ".Renviron").write_text(RENVIRON)
    (home / ".Rprofile").write_text(PROFILE)
    for version in ("4.2", "4.4", "4.5"):
        (home / "library" / version).mkdir(parents=True)
    (home / "work").mkdir()
    return home / "work"


def project(home: Path) -> Path:
    """A folder that has both files, so that those in the home do not count; and a saved workspace."""
    start_up_files_at_home(home)
    folder = home / "work"
    (folder / ".Renviron").write_text("R_LIBS=~/project-library\nR_PROFILE_USER=~/work/profile.R\n")
    (folder / "profile.R").write_text("library(splines)\nfrom_profile <- 'project'\n")
    (folder / ".Rprofile").write_text("stop('R_PROFILE_USER names another')\n")
    (folder / ".RData").write_text("RDA3\nA\n3\n262658\n197888\n5\nUTF-8\n1026\n1\n262153\n10\nfrom_image\n14\n1\n7\n254\n")
    (home / "project-library").mkdir()
    return folder


HOMES = [fresh_home, own_library, start_up_files_at_home, project]


def user_environment(home: Path) -> dict[str, str]:
    """The environment of a user, as a hub sets it."""
    return {
        "PATH": os.environ["PATH"],
        "R_PROFILE": str(SITE_PROFILE),
        "HOME": str(home),
        "USER": "anna",
        "LOGNAME": "anna",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TZ": "Asia/Tokyo",
        "GREETING": "Grüß dich \\ \"Anna\" 'there' %U\t.",
        "EMPTY": "",
    }


class Session:
    """One R kernel, and its output."""

    def __init__(self, manager: AsyncKernelManager) -> None:
        self.manager = manager

    async def connect(self) -> "Session":
        """Connect as the first notebook does."""
        self.client = self.manager.client()
        self.client.start_channels(hb=False)
        await self.client.wait_for_ready(timeout=HANG_TIMEOUT)
        return self

    async def run(self, code: str) -> list[str]:
        output: list[str] = []

        def collect(message: Any) -> None:
            assert message["msg_type"] != "error", message["content"]["evalue"]
            output.append(message["content"].get("text", ""))

        await self.client._async_execute_interactive(code, store_history=False, output_hook=collect, timeout=HANG_TIMEOUT)
        return "".join(output).splitlines()

    async def facts(self) -> dict[str, list[str]]:
        await self.run("invisible(gc())")  # IRkernel detaches its prototype's functions in a finalizer
        facts = {fact: await self.run(f"local(dput({code}, control = 'niceNames'))") for fact, code in FACTS.items()}
        reply = await self.client._async_execute_interactive("NULL", output_hook=lambda _message: None, timeout=HANG_TIMEOUT)
        return facts | {"first prompt": [str(reply["content"]["execution_count"])]}

    async def end(self) -> None:
        self.client.stop_channels()
        await self.manager.shutdown_kernel(now=True)


async def warm_session(home: Path, cwd: Path, temporary_home: Path) -> Session:
    """A kernel that starts in another locale and time zone, and is then activated for the user."""
    kernel, before = WarmKernel(), dict(os.environ)
    neutral = {
        "PATH": os.environ["PATH"],
        "HOME": str(temporary_home),
        "R_PROFILE": str(SITE_PROFILE),
        "LANG": "C",
        "TZ": "UTC",
        "NOT_OF_THE_USER": "removed",
    }
    os.environ.clear()
    os.environ.update(neutral)
    try:
        await kernel.launch()
        await kernel.warm_up()
    finally:
        os.environ.clear()
        os.environ.update(before)
    await kernel.assume_identity({"NOT_OF_THE_USER": None, **user_environment(home)})
    await kernel.run_startup_files(str(cwd), {"JPY_SESSION_NAME": "work.ipynb"})
    return await Session(kernel.manager).connect()


async def cold_session(home: Path, cwd: Path) -> Session:
    """A kernel that the user starts."""
    manager = AsyncKernelManager(kernel_name="ir")
    await manager.start_kernel(env=user_environment(home) | {"JPY_SESSION_NAME": "work.ipynb"}, cwd=str(cwd))
    return await Session(manager).connect()


async def session_in(started: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The kernel of the first notebook, or the one after its restart."""
    if started == "warm":
        return await warm_session(home, home, tmp_path_factory.mktemp("standby"))
    return await cold_session(home, home)


@pytest.fixture(scope="module", autouse=True)
def provisioner() -> Iterator[None]:
    """Kernels are started as in a compute server."""
    factory = KernelProvisionerFactory.instance()
    before, factory.default_provisioner_name = factory.default_provisioner_name, "rc2-standby"
    yield
    factory.default_provisioner_name = before


@pytest.fixture(scope="module", params=HOMES, ids=lambda home: home.__name__)
async def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[dict[str, list[str]], dict[str, list[str]]]]:
    """The facts of a warm and a cold R, in the same home."""
    home = tmp_path_factory.mktemp("anna")
    cwd = request.param(home)
    warm = await warm_session(home, cwd, tmp_path_factory.mktemp("standby"))
    cold = await cold_session(home, cwd)
    yield await warm.facts(), await cold.facts()
    await warm.end()
    await cold.end()


@pytest.mark.parametrize("fact", [*FACTS, "first prompt"])
async def test_a_warm_kernel_equals_a_cold_one(both: tuple[dict[str, list[str]], dict[str, list[str]]], fact: str) -> None:
    warm, cold = both
    assert warm[fact] == cold[fact]


@pytest.mark.parametrize("started", ["warm", "restarted"])
async def test_a_start_up_file_that_fails_reports_it_and_r_survives(
    started: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".Rprofile").write_text("before <- 1\nwarning('mind the step')\nstop('not today')\n")
    if started == "warm":  # R itself does not start with a damaged workspace
        (tmp_path / ".RData").write_text("this is no workspace")
    session = await session_in(started, tmp_path, tmp_path_factory)
    assert await session.run("cat(before, 'jupyter:irkernel' %in% search(), Sys.getenv('R_PROFILE_USER'))") == ["1 TRUE "]
    await session.end()
    log = capfd.readouterr().err
    assert "Warning message:\n" in log
    assert "mind the step" in log
    assert f"Error in a start-up file of R, {tmp_path}/.Rprofile: not today\n" in log or (
        "Error in a start-up file of R, .Rprofile: not today\n" in log
    )


RENV = """
local({
  library <- file.path(getwd(), "renv", "library")
  dir.create(library, recursive = TRUE, showWarnings = FALSE)
  assign(".lib.loc", library, environment(.libPaths))  # the site's libraries do not count, as with renv's sandbox
})
"""


@pytest.mark.parametrize("started", ["warm", "restarted"])
async def test_a_project_with_renv_works_in_the_first_notebook_and_after_a_restart(
    started: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (tmp_path / "renv").mkdir()
    (tmp_path / "renv" / "activate.R").write_text(RENV)
    (tmp_path / ".Rprofile").write_text('source("renv/activate.R")\n')
    session = await session_in(started, tmp_path, tmp_path_factory)
    assert await session.run("cat(.libPaths(), requireNamespace('IRkernel'))") == [f"{tmp_path}/renv/library TRUE"]
    await session.end()
