"""R on PostgreSQL as users use it, under a login role of the service; the tests are in tests/r."""

import asyncio
import os
import re
import signal
import time
from pathlib import Path

from rc2hub.local import database
from rc2hub.messages import ServerId
from rc2hub.services.postgres import PostgresService
from tests.fixtures.postgres import Postgres
from tests.fixtures.r import attach, run_r

R_TESTS = Path(__file__).parent / "r"
ALICE = ServerId("alice")


async def test_what_users_do_on_postgresql(postgres_service: PostgresService, tmp_path: Path):
    attachment = await postgres_service.attach(ALICE, "write")
    environment = {**attach(tmp_path / "attachments", attachment), "TZ": "Europe/Berlin"}
    script = str(R_TESTS / "test-postgres.R")
    await run_r(R_TESTS / "run.R", script, attachment.service, environment=environment, timeout=600)


async def test_long_data_frames_are_written_to_postgresql_whole_or_not_at_all(
    postgres_service: PostgresService, tmp_path: Path
):
    attachment = await postgres_service.attach(ALICE, "write")
    environment = attach(tmp_path / "attachments", attachment)
    script = str(R_TESTS / "test-long-writes.R")
    await run_r(R_TESTS / "run.R", script, attachment.service, environment=environment, timeout=600)


async def test_text_of_a_latin1_database_is_found_and_stored_as_typed(postgres: Postgres, tmp_path: Path):
    with postgres.connect("postgres") as admin:
        admin.execute("CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    with postgres.connect("old") as admin:
        admin.execute("CREATE TABLE t AS SELECT 'Zürich' AS n")
    service = PostgresService("old", {"kind": "postgres", **database.entry(postgres.directory, "old")}, 600.0)
    attachment = await service.attach(ALICE, "write")
    environment = attach(tmp_path / "attachments", attachment)
    await run_r(R_TESTS / "run.R", str(R_TESTS / "test-latin1.R"), "old", environment=environment, timeout=600)
    await service.revoke(ALICE)
    await service.close()
    with postgres.connect("postgres") as admin:
        admin.execute("DROP DATABASE old WITH (FORCE)")


async def test_a_long_read_shows_its_rows_in_a_notebook_and_not_in_a_script_or_document(
    postgres_service: PostgresService, tmp_path: Path
):
    attachment = await postgres_service.attach(ALICE, "read")
    environment = attach(tmp_path / "attachments", attachment)

    async def seen(how: str) -> str:
        return await run_r(R_TESTS / "long_read.R", attachment.service, how, environment=environment, timeout=60)

    assert re.search(r"\r +\d[\d,]* rows read", await seen("notebook"))
    assert await seen("script") == ""
    assert await seen("document") == ""


async def test_the_query_of_an_r_that_is_killed_ends_within_five_seconds(
    postgres: Postgres, postgres_service: PostgresService, tmp_path: Path
):
    attachment = await postgres_service.attach(ALICE, "read")
    environment = attach(tmp_path / "attachments", attachment)
    code = f'con <- rc2::rc2_connect("{attachment.service}"); DBI::dbGetQuery(con, "SELECT pg_sleep(600)")'
    r = await asyncio.create_subprocess_exec("R", "--no-echo", "--no-save", "-e", code, env=environment)
    running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND usename = %s"
    with postgres.connect("postgres") as admin:

        async def until_running(expected: int, timeout: float) -> None:
            deadline = time.monotonic() + timeout
            while admin.execute(running, [attachment.role]).fetchone() != (expected,):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)

        await until_running(1, 60)
        os.kill(r.pid, signal.SIGKILL)
        await until_running(0, 5)
    await r.wait()
