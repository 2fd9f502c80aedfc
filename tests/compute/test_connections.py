"""What R answers to the panel Connections: databases, what is in them, and the code that reads a table."""

from typing import Any

import pytest

from tests.fixtures.kernel import R

MADE = """con <- DBI::dbConnect(RSQLite::SQLite())
DBI::dbWriteTable(con, "two words", data.frame(n = 1:2, t = c("a", "b"), day = 1.5))
DBI::dbWriteTable(con, "cars", mtcars)
`my con` <- DBI::dbConnect(RSQLite::SQLite())
closed <- DBI::dbConnect(RSQLite::SQLite()); DBI::dbDisconnect(closed)
"""


@pytest.fixture
async def connections(r: R) -> R:
    await r.run(MADE)
    await r.open(target="rc2.connections")
    return r


async def objects(r: R, **question: Any) -> list[dict[str, Any]]:
    answer = await r.ask(**question)
    assert "problem" not in answer, answer
    return list(answer["objects"])


async def test_open_connections_of_any_package_are_shown(connections: R) -> None:
    found = await objects(connections)
    assert [(each["name"], each["code"]) for each in found] == [("con", "con"), ("my con", "`my con`")]


async def test_tables_and_their_columns_are_shown_with_code_that_runs(connections: R) -> None:
    tables = await objects(connections, connection="con", path={})
    assert [(each["name"], each["kind"]) for each in tables] == [("cars", "table"), ("two words", "table")]
    assert tables[1]["code"] == 'dplyr::tbl(con, "two words")'
    columns = await objects(connections, connection="con", path=tables[1]["path"])
    assert [(each["name"], each["type"]) for each in columns] == [("n", "integer"), ("t", "character"), ("day", "numeric")]
    await connections.run(f"cat(nrow(dplyr::collect({tables[1]['code']})))")
    assert connections.output == "2"


async def test_a_question_that_fails_is_one_sentence(connections: R) -> None:
    answer = await connections.ask(connection="closed", path={})
    assert answer["problem"]
    assert "\n" not in answer["problem"]
    assert (await connections.ask(connection="con", path={"table": "absent"}))["problem"] == "no such table: absent"
