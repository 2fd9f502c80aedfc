"""TLS with a private CA: the broker, and every program of the compute server, verify the database's certificate."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.local import database
from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.postgres import PostgresService
from rc2hub.services.postgres_files import client_settings
from tests.fixtures.certificates import Authority, make_authority
from tests.fixtures.postgres import Postgres
from tests.fixtures.r import attach, run_r

ALICE = ServerId("alice")
COUNT = "SELECT count(*)::int AS n FROM things"


def service_of(postgres: Postgres, shop: str, tls_port: int, ca: Path) -> PostgresService:
    entry = database.entry(postgres.directory, shop)
    url = f"postgresql://{database.ADMIN}@127.0.0.1:{tls_port}/{shop}?sslmode=verify-full&sslrootcert={ca}"
    return PostgresService("secured", {**entry, "url": url}, 600.0)


@pytest.fixture
async def secured(postgres: Postgres, shop: str, tls_port: int, authority: Authority) -> AsyncIterator[Attachment]:
    service = service_of(postgres, shop, tls_port, authority.file)
    yield await service.attach(ALICE, "read")
    await service.revoke(ALICE)
    await service.close()


async def libpq(environment: dict[str, str]) -> str:
    """What a program on libpq, which knows the name of the service only, prints."""
    code = f'import psycopg; print(psycopg.connect("service=secured").execute("{COUNT}").fetchone()[0])'
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return output.decode()


async def test_programs_on_libpq_verify_the_certificate_with_the_ca_of_the_operator(secured: Attachment, tmp_path: Path):
    assert await libpq(attach(tmp_path / "attachments", secured)) == "3\n"


async def test_programs_on_libpq_refuse_a_server_of_another_ca(secured: Attachment, tmp_path: Path):
    environment = attach(tmp_path / "attachments", secured)
    make_authority(tmp_path / "attachments" / "secured.ca.pem", "another CA")
    assert "certificate verify failed" in await libpq(environment)


async def test_r_verifies_the_certificate_with_the_ca_of_the_operator(secured: Attachment, tmp_path: Path):
    environment = attach(tmp_path / "attachments", secured)
    script = tmp_path / "script.R"
    script.write_text(f'cat(DBI::dbGetQuery(rc2::rc2_connect("secured"), "{COUNT}")$n)')
    assert await run_r(script, environment=environment, timeout=120) == "3"


async def test_the_broker_refuses_a_server_of_another_ca_and_logs_the_reason(
    postgres: Postgres, shop: str, tls_port: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    make_authority(tmp_path / "ca.crt", "another CA")
    service = service_of(postgres, shop, tls_port, tmp_path / "ca.crt")
    with pytest.raises(ServiceUnavailableError, match="does not answer"):
        await service.attach(ALICE, "read")
    await service.close()
    assert "certificate verify failed" in caplog.text


async def test_a_certificate_that_cannot_be_read_gives_one_sentence_with_its_name(
    postgres: Postgres, shop: str, tls_port: int, tmp_path: Path
):
    service = service_of(postgres, shop, tls_port, tmp_path / "nowhere.crt")
    with pytest.raises(ServiceUnavailableError, match=r"cannot read the certificate .*nowhere\.crt"):
        await service.attach(ALICE, "read")
    await service.close()


def test_the_certificate_and_key_of_the_admin_role_stay_in_the_broker():
    address = {"host": "db", "dbname": "d", "sslmode": "verify-full", "sslcert": "/etc/a.crt", "sslkey": "/etc/a.key"}
    settings, files = client_settings("secured", {**address, "sslrootcert": "system"}, "rc2_role")
    assert settings == {"host": "db", "dbname": "d", "sslmode": "verify-full", "sslrootcert": "system", "user": "rc2_role"}
    assert files == {}


async def test_spark_verifies_the_certificate_with_the_ca_of_the_operator(
    secured: Attachment, connect_server: Attachment, tmp_path: Path
):
    environment = attach(tmp_path / "attachments", secured, connect_server)
    script = tmp_path / "script.R"
    query = "SELECT int(count(*)) AS n FROM secured.public.things"
    script.write_text(f'cat(DBI::dbGetQuery(rc2::rc2_spark(), "{query}")$n)')
    assert await run_r(script, environment=environment, timeout=300) == "3"
    make_authority(tmp_path / "attachments" / "secured.ca.pem", "another CA")
    script.write_text(f'cat(tryCatch(DBI::dbGetQuery(rc2::rc2_spark(), "{query}"), error = conditionMessage))')
    assert "unable to find valid certification path" in await run_r(script, environment=environment, timeout=300)
