"""R and other clients on HDFS as users use them; the tests in R are in tests/r."""

import asyncio
import os
from pathlib import Path

from rc2hub.services.base import Attachment
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hdfs_gateway import Gateway
from tests.fixtures.hub import ROOT
from tests.fixtures.r import attach, run_r
from tests.test_docs import blocks

R_TESTS = Path(__file__).parent / "r"


async def limit_small(hdfs: Hdfs) -> None:
    """A folder of alice with a quota of ten names and 1000 bytes."""
    await hdfs.call("PUT", "/user/alice/small", "MKDIRS")
    await hdfs.call("PUT", "/user/alice/small", "SETOWNER", owner="alice")
    await hdfs.call("PUT", "/user/alice/small", "SETQUOTA", namespacequota="10", storagespacequota="1000")


async def fill_many(hdfs: Hdfs) -> None:
    """A folder with more names than the NameNode lists at a time, which are a thousand."""
    for first in range(0, 1100, 100):
        names = (f"/user/alice/many/{number:04}" for number in range(first, first + 100))
        await asyncio.gather(*(hdfs.call("PUT", name, "MKDIRS") for name in names))


async def test_what_users_do_on_hdfs(hdfs: Hdfs, gateway: Gateway, files: Attachment, tmp_path: Path):
    await limit_small(hdfs)
    await fill_many(hdfs)
    environment = attach(tmp_path / "attachments", files)
    environment["JUPYTERHUB_API_TOKEN"] = gateway.grant("alice", "write")
    script = str(R_TESTS / "test-hdfs.R")
    await run_r(R_TESTS / "run.R", script, files.service, environment=environment, timeout=600)


async def test_the_python_of_the_page_reads_and_writes(gateway: Gateway, files: Attachment, tmp_path: Path):
    (code,) = blocks(ROOT / "docs/hdfs.md", "py")
    environment = attach(tmp_path / "attachments", files) | {"JUPYTERHUB_API_TOKEN": gateway.grant("alice", "write")}
    command = [environment["RC2_DATA_PYTHON"], "-c", code]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert (process.returncode, output) == (0, b"mpg\n21\n\n21\n")


async def test_the_commands_of_the_page_work_in_a_terminal(gateway: Gateway, files: Attachment, tmp_path: Path):
    (commands,) = (block for block in blocks(ROOT / "docs/hdfs.md", "sh") if "curl" in block)
    (tmp_path / "mtcars.csv").write_text("mpg\n21\n")
    environment = {
        "PATH": os.environ["PATH"],
        "JUPYTERHUB_API_TOKEN": gateway.grant("alice", "write"),
        "JUPYTERHUB_USER": "alice",
        "gateway": files.settings["gateway"],
    }
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", commands), cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert (process.returncode, output) == (0, b"mpg\n21\n")
