"""A kernel that was warm before the person came is, afterwards, as one that she started cold: fact by fact, R by R."""

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager

from rc2hub.compute.kernel import WarmKernel

FACTS = {
    # first what looking at the others would change
    "last value": "exists('.Last.value')",
    "random seed": "exists('.Random.seed', globalenv())",
    "graphics devices": "dev.list()",
    "loaded packages": "sort(loadedNamespaces())",
    "search path": "search()",
    "objects in the workspace": "ls(globalenv(), all.names = TRUE)",
    "objects of R itself": "lapply(c('Autoloads', 'package:base', 'jupyter:irkernel'), ls, all.names = TRUE)",
    "masked names": "lapply(conflicts(detail = TRUE), sort)",
    "whose filter it is": "environmentName(environment(filter))",
    "options": "sort(names(options()))",
    # connections have addresses; evaluate sets this one for each cell
    "option values": "lapply(options()[setdiff(names(options()), 'try.outFile')], deparse)",
    "environment": "Sys.getenv()[setdiff(names(Sys.getenv()), c('R_SESSION_TMPDIR', 'JPY_PARENT_PID'))]",
    "working directory": "c(getwd(), normalizePath('.'))",
    "home": "path.expand('~')",
    "library paths": ".libPaths()",
    "libraries of the site": ".Library.site",
    "temporary folder": "c(dir.exists(tempdir()), unname(file.access(tempdir(), 7)), dirname(tempdir()))",
    "temporary files": "sub('[0-9a-f]+$', '', list.files(tempdir(), all.files = TRUE, no.. = TRUE))",
    "locale": "sapply(c('LC_ALL', 'LC_MESSAGES', 'LC_PAPER', 'LC_MEASUREMENT'), Sys.getlocale)",
    "encoding": "c(l10n_info(), list(enc2native('\\u00e9'), nchar('\\u00e9', 'bytes'), sort(c('b', 'A', 'a', 'B'))))",
    "time zone": "c(Sys.timezone(), format(as.POSIXct(0, origin = '1970-01-01'), '%H:%M %Z'), format(ISOdate(2026, 7, 1)))",
    "random numbers": "RNGkind()",
    "file mode mask": "Sys.umask()",
    "arguments": "sub('.*/', '', head(commandArgs(), -1))",
    "is it interactive": "interactive()",
    "warnings": "c(exists('last.warning', baseenv()), length(warnings()))",
    "last error": "c(geterrmessage(), exists('.Traceback', baseenv()))",
    "connections": "showConnections(all = TRUE)[, 'class']",
    "sinks": "c(sink.number('output'), sink.number('message'))",
    "libraries of C": "sort(names(getLoadedDLLs()))",
    "hooks": "ls(.userHooksEnv, all.names = TRUE)",
    "methods": "sort(ls(get('.__S3MethodsTable__.', baseenv())))",
    "task callbacks": "getTaskCallbackNames()",
    "what the profile made": "mget(c('from_profile', 'from_image', 'from_first'), globalenv(), ifnotfound = NA)",
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
    """Nothing at home, and a folder whose name is not ASCII."""
    (home / "Übung 1").mkdir()
    return home / "Übung 1"


def own_library(home: Path) -> Path:
    """A library where R looks for one by itself, and nothing else."""
    said = subprocess.run(
        ["Rscript", "-e", 'cat(Sys.getenv("R_LIBS_USER"))'], env=person(home), capture_output=True, text=True, check=True
    )
    library = Path(said.stdout)
    assert library.is_relative_to(home)
    library.mkdir(parents=True)
    return home


def start_up_files_at_home(home: Path) -> Path:
    """Both files at home, the notebook in a folder without."""
    (home / ".Renviron").write_text(RENVIRON)
    (home / ".Rprofile").write_text(PROFILE)
    for version in ("4.2", "4.4", "4.5"):
        (home / "library" / version).mkdir(parents=True)
    (home / "work").mkdir()
    return home / "work"


def project(home: Path) -> Path:
    """A folder with files of its own, so that those at home do not count; and a saved workspace."""
    start_up_files_at_home(home)
    folder = home / "work"
    (folder / ".Renviron").write_text("R_LIBS=~/project-library\nR_PROFILE_USER=~/work/profile.R\n")
    (folder / "profile.R").write_text("library(splines)\nfrom_profile <- 'project'\n")
    (folder / ".Rprofile").write_text("stop('R_PROFILE_USER names another')\n")
    (folder / ".RData").write_text("RDA3\nA\n3\n262658\n197888\n5\nUTF-8\n1026\n1\n262153\n10\nfrom_image\n14\n1\n7\n254\n")
    (home / "project-library").mkdir()
    return folder


HOMES = [fresh_home, own_library, start_up_files_at_home, project]


def person(home: Path) -> dict[str, str]:
    """The environment of somebody, as a hub gives it."""
    return {
        "PATH": os.environ["PATH"],
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
    """One R kernel, and what it says."""

    def __init__(self, manager: AsyncKernelManager) -> None:
        self.manager = manager

    async def connect(self) -> "Session":
        """As the first notebook does."""
        self.client = self.manager.client()
        self.client.start_channels(hb=False)
        await self.client.wait_for_ready(timeout=60)
        return self

    async def says(self, code: str) -> list[str]:
        said: list[str] = []

        def hear(message: Any) -> None:
            assert message["msg_type"] != "error", message["content"]["evalue"]
            said.append(message["content"].get("text", ""))

        await self.client._async_execute_interactive(code, store_history=False, output_hook=hear, timeout=30)
        return "".join(said).splitlines()

    async def facts(self) -> dict[str, list[str]]:
        await self.says("invisible(gc())")  # lets IRkernel detach its prototype's functions, which it does in a finalizer
        told = {fact: await self.says(f"local(dput({code}, control = 'niceNames'))") for fact, code in FACTS.items()}
        reply = await self.client._async_execute_interactive("NULL", output_hook=lambda _message: None, timeout=30)
        return told | {"first prompt": [str(reply["content"]["execution_count"])]}

    async def end(self) -> None:
        self.client.stop_channels()
        await self.manager.shutdown_kernel(now=True)


async def warm_session(home: Path, cwd: Path, nobody: Path) -> Session:
    """A kernel that was nobody's, in another locale and time zone, and became hers."""
    kernel, before = WarmKernel(), dict(os.environ)
    neutral = {"PATH": os.environ["PATH"], "HOME": str(nobody), "LANG": "C", "TZ": "UTC", "NOT_HERS": "gone"}
    os.environ.clear()
    os.environ.update(neutral)
    try:
        await kernel.launch()
        await kernel.warm_up()
    finally:
        os.environ.clear()
        os.environ.update(before)
    await kernel.become({"NOT_HERS": None, **person(home)})
    await kernel.enter(str(cwd), {"JPY_SESSION_NAME": "work.ipynb"})
    return await Session(kernel.manager).connect()


async def cold_session(home: Path, cwd: Path) -> Session:
    """A kernel that she starts herself."""
    manager = AsyncKernelManager(kernel_name="ir")
    await manager.start_kernel(env=person(home) | {"JPY_SESSION_NAME": "work.ipynb"}, cwd=str(cwd))
    return await Session(manager).connect()


@pytest.fixture(scope="module", params=HOMES, ids=lambda home: home.__name__)
async def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[dict[str, list[str]], dict[str, list[str]]]]:
    """What a warm and a cold R tell, in the same home."""
    home = tmp_path_factory.mktemp("anna")
    cwd = request.param(home)
    warm = await warm_session(home, cwd, tmp_path_factory.mktemp("nobody"))
    cold = await cold_session(home, cwd)
    yield await warm.facts(), await cold.facts()
    await warm.end()
    await cold.end()


@pytest.mark.parametrize("fact", [*FACTS, "first prompt"])
async def test_a_warm_kernel_is_as_a_cold_one(both: tuple[dict[str, list[str]], dict[str, list[str]]], fact: str) -> None:
    warm, cold = both
    assert warm[fact] == cold[fact]


async def test_a_start_up_file_that_fails_is_told_to_the_log_and_leaves_r_alive(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".Rprofile").write_text("before <- 1\nwarning('mind the step')\nstop('not today')\n")
    (tmp_path / ".RData").write_text("this is no workspace")
    session = await warm_session(tmp_path, tmp_path, tmp_path_factory.mktemp("nobody"))
    assert await session.says("cat(before, search()[[3]])") == ["1 jupyter:irkernel"]
    await session.end()
    said = capfd.readouterr().err
    assert "Warning message:\nmind the step\n" in said
    assert "Error in a start-up file of R: not today\n" in said
