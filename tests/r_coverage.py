"""Counts the lines of the R package that its tests run: `.venv/bin/pytest -n0 -s tests/r_coverage.py`, two hours.

It is not one of the tests of `make test`, which run the same scripts without counting. It needs the Debian package r-cran-covr.
"""

from pathlib import Path

import pytest

from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.postgres import PostgresService
from rc2hub.services.secret import SecretService
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hdfs_gateway import Gateway as HdfsGateway
from tests.fixtures.hub import ROOT
from tests.fixtures.r import attach, run_r
from tests.fixtures.s3 import Gateway as S3Gateway
from tests.test_r_hdfs import fill_many, limit_small
from tests.test_r_help import PACKAGE, flights

__all__ = ["flights"]
TIMEOUT = 7200
"""Seconds; the scripts run one after another, with instrumented code."""


@pytest.mark.timeout(TIMEOUT)
async def test_r_tests_run_85_percent_of_the_lines(
    *,
    flights: PostgresService,
    secret_service: SecretService,
    connect_server: Attachment,
    hdfs: Hdfs,
    gateway: HdfsGateway,
    files: Attachment,
    s3_gateway: S3Gateway,
    s3_files: Attachment,
    tmp_path: Path,
):
    attachment = await flights.attach(ServerId("alice"), "write")
    await limit_small(hdfs)
    await fill_many(hdfs)
    secret = await secret_service.attach(ServerId("alice"), secret_service.levels[0])
    environment = attach(tmp_path / "attachments", attachment, secret, connect_server, files, s3_files)
    (token,) = {gateway.grant("alice", "write"), s3_gateway.grant("alice", "write", "staff")}
    environment |= {"TZ": "Europe/Berlin", "JUPYTERHUB_API_TOKEN": token}
    script, services = ROOT / "tests/r/coverage.R", (attachment.service, files.service, s3_files.service)
    output = await run_r(script, str(PACKAGE), *services, environment=environment, timeout=TIMEOUT)
    print(output)
    assert "FAILED" not in output
    assert float(output.splitlines()[-1].partition(" ")[0]) >= 85
