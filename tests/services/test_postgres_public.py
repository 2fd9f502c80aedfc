"""What PostgreSQL leaves open to every role: closed where the admin role may, named where not, and kept for other programs."""

import logging
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rc2hub.local import database
from rc2hub.server_id import ServerId
from rc2hub.services.postgres import PostgresService
from tests.fixtures.postgres import Postgres, login

ALICE, BOB = ServerId("alice"), ServerId("bob")
TEMPORARY = "CREATE TEMPORARY TABLE mine AS SELECT 1 AS a"


@pytest.fixture
def stock(postgres: Postgres, limited_service: PostgresService) -> Iterator[str]:
    """Another database of the admin role of the shop."""
    with postgres.new_database("stock", f"OWNER {limited_service.admin}") as name:
        yield name


def other_program(postgres: Postgres, name: str) -> "psycopg.Connection[tuple]":
    """A session of the role `program`, which is none of Rc²'s, in a database."""
    with postgres.connect(name) as admin:
        if admin.execute("SELECT FROM pg_roles WHERE rolname = 'program'").fetchone() is None:
            admin.execute("CREATE ROLE program LOGIN PASSWORD 'of-the-program'")
    url = database.url(postgres.directory, name).replace(f"{database.ADMIN}@", "program@")
    return psycopg.connect(url, password="of-the-program", autocommit=True)


async def test_a_reader_cannot_connect_to_other_databases_of_the_admin_role(limited_service: PostgresService, stock: str):
    attachment = await limited_service.attach(ALICE, "read")
    login(attachment).close()
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        login(attachment, to=stock)


async def test_a_program_that_holds_a_right_in_a_database_connects_as_before(
    postgres: Postgres, shop: str, limited_service: PostgresService, stock: str
):
    for name in (shop, stock):
        other_program(postgres, name).close()
    with postgres.connect(shop) as admin:
        admin.execute("GRANT SELECT ON things TO program")
    await limited_service.attach(ALICE, "read")
    with other_program(postgres, shop) as session:
        assert session.execute("SELECT count(*) FROM things").fetchone() == (3,)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        other_program(postgres, stock)


async def test_databases_of_other_owners_stay_open_and_are_named_once(
    postgres: Postgres, limited_service: PostgresService, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING, "rc2hub.broker"):
        for server in (ALICE, BOB):
            attachment = await limited_service.attach(server, "read")
    login(attachment, to="postgres").close()
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "can also connect to" in warning
    assert "postgres" in warning
    assert "template0" not in warning


async def test_a_superuser_closes_no_database_as_other_programs_may_rely_on_them(
    postgres: Postgres, shop: str, postgres_service: PostgresService
):
    await postgres_service.attach(ALICE, "read")
    other_program(postgres, shop).close()
    assert shop in postgres_service.warnings[0]


async def test_a_loader_that_makes_tables_in_public_by_a_right_of_everyone_can_go_on(
    postgres: Postgres, shop: str, postgres_service: PostgresService
):
    with postgres.connect(shop) as admin:
        admin.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")  # as in databases made before PostgreSQL 15
    with other_program(postgres, shop) as session:
        session.execute("CREATE TABLE loaded AS SELECT 1 AS a")
        attachment = await postgres_service.attach(ALICE, "read")
        session.execute("DROP TABLE loaded; CREATE TABLE loaded AS SELECT 2 AS a")
    with login(attachment) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("CREATE TABLE public.mine (a int)")


async def test_what_the_admin_cannot_close_is_named_also_where_the_server_only_warns(limited_service: PostgresService):
    await limited_service.attach(ALICE, "read")
    assert "every role can make large objects" in limited_service.warnings[0]


async def test_temporary_tables_of_readers_can_be_forbidden_and_writers_keep_them(
    postgres: Postgres, shop: str, tmp_path: Path
):
    entry = {**database.entry(postgres.directory, shop), "temporary_tables": False}
    service = PostgresService(shop.replace("_", "-"), entry, 600.0)
    reader, writer = await service.attach(ALICE, "read"), await service.attach(BOB, "write")
    with login(reader) as session:
        for reset in ("", "RESET ROLE"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="temporary tables"):
                session.execute(f"{reset}; {TEMPORARY}")
    with login(writer) as session:
        session.execute(TEMPORARY)
    await service.close()


async def test_temporary_tables_can_be_forbidden_later_and_allowed_again(postgres: Postgres, shop: str):
    for allowed in (True, False, True):
        entry = {**database.entry(postgres.directory, shop), "temporary_tables": allowed}
        service = PostgresService(shop.replace("_", "-"), entry, 600.0)
        with login(await service.attach(ALICE, "read")) as session:
            if allowed:
                session.execute(TEMPORARY)
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(TEMPORARY)
        await service.close()
