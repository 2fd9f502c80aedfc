"""DBItest, R's own conformance suite for databases, and random data frames, on PostgreSQL and on Spark."""

import json
from pathlib import Path

import pytest

from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.postgres import PostgresService
from tests.fixtures.r import attach, run_r

TESTS = Path(__file__).parent
REPORT = TESTS.parent / "build" / "dbitest.json"
TIMEOUT = 1200
"""Seconds; a quiet machine needs one minute for PostgreSQL and two for Spark."""
FEW = 0, 1, 2, 17
MANY = 20_000, 20_001, 210_000
"""Rows of data frames that are sent in parts."""


async def test_postgresql_passes_98_percent_of_dbitest(postgres_service: PostgresService, tmp_path: Path):
    counts = await dbitest(await postgres_service.attach(ServerId("alice"), "write"), tmp_path)
    assert counts["tests"] >= 390
    assert counts["passed"] >= 0.98 * counts["tests"]


@pytest.mark.timeout(TIMEOUT)
async def test_spark_passes_85_percent_of_dbitest(connect_server: Attachment, tmp_path: Path):
    counts = await dbitest(connect_server, tmp_path)
    assert counts["tests"] >= 390
    assert counts["passed"] >= 0.85 * counts["tests"]


async def test_random_data_frames_come_back_from_postgresql_as_they_were(postgres_service: PostgresService, tmp_path: Path):
    attachment = await postgres_service.attach(ServerId("alice"), "write")
    assert await round_trips(attachment, tmp_path, 500, *FEW) == "500 of 500"


async def test_random_data_frames_come_back_from_spark_as_they_were(connect_server: Attachment, tmp_path: Path):
    assert await round_trips(connect_server, tmp_path, 500, *FEW) == "500 of 500"


async def test_long_data_frames_come_back_whole_from_postgresql(postgres_service: PostgresService, tmp_path: Path):
    attachment = await postgres_service.attach(ServerId("alice"), "write")
    assert await round_trips(attachment, tmp_path, 6, *MANY) == "6 of 6"


async def test_long_data_frames_come_back_whole_from_spark(connect_server: Attachment, tmp_path: Path):
    assert await round_trips(connect_server, tmp_path, 6, *MANY) == "6 of 6"


async def dbitest(attachment: Attachment, folder: Path) -> dict[str, int]:
    """The numbers of tests and of passed tests, which are also written to the report."""
    environment = attach(folder / "attachments", attachment)
    output = await run_r(TESTS / "dbitest.R", attachment.service, attachment.kind, environment=environment, timeout=TIMEOUT)
    counts: dict[str, int] = json.loads(output.splitlines()[-1])
    found = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({**found, attachment.kind: counts}, indent=1) + "\n")
    return counts


async def round_trips(attachment: Attachment, folder: Path, count: int, *rows: int) -> str:
    """The last line of the script that writes so many random data frames, each of one of these sizes, and reads them back."""
    environment = {**attach(folder / "attachments", attachment), "TZ": "America/New_York"}
    script = TESTS / "round_trips.R"
    arguments = [attachment.service, attachment.kind, str(count), *map(str, rows)]
    output = await run_r(script, *arguments, environment=environment, timeout=TIMEOUT)
    return output.splitlines()[-1].strip()
