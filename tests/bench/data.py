"""Rows between R and the two services, each task in turn with the way that R users know, in the same run.

    python -m tests.bench.data

PostgreSQL holds the flights as `rc2hub up` loads them, and R is the user of a grant to write. RPostgres is not in Debian.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from rc2hub.local import database, sample_data
from rc2hub.server_id import ServerId
from rc2hub.services.postgres import PostgresService
from tests.bench.report import entry, write
from tests.bench.spark import INTO_R, PANDAS
from tests.fixtures.postgres import Postgres
from tests.fixtures.r import attach, run_r
from tests.fixtures.spark import running_connect_server

TASKS, MEMORY = Path(__file__).with_name("data.R"), Path(__file__).with_name("data_memory.R")
PEER = "RPostgreSQL"
PAIRS = 5
TIMEOUT = 1800.0
MIXED = """
CREATE TABLE mixed AS SELECT i AS id, i::bigint * 1000003 AS big, random() AS x, sqrt(i) AS y, i % 7 = 0 AS flag,
    CASE WHEN i % 11 > 0 THEN i % 100 END AS k, 'group ' || i % 50 AS name, md5(i::text) AS code,
    date '2013-01-01' + i % 365 AS day, timestamptz '2013-01-01 00:00Z' + i * interval '1 minute' AS at
FROM generate_series(1, 1000000) AS i
"""


async def postgres(folder: Path) -> list[dict[str, Any]]:
    """The tasks on the sample database, and the memory that the flights take."""
    directory = folder / "postgresql"
    database.prepare(directory)
    sample_data.fill(directory)
    server = Postgres(directory)
    server.start()
    service = PostgresService("flights", {"kind": "postgres", **database.entry(directory, "flights")}, TIMEOUT)
    try:
        with server.connect("flights") as admin:
            admin.execute(MIXED)
        environment = attach(folder / "attachments", await service.attach(ServerId("alice"), "write"))
        measured = json.loads(await run_r(TASKS, environment=environment, timeout=TIMEOUT))
        peaks: dict[str, list[float]] = {"ours": [], "theirs": []}
        for client in ("ours", "theirs") * PAIRS:
            peaks[client].append(float(await run_r(MEMORY, client, environment=environment, timeout=TIMEOUT)))
    finally:
        await service.close()
        server.stop()
    entries = [entry(f"data: {task}", times["ours"], PEER, times["theirs"]) for task, times in measured.items()]
    return [*entries, entry("data: memory peak", peaks["ours"], PEER, peaks["theirs"], unit="data frames")]


async def spark(folder: Path) -> list[dict[str, Any]]:
    """A million rows of Spark as a data frame."""
    with running_connect_server(folder) as attachment:
        environment = attach(folder / "attachments", attachment)
        measured = json.loads(await run_r(INTO_R, environment=environment, timeout=TIMEOUT))
    ((_, times),) = measured.items()
    return [entry("data: spark 1e6 x 4 into R", times["ours"], PANDAS, times["theirs"])]


async def measure(folder: Path) -> None:
    """Measure everything and write the report."""
    (folder / "spark").mkdir()
    write([*await postgres(folder), *await spark(folder / "spark")])


def main() -> None:
    """Measure with servers that only this run uses."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
