"""R on Spark as users use it; the tests are in tests/r."""

from pathlib import Path

import pytest

from rc2hub.services.base import Attachment
from tests.fixtures.r import attach, run_r

R_TESTS = Path(__file__).parent / "r"


@pytest.mark.parametrize("name", ["spark", "spark-apply"])
async def test_what_users_do_on_spark(connect_server: Attachment, tmp_path: Path, name: str):
    environment = attach(tmp_path / "attachments", connect_server)
    script = str(R_TESTS / f"test-{name}.R")
    await run_r(R_TESTS / "run.R", script, connect_server.service, environment=environment, timeout=600)
