"""R keeps to the cores and the memory of its profile, and to the operator's options, in the first and in every further notebook."""

import os
import subprocess
from collections.abc import AsyncIterator

import pytest

from rc2hub.compute.kernel import SITE_PROFILE
from tests.fixtures.hub import Client, Kernel, Rc2, RError

CORES = """
library(parallel)
cat(detectCores(), parallel::detectCores(logical = FALSE), getOption("mc.cores"), system("nproc", intern = TRUE),
  Sys.getenv(c("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "R_PARALLELLY_AVAILABLECORES_FALLBACK")))
"""


@pytest.fixture(scope="module")
async def notebooks(rc2: Rc2) -> AsyncIterator[list[Kernel]]:
    """The first two notebooks of a user; the kernel of the first one was started before its user was known."""
    async with rc2.client() as client:
        await client.create("limits")
        await client.start("limits")
        async with client.kernel("limits") as first, client.kernel("limits") as second:
            yield [first, second]
        await client.stop("limits")


async def test_r_and_its_libraries_see_the_cores_of_the_profile(notebooks: list[Kernel]):
    for r in notebooks:
        assert await r.run(CORES) == "1 1 1 1 1 1 1"


async def test_an_r_that_needs_more_memory_than_its_profile_has_reports_it_and_all_notebooks_go_on(
    notebooks: list[Kernel], client: Client
):
    for r in notebooks:
        await r.run("kept <- 42")
    for r in notebooks:
        with pytest.raises(RError, match="cannot allocate vector of size 2.2 Gb"):
            await r.run("too_large <- numeric(3e8)")
        with pytest.raises(RError, match="cannot allocate"):
            await r.run("parts <- list(); repeat parts[[length(parts) + 1]] <- numeric(2e7)")
        await r.run("rm(parts)")
    for r in notebooks:
        assert await r.run("cat(kept, sum(numeric(1e6)))") == "42 0"
    assert (await client.call("GET", "/user/limits/api/kernels"))[0] == 200


async def test_the_operator_names_the_repositories_of_install_packages(notebooks: list[Kernel]):
    for r in notebooks:
        assert await r.run('cat(getOption("repos"), getOption("HTTPUserAgent"))') == "https://cran.example.org R/test"
        assert await r.run("""cat(system('Rscript -e "cat(getOption(\\'repos\\'))"', intern = TRUE))""") == (
            "https://cran.example.org"
        )


def test_r_has_its_own_site_profile_too_and_no_object_of_ours():
    code = 'cat(names(getOption("repos")), length(ls(globalenv(), all.names = TRUE)), exists("site"), exists("parallel"))'
    environment = {**os.environ, "R_PROFILE": str(SITE_PROFILE), "RC2_R_PROFILE": ""}
    done = subprocess.run(["Rscript", "-e", code], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("CRAN 0 FALSE FALSE", "")
