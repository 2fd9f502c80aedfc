"""Roles of a server that others use too: another hub, other databases, an interrupted broker."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.local import database
from rc2hub.server_id import ServerId
from rc2hub.services import postgres as postgres_module
from rc2hub.services import postgres_roles as roles_module
from rc2hub.services.postgres import PostgresService
from tests.fixtures.postgres import Postgres, login

ALICE, BOB = ServerId("alice"), ServerId("bob")
LARGE_OBJECT = "SET ROLE NONE; SELECT lo_create(0)"


def roles_of(postgres: Postgres, name: str) -> int:
    with postgres.connect("postgres") as admin:
        return admin.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [name]).fetchone()[0]


@pytest.fixture
def archive(postgres: Postgres) -> Iterator[str]:
    """Another database of the server, open to every role."""
    with postgres.new_database("archive") as name:
        yield name


async def test_a_role_whose_drop_was_interrupted_is_found_and_dropped(postgres: Postgres, postgres_service: PostgresService):
    role = (await postgres_service.attach(ALICE, "read")).role
    with postgres.connect("postgres") as admin:
        admin.execute(f'ALTER ROLE "{role}" NOLOGIN')  # the first step of a drop
    existing = await postgres_service.attached()
    assert set(existing) == {ALICE}
    assert existing[ALICE].expires_at < datetime.now(UTC)
    await postgres_service.revoke(ALICE)
    assert await postgres_service.attached() == {}
    assert roles_of(postgres, role) == 0


async def test_a_role_is_found_by_its_comment_whatever_its_name_is(postgres: Postgres, postgres_service: PostgresService):
    role = (await postgres_service.attach(ALICE, "read")).role
    with postgres.connect("postgres") as admin:
        admin.execute(f'ALTER ROLE "{role}" RENAME TO "renamed_{role[:40]}"')
    assert set(await postgres_service.attached()) == {ALICE}
    await postgres_service.revoke(ALICE)
    assert roles_of(postgres, f"renamed_{role[:40]}") == 0


async def test_an_expired_role_is_found_and_dropped(postgres: Postgres, postgres_service: PostgresService):
    postgres_service.lifetime = -5.0
    role = (await postgres_service.attach(ALICE, "read")).role
    assert set(await postgres_service.attached()) == {ALICE}
    await postgres_service.revoke(ALICE)
    assert roles_of(postgres, role) == 0


async def test_a_comment_of_another_program_changes_nothing(postgres: Postgres, postgres_service: PostgresService):
    odd = f"odd_{uuid4().hex[:8]}"
    with postgres.connect("postgres") as admin:
        admin.execute(f"CREATE ROLE {odd}")
        admin.execute(f'COMMENT ON ROLE {odd} IS \'{{"rc2": "{postgres_service.name}"}}\'')
        await postgres_service.attach(ALICE, "read")
        assert set(await postgres_service.attached()) == {ALICE}
        admin.execute(f"DROP ROLE {odd}")


async def test_a_role_that_would_never_expire_is_written_again(postgres: Postgres, postgres_service: PostgresService):
    role = (await postgres_service.attach(ALICE, "read")).role
    with postgres.connect("postgres") as admin:
        admin.execute(f"ALTER ROLE \"{role}\" VALID UNTIL 'infinity'")
    assert (await postgres_service.attached())[ALICE].expires_at < datetime.now(UTC)


@pytest.mark.parametrize("skew", [-7200, 7200], ids=["two hours behind", "two hours ahead"])
async def test_a_credential_expires_by_the_clock_of_the_server(
    postgres: Postgres, postgres_service: PostgresService, monkeypatch: pytest.MonkeyPatch, skew: int
):
    class Skewed(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=skew)

    monkeypatch.setattr(postgres_module, "datetime", Skewed)
    monkeypatch.setattr(roles_module, "datetime", Skewed)
    attachment = await postgres_service.attach(ALICE, "read")
    login(attachment).close()
    with postgres.connect("postgres") as admin:
        query = "SELECT extract(epoch FROM rolvaliduntil - now())::float8 FROM pg_roles WHERE rolname = %s"
        assert abs(admin.execute(query, [attachment.role]).fetchone()[0] - 600) < 5
    existing = (await postgres_service.attached())[ALICE]
    assert abs(existing.expires_at - attachment.expires_at) < timedelta(seconds=1)
    assert abs(existing.expires_at - Skewed.now(UTC) - timedelta(seconds=600)) < timedelta(seconds=5)


async def test_large_objects_that_a_reader_made_in_another_database_do_not_keep_the_role(
    postgres: Postgres, archive: str, limited_service: PostgresService
):
    attachment = await limited_service.attach(ALICE, "read")
    with login(attachment, to=archive) as session:
        session.execute(LARGE_OBJECT)
    await limited_service.revoke(ALICE)
    assert roles_of(postgres, attachment.role) == 0
    with postgres.connect(archive) as admin:
        (owner,) = admin.execute("SELECT lomowner::regrole::text FROM pg_largeobject_metadata").fetchone()
        assert owner.strip('"') == limited_service.group_role("write")
        admin.execute(f"DROP OWNED BY {owner}")


async def test_rights_in_another_database_do_not_keep_the_role(
    postgres: Postgres, archive: str, postgres_service: PostgresService
):
    role = (await postgres_service.attach(ALICE, "read")).role
    with postgres.connect(archive) as admin:
        admin.execute(f'CREATE TABLE papers (a int); GRANT SELECT ON papers TO "{role}"')
    await postgres_service.revoke(ALICE)
    assert roles_of(postgres, role) == 0


async def test_a_right_that_the_admin_cannot_revoke_is_named(
    postgres: Postgres, shop: str, limited_service: PostgresService
):
    role = (await limited_service.attach(ALICE, "read")).role
    with postgres.connect(shop) as admin:
        admin.execute(f'CREATE TABLE papers (a int); GRANT SELECT ON papers TO "{role}"')
        with pytest.raises(ServiceUnavailableError, match=f"{role} .* is not dropped .privileges for table public.papers"):
            await limited_service.revoke(ALICE)
        admin.execute(f'DROP OWNED BY "{role}"')
    await limited_service.revoke(ALICE)
    assert roles_of(postgres, role) == 0


async def test_a_role_that_owns_something_in_a_closed_database_is_named_and_tried_again(
    postgres: Postgres, archive: str, limited_service: PostgresService
):
    attachment = await limited_service.attach(ALICE, "read")
    with login(attachment, to=archive) as session:
        session.execute(LARGE_OBJECT)
    with postgres.connect(archive) as admin:
        admin.execute(f"REVOKE CONNECT ON DATABASE {archive} FROM PUBLIC")
        with pytest.raises(
            ServiceUnavailableError, match=f"{attachment.role}.* is not dropped .1 object in database {archive}"
        ):
            await limited_service.revoke(ALICE)
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            login(attachment)
        admin.execute(f'DROP OWNED BY "{attachment.role}"')  # as the sentence says
    assert set(await limited_service.attached()) == {ALICE}
    await limited_service.revoke(ALICE)
    assert roles_of(postgres, attachment.role) == 0


@pytest.fixture
async def staging(postgres: Postgres, postgres_service: PostgresService) -> AsyncIterator[PostgresService]:
    """The same service of another hub, on the same database."""
    entry = database.entry(postgres.directory, postgres_service.access.database)
    service = PostgresService(postgres_service.name, entry, 600.0)
    service.installation = "staging"
    yield service
    await service.close()


async def test_two_hubs_on_one_server_never_touch_each_others_roles(
    postgres: Postgres, postgres_service: PostgresService, staging: PostgresService
):
    ours, theirs = await postgres_service.attach(ALICE, "read"), await staging.attach(ALICE, "write")
    await staging.attach(BOB, "read")
    assert ours.role != theirs.role
    assert (set(await postgres_service.attached()), set(await staging.attached())) == ({ALICE}, {ALICE, BOB})
    for server in (ALICE, BOB):
        await postgres_service.revoke(server)
    assert (set(await postgres_service.attached()), set(await staging.attached())) == (set(), {ALICE, BOB})
    with login(theirs) as session:
        session.execute("CREATE TABLE public.mine (a int)")
        assert session.execute("SELECT count(*) FROM things").fetchone() == (3,)
    for level in PostgresService.levels:
        assert postgres_service.group_role(level) != staging.group_role(level)


async def test_the_broker_calls_no_function_that_a_user_has_made(postgres: Postgres, postgres_service: PostgresService):
    with login(await postgres_service.attach(ALICE, "write")) as session:
        for function, answer in {"starts_with(name, text)": "bool", "concat_ws(text, text, text)": "text"}.items():
            session.execute(
                f"CREATE FUNCTION public.{function} RETURNS {answer} LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'a function of a user ran as %', current_user; END $$"
            )
    await postgres_service.attach(BOB, "read")
    assert set(await postgres_service.attached()) == {ALICE, BOB}
    await postgres_service.revoke(ALICE)
    assert set(await postgres_service.attached()) == {BOB}
