"""The schema of Hive's metastore in its database; the chart uses it too."""

import psycopg

from rc2hub.errors import Rc2Error

VERSION = "4.0.0"
"""The schema of Hive 4.0.1."""


def make_schema(connection: "psycopg.Connection[tuple[object, ...]]", script: bytes) -> None:
    """Make the schema by Hive's own script, if it is missing.

    It comes in one transaction, so it is there as a whole or not at all. Of two starts at once, the second waits.

    Raises:
        Rc2Error: if the database has the schema of another version.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('the schema of Hive'))")
        if not _value(connection, """SELECT to_regclass('public."VERSION"')"""):
            connection.execute(script)
        found = _value(connection, """SELECT "SCHEMA_VERSION" FROM public."VERSION" """)
    if found != VERSION:
        raise Rc2Error(
            f"The metastore's database has the schema of Hive {found}, and this metastore needs that of {VERSION}: back it "
            "up and run Hive's upgrade scripts, or name another database."
        )


def _value(connection: "psycopg.Connection[tuple[object, ...]]", query: str) -> object:
    """The only value that a query finds; None without a row."""
    row = connection.execute(query).fetchone()
    return row and row[0]
