"""Prepares a start of the chart's Hive metastore: the key with which it checks calls, and the schema of its database.

An init container runs this at each start: `hive_init.py URL KEY FOLDER`. FOLDER holds Hive's script as `schema.sql`, and
gets the public part of KEY as `jwks.json`.
"""

import sys
import time
from pathlib import Path

import psycopg

from rc2hub.errors import Rc2Error
from rc2hub.gateways.hive_key import jwks_file, public_key
from rc2hub.local.hive_schema import make_schema


def main() -> None:
    """Write the public key, and make the schema if it is missing."""
    url, key, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    jwks_file(folder).write_text(public_key(key.read_bytes()))
    with connect(url) as connection:
        make_schema(connection, (folder / "schema.sql").read_bytes())


def connect(url: str) -> psycopg.Connection:
    """A connection, as soon as there is a database and PostgreSQL accepts one; libpq takes the password from PGPASSWORD."""
    while True:
        try:
            return psycopg.connect(url, autocommit=True)
        except psycopg.OperationalError as error:
            print(f"The metastore's database does not accept a connection yet: {error}", flush=True)
            time.sleep(2)


try:
    main()
except (Rc2Error, psycopg.Error, OSError) as error:
    sys.exit(f"The metastore cannot start: {error}")
