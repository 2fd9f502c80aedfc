"""The rights of a PostgreSQL login role, and that revoking it leaves nothing behind."""

import asyncio
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.local import database
from rc2hub.server_id import ServerId
from rc2hub.services import postgres as postgres_module
from rc2hub.services.base import AdminCredential
from rc2hub.services.postgres import PostgresService
from tests.fixtures.postgres import Postgres, login

ALICE, BOB = ServerId("alice"), ServerId("bob")
CREATE = "CREATE TABLE public.mine (a int)"
FORBIDDEN = [
    CREATE,
    "INSERT INTO things VALUES (4)",
    "UPDATE things SET id = 0",
    "DELETE FROM things",
    "TRUNCATE things",
    "DROP TABLE things",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "COPY things TO PROGRAM 'id'",
    "SELECT pg_read_file('postgresql.conf')",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
]
ROLE_RESETS = ["RESET ROLE", "SET ROLE NONE", "RESET ALL"]


async def test_a_reader_reads(postgres_service: PostgresService):
    with login(await postgres_service.attach(ALICE, "read")) as session:
        assert session.execute("SELECT count(*) FROM things").fetchone() == (3,)


@pytest.mark.parametrize("reset", ["", *ROLE_RESETS], ids=lambda reset: reset or "no reset")
async def test_a_reader_cannot_write_or_create_anything(postgres_service: PostgresService, reset: str):
    with login(await postgres_service.attach(ALICE, "read")) as session:
        if reset:
            session.execute(reset)
        for statement in FORBIDDEN:
            with pytest.raises(
                (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable), match="permission|must be"
            ):
                session.execute(statement)


async def test_a_reader_can_make_a_temporary_table_that_only_its_session_sees(postgres_service: PostgresService):
    with login(await postgres_service.attach(ALICE, "read")) as session:
        session.execute("CREATE TEMPORARY TABLE mine AS SELECT id FROM things")
        assert session.execute("SELECT count(*) FROM mine").fetchone() == (3,)
        (schema,) = session.execute("SELECT pg_my_temp_schema()::regnamespace::text").fetchone()
        with login(await postgres_service.attach(BOB, "read")) as other:
            with pytest.raises(psycopg.errors.UndefinedTable):
                other.execute("SELECT * FROM mine")
            with pytest.raises(psycopg.Error, match="permission denied|temporary tables of other sessions"):
                other.execute(f"SELECT * FROM {schema}.mine")


async def test_a_database_without_connect_for_public_can_be_attached_and_revoked(
    postgres: Postgres, shop: str, postgres_service: PostgresService
):
    with postgres.connect(shop) as admin:
        admin.execute(f"REVOKE CONNECT ON DATABASE {shop} FROM PUBLIC")
    attachment = await postgres_service.attach(ALICE, "read")
    with login(attachment) as session:
        assert session.execute("SELECT count(*) FROM things").fetchone() == (3,)
    await postgres_service.revoke(ALICE)
    with postgres.connect(shop) as admin:
        (rights,) = admin.execute("SELECT datacl::text FROM pg_database WHERE datname = %s", [shop]).fetchone()
        assert attachment.role not in rights


async def test_the_group_role_owns_what_a_writer_creates(postgres_service: PostgresService):
    with login(await postgres_service.attach(ALICE, "write")) as session:
        session.execute(CREATE)
        session.execute("INSERT INTO things VALUES (4)")
        owner = session.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'mine'").fetchone()
    assert owner == (postgres_service.group_role("write"),)


async def test_a_writers_table_stays_for_readers_and_writers_after_the_revoke(postgres_service: PostgresService):
    with login(await postgres_service.attach(ALICE, "write")) as session:
        session.execute(CREATE)
    await postgres_service.revoke(ALICE)
    with login(await postgres_service.attach(BOB, "read")) as session:
        assert session.execute("SELECT * FROM mine").fetchall() == []
    with login(await postgres_service.attach(BOB, "write")) as session:
        session.execute("DROP TABLE mine")


