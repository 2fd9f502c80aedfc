"""DBItest, R's own conformance suite for databases, on `rc2_connect()` with a grant to write."""

import json
from pathlib import Path

from rc2hub.messages import ServerId
from rc2hub.services.postgres import PostgresService
from tests.fixtures.r import attach, run_r

TESTS = Path(__file__).parent
REPORT = TESTS.parent / "build" / "dbitest.json"
TIMEOUT = 1200
"""Seconds; a quiet machine needs one minute."""


async def test_postgresql_passes_98_percent_of_dbitest(postgres_service: PostgresService, tmp_path: Path):
    attachment = await postgres_service.attach(ServerId("alice"), "write")
    environment = attach(tmp_path / "attachments", attachment)
    output = await run_r(TESTS / "dbitest.R", attachment.service, environment=environment, timeout=TIMEOUT)
    counts = json.loads(output.splitlines()[-1])
    found = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({**found, "postgres": counts}, indent=1) + "\n")
    assert counts["tests"] >= 390
    assert counts["passed"] >= 0.98 * counts["tests"]


async def test_random_data_frames_come_back_from_postgresql_as_they_were(postgres_service: PostgresService, tmp_path: Path):
    attachment = await postgres_service.attach(ServerId("alice"), "write")
    environment = attach(tmp_path / "attachments", attachment)
    script = TESTS / "round_trips_postgres.R"
    output = await run_r(script, attachment.service, environment={**environment, "TZ": "America/New_York"}, timeout=TIMEOUT)
    assert output.splitlines()[-1] == "500 of 500"
