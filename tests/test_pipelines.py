"""The same answer three times: dplyr pipelines on data frames, on PostgreSQL and on Spark. The pipelines are in tests/r."""

import re
from pathlib import Path

import pytest

from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.postgres import PostgresService
from tests.fixtures.hub import ROOT
from tests.fixtures.r import attach, run_r

R_TESTS = Path(__file__).parent / "r"
ZONE = "Europe/Berlin"
"""A zone with daylight saving time."""
TIMEOUT = 1200
"""Seconds; a quiet machine needs one minute for PostgreSQL and two for Spark."""


async def test_pipelines_have_the_answers_of_data_frames_on_postgresql_for_a_reader(
    postgres_service: PostgresService, tmp_path: Path
):
    await run_pipelines(await postgres_service.attach(ServerId("alice"), "read"), tmp_path)


@pytest.mark.timeout(TIMEOUT)
async def test_pipelines_have_the_answers_of_data_frames_on_spark(connect_server: Attachment, tmp_path: Path):
    await run_pipelines(connect_server, tmp_path)


async def run_pipelines(attachment: Attachment, folder: Path) -> None:
    """Run all pipelines, and check that nothing but the last line was printed, with enough of them."""
    environment = {**attach(folder / "attachments", attachment), "TZ": ZONE}
    script = R_TESTS / "run_pipelines.R"
    output = await run_r(script, attachment.service, attachment.kind, environment=environment, timeout=TIMEOUT)
    last = re.fullmatch(r"(\d+) pipelines, \d+ documented differences\s*", output)
    assert last, output
    assert int(last[1]) >= 150


async def test_what_a_reader_does_with_dplyr_on_postgresql(postgres_service: PostgresService, tmp_path: Path):
    attachment = await postgres_service.attach(ServerId("alice"), "read")
    environment = attach(tmp_path / "attachments", attachment)
    await run_r(R_TESTS / "run.R", str(R_TESTS / "test-dplyr.R"), attachment.service, environment=environment, timeout=600)


def test_every_difference_of_the_pipelines_has_its_row_in_the_documents():
    listed = (R_TESTS / "pipelines.R").read_text().split("# Pipelines whose answer differs")[1]
    kinds = {kind for _, kind in re.findall(r'"([^"]+)" = "([^"]+)"', listed)}
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/dplyr.md").read_text(), re.MULTILINE)
    assert kinds <= {row.strip().replace("`", "") for row in rows}
