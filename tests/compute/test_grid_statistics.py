"""What R says of the values of a column of the data grid, with R's own functions as judge."""

from typing import Any

from tests.fixtures.kernel import R

PLAIN: dict[str, Any] = {"order": {}, "filters": {}}
MADE = """
x <- data.frame(n = c(3.25, NA, 1, 2, 4.5), i = c(9L, 1L, NA, 4L, 6L), t = c('b', 'a', NA, 'b', 'a'), none = NA_real_)
x$d <- as.Date('2024-01-01') + c(4, 0, 2, NA, 1); x$f <- factor(c('u', 'v', 'v', 'v', NA)); x$l <- list(1, 2, 3, NULL, 5)
x$m <- matrix(1:10, 5); x$b <- c(TRUE, FALSE, NA, TRUE, TRUE); x$big <- bit64::as.integer64(c('9007199254740993', 1, 2, 3, NA))
"""


async def statistics(r: R, name: str, column: int, **wanted: Any) -> dict[str, str]:
    await r.open(target="rc2.grid", name=name)
    answer = await r.ask(statistics=column, **{**PLAIN, **wanted})
    assert "problem" not in answer, answer
    return {each["name"]: each["value"] for each in answer["statistics"]}


async def test_numbers_have_quartiles_mean_and_standard_deviation(r: R) -> None:
    await r.run(MADE)
    found = await statistics(r, "x", 0)
    await r.run("y <- na.omit(x$n); cat(formatC(c(quantile(y), mean(y), sd(y)), digits = 7, format = 'fg', width = 1))")
    names = ["minimum", "1st quartile", "median", "3rd quartile", "maximum", "mean", "standard deviation"]
    assert found == {"missing": "1", **dict(zip(names, r.output.split(), strict=True))}


async def test_whole_numbers_and_dates_have_quartiles_that_are_among_them(r: R) -> None:
    await r.run(MADE)
    integers = await statistics(r, "x", 1)
    assert [integers[name] for name in ("minimum", "1st quartile", "median", "3rd quartile", "maximum")] == [
        "1",
        "1",
        "4",
        "6",
        "9",
    ]
    assert integers["mean"] == "5"
    dates = await statistics(r, "x", 4)
    assert (dates["minimum"], dates["median"], dates["maximum"]) == ("2024-01-01", "2024-01-02", "2024-01-05")
    assert "mean" not in dates
    assert (await statistics(r, "x", 9))["maximum"] == "9007199254740993"


async def test_texts_factors_and_logical_values_are_counted_the_most_frequent_first(r: R) -> None:
    await r.run(MADE)
    assert await statistics(r, "x", 2) == {"missing": "1", "different values": "2", "a": "2", "b": "2"}
    assert list((await statistics(r, "x", 5)).items()) == [
        ("missing", "1"),
        ("different values", "2"),
        ("v", "3"),
        ("u", "1"),
    ]
    assert await statistics(r, "x", 8) == {"missing": "1", "different values": "2", "TRUE": "3", "FALSE": "1"}
    await r.run("x <- data.frame(t = sprintf('k%06d', seq_len(1e6) %% 50000))")
    assert (await statistics(r, "x", 0))["different values"] == "50\u202f000"


async def test_columns_without_values_or_order_say_what_there_is(r: R) -> None:
    await r.run(MADE)
    assert await statistics(r, "x", 3) == {"missing": "5"}
    assert await statistics(r, "x", 6) == {"missing": "0"}
    await r.open(target="rc2.grid", name="x")
    assert (await r.ask(statistics=7, **PLAIN))["problem"] == "A matrix in a column has no statistics."


async def test_statistics_are_those_of_the_rows_that_pass_the_filters(r: R) -> None:
    await r.run(MADE)
    filters = {"2": {"column": 2, "contains": "a"}}
    found = await statistics(r, "x", 1, filters=filters)
    assert (found["minimum"], found["maximum"], found["missing"]) == ("1", "6", "0")


async def test_a_lazy_table_has_the_statistics_of_all_its_rows_from_its_database(r: R) -> None:
    await r.run(
        """con <- DBI::dbConnect(RSQLite::SQLite())
        DBI::dbWriteTable(con, "t", data.frame(n = c(NA, seq_len(20000)) / 8, k = rep_len(c("a", "b", NA), 20001)))
        lazy <- dplyr::tbl(con, "t")"""
    )
    numbers = await statistics(r, "lazy", 0)
    await r.run("cat(formatC(c(mean(1:20000 / 8), sd(1:20000 / 8)), digits = 7, format = 'fg', width = 1))")
    mean, deviation = r.output.split()
    assert numbers == {"missing": "1", "minimum": "0.125", "maximum": "2500", "mean": mean, "standard deviation": deviation}
    assert await statistics(r, "lazy", 1) == {
        "missing": "6\u202f667",
        "different values": "2",
        "a": "6\u202f667",
        "b": "6\u202f667",
    }
    filtered = await statistics(r, "lazy", 0, filters={"0": {"column": 0, "from": "", "to": "1"}})
    assert (filtered["missing"], filtered["maximum"]) == ("0", "1")
    assert await statistics(r, "lazy", 0, filters={"0": {"column": 0, "from": "9999", "to": ""}}) == {"missing": "0"}