async def test_a_reader_can_read_tables_that_the_operator_adds_later(
    postgres: Postgres, shop: str, postgres_service: PostgresService
):
    attachment = await postgres_service.attach(ALICE, "read")
    with postgres.connect(shop) as admin:
        admin.execute("CREATE TABLE later AS SELECT 1 AS a")
    with login(attachment) as session:
        assert session.execute("SELECT a FROM later").fetchone() == (1,)


async def test_a_reader_cannot_set_another_role(postgres_service: PostgresService):
    bob = await postgres_service.attach(BOB, "write")
    with login(await postgres_service.attach(ALICE, "read")) as session:
        for role in (bob.role, postgres_service.group_role("write"), database.ADMIN):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(f'SET ROLE "{role}"')


async def test_the_login_role_has_the_users_name_an_expiry_and_a_connection_limit(
    postgres: Postgres, postgres_service: PostgresService
):
    attachment = await postgres_service.attach(ServerId("alice", "second"), "read")
    with postgres.connect("postgres") as admin:
        query = "SELECT rolname, rolvaliduntil, rolconnlimit, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s"
        name, expires_at, limit, *attributes = admin.execute(query, [attachment.role]).fetchone()
    assert "alice" in name
    assert abs(expires_at - attachment.expires_at) < timedelta(seconds=1)
    assert limit == 5
    assert attributes == [False, False, False]


async def test_the_application_name_of_a_session_has_the_user_and_the_server(
    postgres: Postgres, postgres_service: PostgresService
):
    attachment = await postgres_service.attach(ServerId("alice", "second"), "read")
    assert "application_name=rc2 alice/second" in attachment.files["pg_service.conf"]


async def test_an_expired_credential_is_refused(postgres: Postgres, postgres_service: PostgresService):
    postgres_service.lifetime = -1.0
    attachment = await postgres_service.attach(ALICE, "read")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        login(attachment)


async def test_an_old_password_is_refused_after_the_role_was_dropped_and_created_again(postgres_service: PostgresService):
    old = await postgres_service.attach(ALICE, "read")
    await postgres_service.revoke(ALICE)
    new = await postgres_service.attach(ALICE, "read")
    with pytest.raises(psycopg.OperationalError):
        login(old)
    login(new).close()


async def test_a_restarted_broker_makes_a_new_password(shop: str, postgres_service: PostgresService):
    old = await postgres_service.attach(ALICE, "read")
    postgres_service._passwords.clear()
    new = await postgres_service.attach(ALICE, "read")
    assert old.files["pgpass"] != new.files["pgpass"]


def test_each_server_has_a_separate_login_role(postgres_service: PostgresService):
    servers = [ServerId("a"), ServerId("a", "b"), ServerId("a b"), ServerId("a_b"), ServerId("a", "c")]
    assert len({postgres_service.login_role(server) for server in servers}) == len(servers)


async def test_a_session_survives_a_renewal(postgres_service: PostgresService):
    with login(await postgres_service.attach(ALICE, "read")) as session:
        await postgres_service.attach(ALICE, "read")
        assert session.execute("SELECT 1").fetchone() == (1,)


async def test_revoking_ends_the_sessions(postgres_service: PostgresService):
    session = login(await postgres_service.attach(ALICE, "read"))
    await postgres_service.revoke(ALICE)
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    session.close()


async def test_sessions_are_limited_to_the_connection_limit(postgres_service: PostgresService):
    attachment = await postgres_service.attach(ALICE, "read")
    sessions = [login(attachment) for _ in range(5)]
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        login(attachment)
    for session in sessions:
        session.close()


async def test_the_database_stores_and_logs_only_the_verifier_of_a_password(
    postgres: Postgres, postgres_service: PostgresService
):
    attachment = await postgres_service.attach(ALICE, "read")
    password = attachment.files["pgpass"].strip().rsplit(":", 1)[1]
    with postgres.connect("postgres") as admin:
        stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [attachment.role]).fetchone()
    assert stored[0].startswith("SCRAM-SHA-256$")
    for file in postgres.directory.rglob("*.log"):
        assert password not in file.read_text()


