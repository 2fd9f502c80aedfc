"""The schema of Hive's metastore is made once and as a whole, and never that of another version."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from rc2hub.errors import Rc2Error
from rc2hub.local.hive_schema import VERSION, make_schema
from tests.fixtures.postgres import Postgres


def script_of(version: str, then: str = "") -> bytes:
    """A script that takes a while, as Hive's own does."""
    return f"""
    CREATE TABLE "DBS" (id int); SELECT pg_sleep(0.2); {then};
    CREATE TABLE "VERSION" ("SCHEMA_VERSION" text); INSERT INTO "VERSION" VALUES ('{version}')
    """.encode()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    with postgres.new_database("hive") as name:
        yield name


def versions(postgres: Postgres, database: str) -> list[object]:
    with postgres.connect(database) as connection:
        return [row[0] for row in connection.execute('SELECT "SCHEMA_VERSION" FROM "VERSION"').fetchall()]


async def test_two_starts_at_once_make_it_once(postgres: Postgres, database: str):
    def start() -> None:
        with postgres.connect(database) as connection:
            make_schema(connection, script_of(VERSION))

    await asyncio.gather(asyncio.to_thread(start), asyncio.to_thread(start))
    assert versions(postgres, database) == [VERSION]


def test_a_start_that_is_interrupted_leaves_nothing_and_the_next_one_makes_it(postgres: Postgres, database: str):
    with postgres.connect(database) as connection, pytest.raises(psycopg.errors.AdminShutdown):
        make_schema(connection, script_of(VERSION, "SELECT pg_terminate_backend(pg_backend_pid())"))
    with postgres.connect(database) as connection:
        make_schema(connection, script_of(VERSION))
    assert versions(postgres, database) == [VERSION]


def test_the_schema_of_another_version_is_refused_and_stays(postgres: Postgres, database: str):
    with postgres.connect(database) as connection:
        connection.execute(script_of("3.1.0"))
        with pytest.raises(Rc2Error, match=r"has the schema of Hive 3\.1\.0, and this metastore needs that of 4\.0\.0"):
            make_schema(connection, script_of(VERSION))
    assert versions(postgres, database) == ["3.1.0"]
