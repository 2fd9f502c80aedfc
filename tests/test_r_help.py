"""The help of the R package: its examples and vignettes run as they stand, with the services that they name."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rc2hub.local import database
from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.postgres import PostgresService
from rc2hub.services.secret import SecretService
from tests.fixtures.hdfs_gateway import Gateway
from tests.fixtures.hub import ROOT
from tests.fixtures.postgres import Postgres
from tests.fixtures.r import attach, run_r
from tests.fixtures.s3 import Gateway as S3Gateway

PACKAGE = ROOT / "images" / "r-compute" / "rc2"
TABLES = """
CREATE TABLE flights AS SELECT 1 AS month, 'JFK' AS origin FROM generate_series(1, 3);
CREATE TABLE planes AS SELECT 'N' || n AS tailnum, 2004 AS year, 'AIRBUS' AS manufacturer, 'A320' AS model, 182 AS seats
  FROM generate_series(1, 5) n;
"""


@pytest.fixture
async def flights(postgres: Postgres) -> AsyncIterator[PostgresService]:
    """A service of that name, and the tables that the help uses."""
    with postgres.connect("postgres") as admin:
        admin.execute("CREATE DATABASE flights")
    with postgres.connect("flights") as admin:
        admin.execute(TABLES)
    service = PostgresService("flights", {"kind": "postgres", **database.entry(postgres.directory, "flights")}, 7200.0)
    yield service
    await service.revoke(ServerId("alice"))
    await service.close()
    with postgres.connect("postgres") as admin:
        admin.execute("DROP DATABASE flights WITH (FORCE)")


@dataclass
class Stores:
    """HDFS and a bucket of S3, which alice uses with one token."""

    attachments: list[Attachment]
    hdfs: Gateway
    s3: S3Gateway
    token: str


@pytest.fixture
def stores(files: Attachment, gateway: Gateway, s3_files: Attachment, s3_gateway: S3Gateway) -> Stores:
    (token,) = {each.grant("alice", "write") for each in (gateway, s3_gateway)}
    return Stores([files, s3_files], gateway, s3_gateway, token)


async def test_the_examples_and_vignettes_of_the_r_package_run_for_a_reader(
    flights: PostgresService,
    secret_service: SecretService,
    connect_server: Attachment,
    stores: Stores,
    tmp_path: Path,
):
    attachments = [await service.attach(ServerId("alice"), service.levels[0]) for service in (flights, secret_service)]
    environment = attach(tmp_path / "attachments", *attachments, connect_server, *stores.attachments)
    environment["JUPYTERHUB_API_TOKEN"] = stores.token
    output = await run_r(ROOT / "tests/r/run_help.R", str(PACKAGE), environment=environment, timeout=600)
    assert "3 flights" in output
    assert "42P01" in output
    assert "<secret weather>" in output
    assert "s3cret" not in output
    assert (await stores.hdfs.call(stores.token, "GET", "/user/alice/data/mtcars.csv?op=GETFILESTATUS"))[0] == 200
    assert (await stores.s3.call(stores.token, "HEAD", "/users/alice/data/mtcars.csv"))[0] == 200


def test_no_file_of_the_r_package_replaces_a_function_of_another_one():
    sources = "".join(file.read_text() for file in (PACKAGE / "R").glob("*.R"))
    defined = Counter(re.findall(r"^([\w.]+) <- ", sources, re.MULTILINE))
    assert [name for name, count in defined.items() if count > 1] == []
