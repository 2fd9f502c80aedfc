"""What R answers to the data grid: pages of a table, sorted and filtered, as the variable is now."""

import time
from typing import Any

from tests.fixtures.kernel import R

PLAIN: dict[str, Any] = {"order": {}, "filters": {}}
ALL = {"rows": [0, 100], "columns": [0, 20]}
SHOWN = r"""
x <- data.frame(n = c(2.5, NA, 1e5), t = c("b", "A\tb", NA), d = as.Date("2024-01-02") + c(0, NA, 1), stringsAsFactors = FALSE)
x$f <- factor(c("u", NA, "v")); x$l <- list(1, 2:3, NULL); x$m <- matrix(1:6, 3); x$i <- bit64::as.integer64(c("9007199254740993", NA, 1))
x$broken <- structure(1:3, class = "broken"); `[.broken` <- format.broken <- function(x, ...) stop("called")
x$bytes <- c("\xe9", strrep("x", 300), "")
"""


async def grid(r: R, name: str = "x", **wanted: Any) -> Any:
    await r.open(target="rc2.grid", name=name)
    return await r.ask(**{**PLAIN, **wanted})


async def column(r: R, number: int, **wanted: Any) -> list[Any]:
    page = await r.ask(rows=[0, 100], columns=[number, number + 1], **{**PLAIN, **wanted})
    return list(page["cells"][0])


async def test_cells_of_every_kind_are_shown_and_one_that_fails_shows_its_error(r: R):
    await r.run(SHOWN)
    table = await grid(r)
    kinds = [(each["name"], each["type"], each["kind"]) for each in table["columns"]]
    assert kinds[:3] == [("n", "numeric", "range"), ("t", "character", "text"), ("d", "Date", "range")]
    assert (table["rows"], table["total"]) == (3, 3)
    page = await r.ask(**PLAIN, **ALL)
    assert page["labels"] == ["1", "2", "3"]
    assert page["cells"] == [
        ["2.5", None, "100000"],
        ["b", "A\tb", None],
        ["2024-01-02", None, "2024-01-03"],
        ["u", None, "v"],
        ["1", "2 3", "NULL"],
        ["1, 4", "2, 5", "3, 6"],
        ["9007199254740993", None, "1"],
        ["<called>"] * 3,
        ["<e9>", "x" * 200 + "…", ""],
    ]
    copied = await r.ask(**PLAIN, rows=[1, 2], columns=[8, 9], whole=True)
    assert copied["cells"] == [["x" * 300]]


async def test_rows_are_sorted_with_missing_values_last_and_filtered_by_text_and_range(r: R):
    await r.run("x <- data.frame(n = c(3, NA, 1, 2), t = c('Ab', 'b', NA, 'c'), row.names = letters[1:4])")
    descending = {"order": {"column": 0, "descending": True}}
    assert (await grid(r, **descending))["rows"] == 4
    assert await column(r, 0, **descending) == ["3", "2", "1", None]
    text = {"filters": {"1": {"column": 1, "contains": "B"}}}
    described = await r.ask(**{**PLAIN, **text})
    assert (described["rows"], described["total"]) == (2, 4)
    assert (await r.ask(**{**PLAIN, **text}, **ALL))["labels"] == ["a", "b"]
    both = {"filters": {"0": {"column": 0, "from": "2", "to": ""}, "1": {"column": 1, "contains": "a"}}}
    assert await column(r, 0, **both) == ["3"]
    wrong = await r.ask(**{**PLAIN, "filters": {"0": {"column": 0, "from": "two", "to": ""}}})
    assert wrong["problem"] == "“two” is no number."


async def test_dates_and_times_are_filtered_by_ranges(r: R):
    await r.run(
        "x <- data.frame(d = as.Date('2024-01-01') + 0:9, t = as.POSIXct('2024-01-01 10:00', tz = 'UTC') + 3600 * 0:9)"
    )
    await grid(r)
    assert await column(r, 0, filters={"0": {"column": 0, "from": "2024-01-09", "to": ""}}) == ["2024-01-09", "2024-01-10"]
    time = {"column": 1, "from": "2024-01-01 18:30", "to": "2024-01-01 19:00"}
    assert await column(r, 1, filters={"1": time}) == ["2024-01-01 19:00:00"]
    wrong = await r.ask(**{**PLAIN, "filters": {"0": {"column": 0, "from": "soon", "to": ""}}})
    assert wrong["problem"] == "“soon” is no date."


async def test_a_grid_shows_the_variable_as_of_the_last_cell(r: R):
    await r.run("x <- data.frame(n = 3:1)")
    ascending = {"order": {"column": 0, "descending": False}}
    await grid(r, **ascending)
    assert await column(r, 0, **ascending) == ["1", "2", "3"]
    assert await r.run("y <- 1") == []
    assert [data for _, _, data in await r.run("x$n[1] <- 0L")] == [{"changed": True}]
    assert await column(r, 0, **ascending) == ["0", "1", "2"]
    await r.run("rm(x)")
    assert (await r.ask(**PLAIN))["problem"] == "R has no table x any more."
    await r.run("x <- data.frame(n = 7L)")
    assert (await r.ask(**PLAIN))["rows"] == 1


async def test_a_data_table_that_changes_in_place_is_sorted_anew(r: R):
    await r.run("x <- data.table::data.table(n = c(3, 1, 2))")
    ascending = {"order": {"column": 0, "descending": False}}
    await grid(r, **ascending)
    await r.run("x[2, n := 9]")
    assert await column(r, 0, **ascending) == ["2", "3", "9"]


async def test_view_is_the_grid_after_r_has_collected_garbage_too(r: R):
    await r.run("invisible(gc(full = TRUE))")
    assert len(await r.run("View(cars)")) == 1


async def test_view_opens_a_variable_an_expression_and_a_matrix(r: R):
    await r.run("x <- data.frame(n = 1:3)")
    for code, title, rows in (
        ("View(x)", "x", 3),
        ("View(head(x, 2))", "head(x, 2)", 2),
        ("View(matrix(0, 5, 2), 'zeros')", "zeros", 5),
    ):
        [(kind, comm, data)] = await r.run(code)
        assert (kind, data) == ("comm_open", {"title": title})
        assert (await r.ask(comm, **PLAIN))["rows"] == rows
        await r.send("comm_close", comm, data={})
    await r.run("View(mean)")
    assert "View() shows data frames, matrices, vectors and lazy tables, and no function." in r.output


async def test_a_page_of_a_million_rows_and_a_hundred_columns_takes_less_than_a_tenth_of_a_second(r: R):
    await r.run("x <- as.data.frame(lapply(1:100, function(i) seq_len(1e6) + i / 3))")
    await grid(r)
    seconds = []
    for row in range(0, 1_000_000, 100_000):
        start = time.perf_counter()
        await r.ask(**PLAIN, rows=[row, row + 100], columns=[40, 60])
        seconds.append(time.perf_counter() - start)
    assert sorted(seconds)[len(seconds) // 2] < 0.1
