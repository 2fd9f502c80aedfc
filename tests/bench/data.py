"""Rows between R and the two services, each task in turn with the way that R users know, in the same run.

    python -m tests.bench.data

PostgreSQL holds the flights as `rc2hub up` loads them, and R is the user of a grant to write. RPostgres is not in Debian.
The report is written after each part.
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from rc2hub.local import database, sample_data
from rc2hub.server_id import ServerId
from rc2hub.services.postgres import PostgresService
from tests.bench.report import entry, write
from tests.bench.spark import INTO_R, PANDAS
from tests.fixtures.postgres import Postgres
from tests.fixtures.r import attach, run_r
from tests.fixtures.spark import running_connect_server

TASKS, MEMORY = Path(__file__).with_name("data.R"), Path(__file__).with_name("data_memory.R")
PEER, READY_BYTES = "RPostgreSQL", "COPY of ready bytes"
PAIRS = 5
WRITE = "1e5 rows written"
TIMEOUT, LIFETIME = 1800.0, 7200.0
MIXED = """
CREATE TABLE mixed AS SELECT i AS id, i::bigint * 1000003 AS big, random() AS x, sqrt(i) AS y, i % 7 = 0 AS flag,
    CASE WHEN i % 11 > 0 THEN i % 100 END AS k, 'group ' || i % 50 AS name, md5(i::text) AS code,
    date '2013-01-01' + i % 365 AS day, timestamptz '2013-01-01 00:00Z' + i * interval '1 minute' AS at
FROM generate_series(1, 1000000) AS i
"""


async def postgres(folder: Path) -> None:
    """The tasks on the sample database, and the memory that the flights take."""
    directory = folder / "postgresql"
    database.prepare(directory)
    sample_data.fill(directory)
    server = Postgres(directory)
    server.start()
    service = PostgresService("flights", {"kind": "postgres", **database.entry(directory, "flights")}, LIFETIME)
    try:
        with server.connect("flights") as admin:
            admin.execute(MIXED)
        environment = attach(folder / "attachments", await service.attach(ServerId("alice"), "write"))
        for task in json.loads(await run_r(TASKS, environment=environment, timeout=TIMEOUT)):
            times = json.loads(await run_r(TASKS, task, environment=environment, timeout=TIMEOUT))
            write([entry(f"data: {task}", times["ours"], PEER, times["theirs"])])
            if task == WRITE:
                write([entry(f"data: {task}, at least", times["ours"], READY_BYTES, copies(server))])
        peaks: dict[str, list[float]] = {"ours": [], "theirs": []}
        for client in ("ours", "theirs") * PAIRS:
            peaks[client].append(float(await run_r(MEMORY, client, environment=environment, timeout=TIMEOUT)))
    finally:
        await service.close()
        server.stop()
    write([entry("data: memory peak", peaks["ours"], PEER, peaks["theirs"], unit="data frames")])


def copies(server: Postgres) -> list[float]:
    """Seconds in which PostgreSQL stores the same rows in a new table, from bytes in its own binary format."""
    with server.connect("flights") as admin:
        with admin.cursor().copy("COPY (SELECT * FROM flights LIMIT 100000) TO STDOUT (FORMAT BINARY)") as out:
            content = b"".join(bytes(part) for part in out)
        return [copy_once(admin, content) for _ in range(PAIRS)]


def copy_once(admin: "psycopg.Connection[Any]", content: bytes) -> float:
    """Seconds of one such COPY."""
    began = time.perf_counter()
    with admin.transaction():
        admin.execute("CREATE TABLE bench_rows (LIKE flights)")
        with admin.cursor().copy("COPY bench_rows FROM STDIN (FORMAT BINARY)") as into:
            into.write(content)
    took = time.perf_counter() - began
    admin.execute("DROP TABLE bench_rows")
    return took


async def spark(folder: Path) -> None:
    """A million rows of Spark as a data frame."""
    with running_connect_server(folder) as attachment:
        environment = attach(folder / "attachments", attachment)
        measured = json.loads(await run_r(INTO_R, environment=environment, timeout=TIMEOUT))
    ((_, times),) = measured.items()
    write([entry("data: spark 1e6 x 4 into R", times["ours"], PANDAS, times["theirs"])])


async def measure(folder: Path) -> None:
    """Measure everything."""
    (folder / "spark").mkdir()
    await postgres(folder)
    await spark(folder / "spark")


def main() -> None:
    """Measure with servers that only this run uses."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
