"""Counts the lines of the R package that its tests run: `.venv/bin/pytest -n0 -s tests/r_coverage.py`, some minutes.

It is not one of the tests of `make test`, which run the same scripts without counting. It needs the Debian package r-cran-covr.
"""

from pathlib import Path

import pytest

from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.postgres import PostgresService
from tests.fixtures.hub import ROOT
from tests.fixtures.r import attach, run_r
from tests.test_r_help import PACKAGE, flights

__all__ = ["flights"]
TIMEOUT = 3600
"""Seconds; the scripts run one after another, with instrumented code."""


@pytest.mark.timeout(TIMEOUT)
async def test_r_tests_run_85_percent_of_the_lines(flights: PostgresService, connect_server: Attachment, tmp_path: Path):
    attachment = await flights.attach(ServerId("alice"), "write")
    environment = {**attach(tmp_path / "attachments", attachment, connect_server), "TZ": "Europe/Berlin"}
    script = ROOT / "tests/r/coverage.R"
    output = await run_r(script, str(PACKAGE), attachment.service, environment=environment, timeout=TIMEOUT)
    print(output)
    assert "FAILED" not in output
    assert float(output.splitlines()[-1].partition(" ")[0]) >= 85
