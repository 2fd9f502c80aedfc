"""Creates the broker's role and the databases in the chart's PostgreSQL, if they do not exist yet.

A Job runs this at each install and upgrade: `postgresql_init.py HOST DATABASES [sample-data] [hive]`. DATABASES is JSON that
maps each name to its schemas. With `hive`, there is a role for Hive's metastore too, which owns a database of the same name.
"""

import json
import sys
import time
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg.sql import SQL, Identifier, Literal

ROLE, METASTORE = "rc2", "hive"
PASSWORDS = Path("/etc/rc2hub/postgresql")
LARGE_OBJECTS = SQL("FUNCTION lo_create(oid), lo_creat(integer), lo_from_bytea(oid, bytea)")
Connection = psycopg.Connection


def main() -> None:
    """Wait for PostgreSQL, then create the role and each database."""
    host, databases, options = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
    with connect(host, "postgres", "postgres") as connection:
        create_role(connection, ROLE, "CREATEROLE")
        connection.execute(SQL("GRANT pg_signal_backend TO {}").format(Identifier(ROLE)))
        for name in ("postgres", "template1"):
            close_database(connection, name)
        for name in databases:
            create_database(connection, name, ROLE)
        if "hive" in options:
            create_role(connection, METASTORE, "LOGIN")
            create_database(connection, METASTORE, METASTORE)
    if "sample-data" in options:
        load_sample_data(host)
    for name, schemas in databases.items():
        with connect(host, name, "postgres") as connection:
            restrict_large_objects(connection)
            for schema in schemas:
                connection.execute(
                    SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(Identifier(schema), Identifier(ROLE))
                )
    with connect(host, "postgres", "postgres") as connection:
        allow_login(connection)


def connect(host: str, database: str, user: str) -> Connection:
    """A connection, as soon as PostgreSQL accepts one; the Job's deadline limits the wait."""
    password = (PASSWORDS / f"{user}-password").read_text().strip()
    while True:
        try:
            return psycopg.connect(host=host, dbname=database, user=user, password=password, autocommit=True)
        except psycopg.OperationalError as error:
            print(f"PostgreSQL does not accept {user} yet: {error}", flush=True)
            time.sleep(2)


def create_role(connection: Connection, role: str, attribute: LiteralString) -> None:
    """A role with the password of its file.

    That of the broker creates login roles, grants rights on what it owns, and ends sessions.
    """
    password = (PASSWORDS / f"{role}-password").read_text().strip()
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    # send a verifier instead of the password: the server may log the statement
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    statement = SQL("{} ROLE {} {} PASSWORD {}")
    verb = SQL("ALTER" if known else "CREATE")
    connection.execute(statement.format(verb, Identifier(role), SQL(attribute), Literal(verifier)))


def allow_login(connection: Connection) -> None:
    """The last step: the broker grants rights on existing objects, so it must not log in before the data are loaded."""
    connection.execute(SQL("ALTER ROLE {} LOGIN").format(Identifier(ROLE)))


def create_database(connection: Connection, name: str, owner: str) -> None:
    """A database with this owner; only roles with a grant can connect."""
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(name), Identifier(owner)))
        print(f"Created the database {name}.")
    close_database(connection, name)


def close_database(connection: Connection, name: str) -> None:
    """Let only roles with a grant connect; users of one database could otherwise connect to all."""
    connection.execute(SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(Identifier(name)))


def restrict_large_objects(connection: Connection) -> None:
    """Let only the broker grant the right to create large objects; by default, every role has it."""
    connection.execute(SQL("REVOKE EXECUTE ON {} FROM PUBLIC").format(LARGE_OBJECTS))
    connection.execute(SQL("GRANT EXECUTE ON {} TO {} WITH GRANT OPTION").format(LARGE_OBJECTS, Identifier(ROLE)))


def load_sample_data(host: str) -> None:
    """Load the sample data into the database `flights`, in one transaction."""
    from rc2hub.local import sample_data  # noqa: PLC0415 - only needed for this option

    with connect(host, sample_data.DATABASE, "postgres") as connection, connection.transaction():
        connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(ROLE)))
        if not connection.execute("SELECT to_regclass('public.flights')").fetchone()[0]:
            sample_data.load(connection)
            print("Loaded the sample data into the database flights.")


main()