async def test_an_admin_without_superuser_rights_is_enough(limited_service: PostgresService):
    attachment = await limited_service.attach(ALICE, "write")
    with login(attachment) as session:
        session.execute(CREATE)
    session = login(await limited_service.attach(ALICE, "read"))
    assert session.execute("SELECT * FROM mine").fetchall() == []
    await limited_service.revoke(ALICE)
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    session.close()
    assert await limited_service.attached() == {}


async def test_an_admin_role_that_cannot_create_roles_is_named_with_the_reason_of_the_database(
    postgres: Postgres, shop: str, limited_service: PostgresService
):
    with postgres.connect(shop) as admin:
        admin.execute(f"ALTER ROLE {limited_service.admin} NOCREATEROLE")
    with pytest.raises(ServiceUnavailableError, match=rf"permission denied to create role.*{limited_service.admin}"):
        await limited_service.attach(ALICE, "read")


async def test_the_parameters_of_the_url_apply_to_the_broker_and_the_compute_server(postgres: Postgres, shop: str):
    entry = database.entry(postgres.directory, shop)
    service = PostgresService("shop", {**entry, "url": f"{entry['url']}?sslmode=require"}, 600.0)
    with pytest.raises(ServiceUnavailableError, match="does not answer"):
        await service.attach(ALICE, "read")  # the database has no certificate
    await service.close()
    service = PostgresService("shop", {**entry, "url": f"{entry['url']}?sslmode=prefer"}, 600.0)
    attachment = await service.attach(ALICE, "read")
    assert "sslmode=prefer" in attachment.files["pg_service.conf"]
    assert attachment.settings["sslmode"] == "prefer"
    await service.revoke(ALICE)
    await service.close()


async def test_a_class_that_logs_in_at_once_waits_for_connections_and_fails_together(
    postgres: Postgres, postgres_service: PostgresService, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(postgres_module, "CONNECT_TIMEOUT", 1)
    servers = [ServerId(f"user{number}") for number in range(60)]
    await asyncio.gather(*(postgres_service.attach(server, "read") for server in servers))
    assert set(await postgres_service.attached()) == set(servers)
    postgres.stop()
    async with asyncio.timeout(5):
        attaching = (postgres_service.attach(server, "read") for server in servers)
        outcomes = await asyncio.gather(*attaching, return_exceptions=True)
    postgres.start()
    assert {type(outcome) for outcome in outcomes} == {ServiceUnavailableError}


async def test_the_broker_reconnects_after_a_restart_of_the_database(postgres: Postgres, postgres_service: PostgresService):
    await postgres_service.attach(ALICE, "read")
    postgres.stop()
    with pytest.raises(ServiceUnavailableError, match="does not answer"):
        await postgres_service.attach(BOB, "read")
    postgres.start()
    login(await postgres_service.attach(BOB, "read")).close()


def test_a_missing_admin_credential_gives_one_sentence(tmp_path: Path):
    with pytest.raises(ServiceUnavailableError, match="cannot read its credential"):
        AdminCredential("file", str(tmp_path / "nowhere")).read()
    with pytest.raises(ServiceUnavailableError, match="cannot read its credential"):
        AdminCredential("env", "RC2_NOT_SET").read()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ServiceUnavailableError, match="cannot read its credential"):
        AdminCredential("file", str(tmp_path / "binary")).read()


async def test_tables_of_all_schemas_of_the_entry_are_found_by_their_name_alone(postgres: Postgres, shop: str):
    with postgres.connect(shop) as admin:
        admin.execute('CREATE SCHEMA "Stat x"; CREATE TABLE "Stat x".grades AS SELECT 1 AS grade')
    entry = {"kind": "postgres", **database.entry(postgres.directory, shop), "schemas": ["Stat x", "public"]}
    service = PostgresService(shop.replace("_", "-"), entry, 600.0)
    with login(await service.attach(ALICE, "read")) as session:
        assert session.execute("SELECT grade FROM grades").fetchone() == (1,)
        assert session.execute("SELECT count(*) FROM things").fetchone() == (3,)
    await service.close()
