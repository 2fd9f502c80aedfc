"""What the panels of JupyterLab cost R for each cell, compared with IRkernel alone: closed, and open with 1 000 variables.

    python -m tests.bench.panels

The cells of the kernels alternate; each cell changes one variable. Besides the time until R is idle again, the processor time of
R is measured, which other work of the machine does not change.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from jupyter_client.manager import AsyncKernelManager
from psutil import Process

from rc2hub.compute.kernel import SITE_PROFILE
from tests.bench.report import entry, write
from tests.fixtures.hub import HANG_TIMEOUT
from tests.fixtures.kernel import R

ROUNDS, CELLS = 20, 10
"""The system counts processor time in hundredths of a second, so it is read once in ten cells."""
WORKSPACE = "for (i in 1:1000) assign(paste0('v', i), rnorm(10)); flights <- as.data.frame(matrix(runif(5e6), ncol = 5))"
PANELS = ("rc2.variables", "rc2.plots", "rc2.help")
CELL = "v1 <- {}"


class Measured(NamedTuple):
    """Seconds of one cell, as the mean of a round."""

    wall: float
    processor: float


@asynccontextmanager
async def r_kernel(profile: str) -> AsyncIterator[tuple[R, Process]]:
    """An R kernel with this site's profile and a workspace of 1 001 variables, and its process."""
    manager = AsyncKernelManager(kernel_name="ir")
    await manager.start_kernel(env={**os.environ, "R_PROFILE": profile})
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=HANG_TIMEOUT)
    kernel = R(client)
    await kernel.run(WORKSPACE)
    yield kernel, Process(int(await kernel_pid(kernel)))
    client.stop_channels()
    await manager.shutdown_kernel(now=True)


async def kernel_pid(kernel: R) -> str:
    """The number of R's process."""
    await kernel.run("cat(Sys.getpid())")
    return kernel.output


async def one_round(kernel: R, process: Process) -> Measured:
    """Ten cells, each of which changes one variable."""
    before, began = process.cpu_times(), time.perf_counter()
    for number in range(CELLS):
        await kernel.run(CELL.format(number))
    wall, after = time.perf_counter() - began, process.cpu_times()
    return Measured(wall / CELLS, (after.user - before.user + after.system - before.system) / CELLS)


async def measure() -> None:
    """Measure alternately and write the report."""
    async with AsyncExitStack() as stack:
        kernels = [
            await stack.enter_async_context(r_kernel(profile)) for profile in ("", str(SITE_PROFILE), str(SITE_PROFILE))
        ]
        for target in PANELS:
            await kernels[-1][0].open(target, target)
        rounds = [[await one_round(*kernel) for kernel in kernels] for _ in range(ROUNDS)]
    alone, closed, shown = zip(*rounds, strict=True)
    write(
        [
            entry(
                f"panels: a cell, {state}, {point}",
                [getattr(m, point) for m in ours],
                peer,
                [getattr(m, point) for m in theirs],
            )
            for state, ours, peer, theirs in (
                ("all closed", closed, "IRkernel", alone),
                ("open with 1 000 variables", shown, "all closed", closed),
            )
            for point in Measured._fields
        ]
    )


if __name__ == "__main__":
    asyncio.run(measure())
