"""A kernel that was warm before the person came is, afterwards, as one that she started cold: fact by fact."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from jupyter_client.manager import AsyncKernelManager

from rc2hub.compute.kernel import WarmKernel

FACTS = {
    "search path": "search()",
    "objects in the workspace": "setdiff(ls(globalenv(), all.names = TRUE), '.pbd_env')",
    "options": "names(options())",
    "option values": "local({ o <- options(); o <- o[vapply(o, is.atomic, NA)]; o[setdiff(sort(names(o)), 'try.outFile')] })",
    "random seed": "exists('.Random.seed')",
    "working directory": "getwd()",
    "home": "path.expand('~')",
    "library paths": ".libPaths()",
    "library variables": "Sys.getenv(c('R_LIBS', 'R_LIBS_USER', 'R_LIBS_SITE'))",
    "temporary folder": "c(dir.exists(tempdir()), unname(file.access(tempdir(), 2)))",
    "locale": "Sys.getlocale()",
    "time zone": "c(Sys.getenv('TZ'), format(as.POSIXct(0, origin = '1970-01-01'), '%H:%M %Z'))",
    "loaded packages": "sort(loadedNamespaces())",
    "masked names": "conflicts(detail = FALSE)",
    "file mode mask": "format(Sys.umask())",
    "graphics devices": "length(dev.list())",
    "user's variables": "Sys.getenv(c('USER', 'LOGNAME', 'SHELL', 'HOME', 'GREETING'))",
    "names of the environment": "setdiff(names(Sys.getenv()), c('JPY_PARENT_PID', 'R_SESSION_TMPDIR'))",
    "from .Renviron": "Sys.getenv('FROM_RENVIRON')",
    "from .Rprofile": "c(getOption('from.rprofile'), from_rprofile)",
    "from .First": "from_first",
    "warnings": "length(warnings())",
    "connections": "nrow(showConnections())",
    "S4 and hooks": "c(length(getHook('plot.new')), isTRUE(interactive()))",
    "user library can be installed into": "basename(Sys.getenv('R_LIBS_USER'))",
}


def person(home: Path) -> dict[str, str]:
    """The environment of somebody, as a hub gives it."""
    keep = {name: os.environ[name] for name in ("PATH", "R_LIBS") if name in os.environ}
    return keep | {
        "HOME": str(home),
        "USER": "anna",
        "LOGNAME": "anna",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TZ": "Asia/Tokyo",
        "GREETING": "Grüß dich \\ \"Anna\" 'there' %U\t.",
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("anna")
    (home / ".Renviron").write_text("FROM_RENVIRON=yes\n")
    (home / ".Rprofile").write_text(
        "options(from.rprofile = TRUE)\nfrom_rprofile <- getwd()\n.First <- function() assign('from_first', 1, globalenv())\n"
    )
    (home / "R" / "x86_64-pc-linux-gnu-library" / "4.2").mkdir(parents=True)
    (home / "work").mkdir()
    return home


@pytest.fixture(scope="module")
async def warm(home: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WarmKernel]:
    kernel = WarmKernel()
    neutral = str(tmp_path_factory.mktemp("nobody"))
    before = dict(os.environ)
    os.environ.update(HOME=neutral, LANG="C.UTF-8")
    os.environ.pop("TZ", None)
    try:
        await kernel.launch()
        await kernel.warm_up()
    finally:
        os.environ.clear()
        os.environ.update(before)
    shells = {"PWD", "SHLVL"}  # R's own start script sets these
    gone = {name: None for name in before if name not in person(home) and name not in shells}
    await kernel.become({**gone, **person(home)})
    await kernel.enter(str(home / "work"), {})
    await reconnect(kernel)
    yield kernel
    await end(kernel)


@pytest.fixture(scope="module")
async def cold(home: Path) -> AsyncIterator[WarmKernel]:
    kernel = WarmKernel.__new__(WarmKernel)
    kernel.manager = AsyncKernelManager(kernel_name="ir")
    await kernel.manager.start_kernel(env=person(home), cwd=str(home / "work"))
    kernel.client = kernel.manager.client()
    kernel.client.start_channels(hb=False)
    await kernel.client.wait_for_ready(timeout=60)
    yield kernel
    await end(kernel)


async def end(kernel: WarmKernel) -> None:
    kernel.client.stop_channels()
    await kernel.manager.shutdown_kernel(now=True)
    kernel.manager.context.destroy(linger=0)


async def reconnect(kernel: WarmKernel) -> None:
    """As the first notebook does after the hand-over."""
    kernel.client = kernel.manager.client()
    kernel.client.start_channels(hb=False)
    await kernel.client.wait_for_ready(timeout=30)


async def told(kernel: WarmKernel, code: str) -> str:
    said: list[str] = []

    def hook(message):
        assert message["msg_type"] != "error", message["content"]["evalue"]
        said.append(message["content"].get("text", ""))

    await kernel.client._async_execute_interactive(f"dput({code})", store_history=False, output_hook=hook, timeout=30)
    return "".join(said)


@pytest.mark.parametrize("fact", FACTS)
async def test_a_warm_kernel_is_as_a_cold_one(warm: WarmKernel, cold: WarmKernel, fact: str):
    assert await told(warm, FACTS[fact]) == await told(cold, FACTS[fact])


async def test_a_start_up_file_that_fails_leaves_r_alive(tmp_path: Path):
    (tmp_path / ".Rprofile").write_text("stop('not today')\n")
    kernel = WarmKernel()
    await kernel.launch()
    await kernel.warm_up()
    await kernel.become({"HOME": str(tmp_path)})
    await kernel.enter(str(tmp_path), {})
    await reconnect(kernel)
    assert await told(kernel, "6 * 7") == "42\n"
    await end(kernel)
