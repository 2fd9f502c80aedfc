"""Makes the broker's role and the databases of the chart's PostgreSQL, as far as they are not there already.

A Job runs it at each install and upgrade: `postgresql_init.py HOST DATABASES`, with DATABASES as JSON, name to schemas.
"""

import json
import sys
import time
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier, Literal

ROLE = "rc2"
PASSWORDS = Path("/etc/rc2hub/postgresql")
LARGE_OBJECTS = SQL("FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea)")
Connection = psycopg.Connection


def main() -> None:
    """Wait for PostgreSQL, then see to the role and to each database."""
    host, databases, sample_data = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:] == ["sample-data"]
    with connect(host, "postgres", "postgres") as connection:
        make_role(connection)
        for name in databases:
            make_database(connection, name)
    if sample_data:
        fill(host)
    for name, schemas in databases.items():
        with connect(host, name, "postgres") as connection:
            close_large_objects(connection)
            for schema in schemas:
                connection.execute(
                    SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(Identifier(schema), Identifier(ROLE))
                )
    with connect(host, "postgres", "postgres") as connection:
        let_the_broker_in(connection)


def connect(host: str, database: str, user: str) -> Connection:
    """A connection, as soon as PostgreSQL accepts one; the Job's deadline ends the waiting."""
    password = (PASSWORDS / f"{user}-password").read_text().strip()
    while True:
        try:
            return psycopg.connect(host=host, dbname=database, user=user, password=password, autocommit=True)
        except psycopg.OperationalError as error:
            print(f"PostgreSQL does not accept {user} yet: {error}", flush=True)
            time.sleep(2)


def make_role(connection: Connection) -> None:
    """What the broker has to be: it makes login roles, grants on what it owns, and ends sessions."""
    role, password = Identifier(ROLE), (PASSWORDS / f"{ROLE}-password").read_text().strip()
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone()
    # the server is told a verifier: a statement may end up in its log
    verifier = connection.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    verb = SQL("ALTER" if known else "CREATE")
    connection.execute(SQL("{} ROLE {} CREATEROLE PASSWORD {}").format(verb, role, Literal(verifier)))
    connection.execute(SQL("GRANT pg_signal_backend TO {}").format(role))


def let_the_broker_in(connection: Connection) -> None:
    """Last of all: the broker gives rights on what it finds, so it may not come while the data are on their way."""
    connection.execute(SQL("ALTER ROLE {} LOGIN").format(Identifier(ROLE)))


def make_database(connection: Connection, name: str) -> None:
    """A database of the broker's, which nobody enters who was not let in."""
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(name), Identifier(ROLE)))
        print(f"Made the database {name}.")
    connection.execute(SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(Identifier(name)))


def close_large_objects(connection: Connection) -> None:
    """Leave it to the broker who may make large objects; PostgreSQL lets everybody."""
    connection.execute(SQL("REVOKE EXECUTE ON {} FROM PUBLIC").format(LARGE_OBJECTS))
    connection.execute(SQL("GRANT EXECUTE ON {} TO {} WITH GRANT OPTION").format(LARGE_OBJECTS, Identifier(ROLE)))


def fill(host: str) -> None:
    """Put the laptop's data into the database `flights`, all or nothing."""
    from rc2hub.local import sample_data  # noqa: PLC0415 - only where the data are asked for

    with connect(host, sample_data.DATABASE, "postgres") as connection, connection.transaction():
        connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(ROLE)))
        if not connection.execute("SELECT to_regclass('public.flights')").fetchone()[0]:
            sample_data.load(connection)
            print("Filled the database flights.")


main()
