"""R on HDFS as users use it; the tests are in tests/r."""

from pathlib import Path

from rc2hub.services.base import Attachment
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hdfs_gateway import Gateway
from tests.fixtures.r import attach, run_r

R_TESTS = Path(__file__).parent / "r"


async def test_what_users_do_on_hdfs(hdfs: Hdfs, gateway: Gateway, files: Attachment, tmp_path: Path):
    await hdfs.call("PUT", "/user/alice/small", "MKDIRS")
    await hdfs.call("PUT", "/user/alice/small", "SETOWNER", owner="alice")
    await hdfs.call("PUT", "/user/alice/small", "SETQUOTA", namespacequota="10", storagespacequota="1000")
    environment = attach(tmp_path / "attachments", files)
    environment["JUPYTERHUB_API_TOKEN"] = gateway.grant("alice", "write")
    script = str(R_TESTS / "test-hdfs.R")
    await run_r(R_TESTS / "run.R", script, files.service, environment=environment, timeout=600)
