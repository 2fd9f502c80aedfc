"""R and other clients on an S3 store as users use them; the tests in R are in tests/r."""

import asyncio
from pathlib import Path

from rc2hub.services.base import Attachment
from tests.fixtures.hub import ROOT
from tests.fixtures.r import attach, run_r
from tests.fixtures.s3 import Gateway
from tests.test_docs import blocks

R_TESTS = Path(__file__).parent / "r"


async def test_what_users_do_on_s3(s3_gateway: Gateway, s3_files: Attachment, tmp_path: Path):
    environment = attach(tmp_path / "attachments", s3_files)
    environment["JUPYTERHUB_API_TOKEN"] = s3_gateway.grant("alice", "write", "staff")
    script = str(R_TESTS / "test-s3.R")
    await run_r(R_TESTS / "run.R", script, s3_files.service, environment=environment, timeout=600)


async def test_the_python_of_the_page_reads_and_writes(s3_gateway: Gateway, s3_files: Attachment, tmp_path: Path):
    (code,) = blocks(ROOT / "docs/s3.md", "py")
    environment = attach(tmp_path / "attachments", s3_files)
    environment["JUPYTERHUB_API_TOKEN"] = s3_gateway.grant("alice", "write", "staff")
    command = [environment["RC2_DATA_PYTHON"], "-c", code]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert (process.returncode, output) == (0, b"{'mpg': [21]}\n")


async def test_the_commands_of_the_page_work_in_a_terminal(s3_gateway: Gateway, s3_files: Attachment, tmp_path: Path):
    (commands,) = (block for block in blocks(ROOT / "docs/s3.md", "sh") if "curl" in block)
    (tmp_path / "mtcars.csv").write_text("mpg\n21\n")
    environment = attach(tmp_path / "attachments", s3_files) | {"gateway": s3_files.settings["gateway"]}
    environment["JUPYTERHUB_API_TOKEN"] = s3_gateway.grant("alice", "write", "staff")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", commands), cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert (process.returncode, output) == (0, b"mpg\n21\n")
