"""The same answer three times: dplyr pipelines on data frames, on PostgreSQL and on Spark. The pipelines are in tests/r."""

import re
from pathlib import Path

from rc2hub.messages import ServerId
from rc2hub.services.postgres import PostgresService
from tests.fixtures.hub import ROOT, Client, Rc2
from tests.fixtures.r import attach, run_r

R_TESTS = Path(__file__).parent / "r"
ZONE = "Europe/Berlin"
"""A zone with daylight saving time."""


def check(output: str) -> None:
    """Check that nothing but the last line was printed, with enough pipelines."""
    last = re.fullmatch(r"(\d+) pipelines, \d+ documented differences\s*", output)
    assert last, output
    assert int(last[1]) >= 150


async def test_pipelines_have_the_answers_of_data_frames_on_postgresql_for_a_reader(
    postgres_service: PostgresService, tmp_path: Path
):
    attachment = await postgres_service.attach(ServerId("alice"), "read")
    environment = {**attach(tmp_path / "attachments", attachment), "TZ": ZONE}
    output = await run_r(R_TESTS / "run_pipelines.R", attachment.service, environment=environment, timeout=600)
    check(output)


async def test_pipelines_have_the_answers_of_data_frames_on_spark(rc2: Rc2, client: Client, username: str):
    rc2.groups(alice=["analysts"], bob=[], sparkling=["analysts"], **{username: ["analysts"]})
    await client.create(username)
    assert (await client.start(username, services=["spark"]))[0] == 201
    async with client.kernel(username) as r:
        await r.run("suppressMessages({ library(rc2); library(dplyr); library(stringr); library(lubridate) })")
        await r.run(f"Sys.setenv(TZ = '{ZONE}'); options(jupyter.in_kernel = FALSE); con <- rc2_spark()")
        for file in ("pipelines.R", "compare.R"):
            await r.run(f"source('{R_TESTS / file}', encoding = 'UTF-8')")
        output = await r.run("check_pipelines(con, 'spark')")
    await client.stop(username)
    check(output)


def test_every_difference_of_the_pipelines_has_its_row_in_the_documents():
    listed = (R_TESTS / "pipelines.R").read_text().split("differences <- list(")[1]
    kinds = {kind for _, kind in re.findall(r'"([^"]+)" = "([^"]+)"', listed)}
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/dplyr.md").read_text(), re.MULTILINE)
    assert kinds <= {row.strip().replace("`", "") for row in rows}
