"""Databases as a DBA has them: tables of other owners, of extensions, and of loads that make them anew."""

import logging
import time
from dataclasses import replace

import psycopg
import pytest

from rc2hub.server_id import ServerId
from rc2hub.services import postgres as postgres_module
from rc2hub.services.postgres import PostgresService
from tests.fixtures.postgres import Postgres, login

ALICE, BOB = ServerId("alice"), ServerId("bob")


@pytest.fixture
def loader(postgres: Postgres, shop: str) -> str:
    """A role that makes tables in the schema public of the shop, and of which the admin role is no member."""
    name = f"loader_of_{shop}"
    with postgres.connect(shop) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'of-the-loader'; GRANT CREATE, USAGE ON SCHEMA public TO {name}")
    return name


def load(postgres: Postgres, shop: str, loader: str, *statements: str) -> None:
    """Make the table `nightly` anew, as the loader does."""
    with postgres.connect(shop) as admin:
        admin.execute(f"SET ROLE {loader}; DROP TABLE IF EXISTS nightly; CREATE TABLE nightly AS SELECT 7 AS sales")
        for statement in statements:
            admin.execute(statement)


def sales(attachment) -> int:
    with login(attachment) as session:
        return session.execute("SELECT sales FROM nightly").fetchone()[0]


async def test_a_table_of_another_owner_does_not_stop_the_service_and_is_named_once_in_the_log(
    postgres: Postgres, shop: str, loader: str, limited_service: PostgresService, caplog: pytest.LogCaptureFixture
):
    load(postgres, shop, loader)
    with caplog.at_level(logging.WARNING, "rc2hub.broker"):
        for _ in range(3):
            attachment = await limited_service.attach(ALICE, "read")
    with login(attachment) as session:
        assert session.execute("SELECT count(*) FROM things").fetchone() == (3,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sales(attachment)
    (warning,) = limited_service.warnings
    assert "readers cannot read public.nightly" in warning
    assert "writers cannot change public.nightly" in warning
    assert [record.getMessage() for record in caplog.records] == [warning]


async def test_the_warning_ends_when_the_owner_has_granted_the_rights(
    postgres: Postgres, shop: str, loader: str, limited_service: PostgresService
):
    load(postgres, shop, loader)
    await limited_service.attach(ALICE, "read")
    assert "nightly" in str(limited_service.warnings)
    groups = f'"{limited_service.group_role("read")}", "{limited_service.group_role("write")}"'
    load(postgres, shop, loader, f"GRANT ALL ON nightly TO {groups}")
    assert sales(await limited_service.attach(ALICE, "read")) == 7
    assert "nightly" not in str(limited_service.warnings)


async def test_what_the_owner_grants_with_grant_option_is_passed_on(
    postgres: Postgres, shop: str, loader: str, limited_service: PostgresService
):
    load(postgres, shop, loader, f"GRANT SELECT ON nightly TO {limited_service.admin} WITH GRANT OPTION")
    assert sales(await limited_service.attach(ALICE, "read")) == 7
    assert sales(await limited_service.attach(BOB, "write")) == 7
    assert "readers" not in str(limited_service.warnings)
    assert "writers cannot change public.nightly" in str(limited_service.warnings)


async def test_a_group_that_may_read_all_data_lacks_nothing(
    postgres: Postgres, shop: str, loader: str, limited_service: PostgresService
):
    await limited_service.attach(ALICE, "read")
    load(postgres, shop, loader)
    with postgres.connect(shop) as admin:
        admin.execute(f'GRANT pg_read_all_data TO "{limited_service.group_role("read")}"')
    assert sales(await limited_service.attach(ALICE, "read")) == 7
    assert "readers" not in str(limited_service.warnings)


async def test_a_table_that_is_made_anew_each_night_can_be_read_at_the_next_attach(
    postgres: Postgres, shop: str, loader: str, limited_service: PostgresService
):
    with postgres.connect(shop) as admin:
        admin.execute(f"GRANT {loader} TO {limited_service.admin}")
    for server in (ALICE, BOB):
        load(postgres, shop, loader)
        assert sales(await limited_service.attach(server, "read")) == 7


async def test_a_table_that_is_made_anew_can_be_read_by_a_server_that_stays_attached(
    postgres: Postgres, shop: str, loader: str, postgres_service: PostgresService, monkeypatch: pytest.MonkeyPatch
):
    attachment = await postgres_service.attach(ALICE, "read")
    load(postgres, shop, loader)
    await postgres_service.attached()
    assert postgres_service._rights_task is None  # the last check was a moment ago
    monkeypatch.setattr(postgres_module, "RIGHTS_INTERVAL", 0)
    await postgres_service.attached()
    await postgres_service._rights_task
    assert sales(attachment) == 7


def test_the_rights_are_checked_within_a_minute_though_the_broker_asks_every_15_seconds():
    assert postgres_module.RIGHTS_INTERVAL + 15 < 60


async def test_views_of_an_extension_do_not_stop_the_service(
    postgres: Postgres, shop: str, limited_service: PostgresService
):
    with postgres.connect(shop) as admin:
        admin.execute("CREATE EXTENSION pg_buffercache")
    with login(await limited_service.attach(ALICE, "read")) as session:
        assert session.execute("SELECT count(*) FROM things").fetchone() == (3,)
    assert "public.pg_buffercache" in str(limited_service.warnings)


async def test_a_schema_without_a_right_for_the_admin_is_named_and_the_others_are_used(
    postgres: Postgres, shop: str, limited_service: PostgresService
):
    with postgres.connect(shop) as admin:
        admin.execute("CREATE SCHEMA closed")
    limited_service.access = replace(limited_service.access, schemas=("public", "closed", "not there yet"))
    with login(await limited_service.attach(ALICE, "read")) as session:
        assert session.execute("SELECT count(*) FROM things").fetchone() == (3,)
    (warning,) = limited_service.warnings
    assert "readers cannot read closed" in warning
    assert "no schema not there yet" in warning


async def test_a_schema_that_a_load_makes_anew_keeps_its_rights_for_later_tables(
    postgres: Postgres, shop: str, limited_service: PostgresService
):
    limited_service.access = replace(limited_service.access, schemas=("stage",))
    for _ in range(2):
        with postgres.connect(shop) as admin:
            admin.execute(f"DROP SCHEMA IF EXISTS stage CASCADE; CREATE SCHEMA stage AUTHORIZATION {limited_service.admin}")
        attachment = await limited_service.attach(ALICE, "read")
        with postgres.connect(shop) as admin:
            admin.execute(f"SET ROLE {limited_service.admin}; CREATE TABLE stage.later AS SELECT 1 AS a")
        with login(attachment) as session:
            assert session.execute("SELECT a FROM later").fetchone() == (1,)


async def test_a_table_that_a_load_holds_delays_an_attach_by_seconds_at_most(
    postgres: Postgres, shop: str, loader: str, postgres_service: PostgresService
):
    load(postgres, shop, loader)
    with postgres.connect(shop) as holder, holder.transaction():
        holder.execute(f"SET LOCAL ROLE {loader}; GRANT SELECT ON nightly TO pg_monitor")
        started = time.monotonic()
        attachment = await postgres_service.attach(ALICE, "read")
        assert time.monotonic() - started < 5
        with login(attachment) as session:
            assert session.execute("SELECT count(*) FROM things").fetchone() == (3,)
        assert "some rights are not granted yet" in str(postgres_service.warnings)
    assert sales(await postgres_service.attach(ALICE, "read")) == 7
    assert "not granted yet" not in str(postgres_service.warnings)


async def test_a_check_without_a_change_changes_nothing(postgres: Postgres, shop: str, postgres_service: PostgresService):
    await postgres_service.attach(ALICE, "read")
    with postgres.connect(shop) as admin:
        rows = " UNION ALL ".join(f"SELECT oid, xmin FROM {name}" for name in ("pg_class", "pg_namespace", "pg_default_acl"))
        versions = f"SELECT array_agg(xmin::text ORDER BY oid) FROM ({rows}) catalogue"
        before = admin.execute(versions).fetchone()
        await postgres_service.attach(BOB, "read")
        assert admin.execute(versions).fetchone() == before
