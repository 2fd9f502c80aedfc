"""Databases with another encoding, time zone, style of dates or search path."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rc2hub.local import database
from rc2hub.server_id import ServerId
from rc2hub.services.postgres import PostgresService
from tests.fixtures.postgres import Postgres, login

ALICE = ServerId("Älïcé 名")
ODD_SCHEMA = 'Fächer "a", %x $1'
SETTINGS = (
    "TimeZone = 'Asia/Kathmandu'",
    "DateStyle = 'German'",
    "IntervalStyle = 'sql_standard'",
    "standard_conforming_strings = off",
)


def encoded(encoding: str) -> str:
    """The options of a database with this encoding."""
    return f"ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"


@pytest.fixture(params=["UTF8", "LATIN1", "SQL_ASCII"])
def old(request: pytest.FixtureRequest, postgres: Postgres) -> Iterator[str]:
    """A database as it may be on the server of a DBA, with a table in a schema of an odd name."""
    with postgres.new_database("old", encoded(request.param)) as name:
        with postgres.connect("postgres") as admin:
            for setting in SETTINGS:
                admin.execute(f"ALTER DATABASE {name} SET {setting}")
        with postgres.connect(name) as admin:
            admin.execute("SET client_encoding = 'UTF8'")
            schema = ODD_SCHEMA.replace('"', '""')
            admin.execute(f'CREATE SCHEMA "{schema}"; CREATE TABLE "{schema}"."Prüfungen" AS SELECT 1 AS note')
        yield name


async def test_tables_are_found_by_name_in_every_encoding(postgres: Postgres, old: str):
    service = PostgresService("old", {**database.entry(postgres.directory, old), "schemas": [ODD_SCHEMA]}, 600.0)
    attachment = await service.attach(ALICE, "read")
    with login(attachment) as session:
        session.execute("SET client_encoding = 'UTF8'")
        assert session.execute('SELECT note FROM "Prüfungen"').fetchone() == (1,)
    existing = await service.attached()
    assert set(existing) == {ALICE}
    assert abs((existing[ALICE].expires_at - attachment.expires_at).total_seconds()) < 1
    assert "schema" not in str(service.warnings)
    with postgres.connect("postgres") as admin:  # what all databases share can be read from each of them
        admin.execute("SELECT rolname, rolconfig FROM pg_roles; SELECT description FROM pg_shdescription")
    await service.revoke(ALICE)
    assert await service.attached() == {}
    await service.close()


async def test_names_that_are_no_utf_8_do_not_stop_a_sql_ascii_database(postgres: Postgres, tmp_path: Path):
    with postgres.new_database("bytes", encoded("SQL_ASCII")) as name:
        with postgres.connect(name) as admin:
            admin.execute("SET client_encoding = 'LATIN1'")
            admin.execute('CREATE TABLE "Prüfungen" AS SELECT 1 AS note')
        service = PostgresService("bytes", database.entry(postgres.directory, name), 600.0)
        with login(await service.attach(ALICE, "read")) as session:
            session.execute("SET client_encoding = 'LATIN1'")
            assert session.execute('SELECT note FROM "Prüfungen"').fetchone() == (1,)
        await service.revoke(ALICE)
        await service.close()


async def test_the_search_path_of_the_database_comes_after_the_schemas_of_the_entry(
    postgres: Postgres, shop: str, postgres_service: PostgresService
):
    with postgres.connect(shop) as admin:
        admin.execute("CREATE SCHEMA tools; GRANT USAGE ON SCHEMA tools TO PUBLIC")
        admin.execute("CREATE FUNCTION tools.answer() RETURNS int LANGUAGE sql AS 'SELECT 42'")
        admin.execute(f'ALTER DATABASE {shop} SET search_path = "$user", public, tools')
    with login(await postgres_service.attach(ALICE, "read")) as session:
        assert session.execute("SELECT answer(), count(*) FROM things").fetchone() == (42, 3)
