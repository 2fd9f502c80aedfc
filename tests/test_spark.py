"""Spark from R, in a whole login: a start does not wait for Spark, and the first call does."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.hub import Client, Kernel, Rc2, RError, rc2_with, until


@pytest.fixture(scope="module")
async def r(rc2: Rc2) -> AsyncIterator[Kernel]:
    """R of a user with flights and Spark."""
    rc2.groups(alice=["analysts"], bob=[], sparkling=["analysts"])
    async with rc2.client() as client:
        await client.create("sparkling")
        assert (await client.start("sparkling", services=["flights", "spark"]))[0] == 201
        async with client.kernel("sparkling") as kernel:
            await kernel.run("library(rc2); suppressMessages(library(dplyr)); con <- rc2_spark()")
            await kernel.run("options(jupyter.in_kernel = FALSE)")  # no progress bars
            yield kernel
        await client.stop("sparkling")


async def test_a_start_does_not_wait_for_spark_whose_state_is_shown(rc2: Rc2, client: Client, username: str):
    rc2.groups(alice=["analysts"], bob=[], sparkling=["analysts"], **{username: ["analysts"]})
    await client.create(username)
    assert (await client.start(username, services=["spark"]))[0] == 201
    async with client.kernel(username) as r:
        line = "s <- rc2::rc2_services(); cat(s$attached[s$service == 'spark'], s$message[s$service == 'spark'])"
        assert await r.run(line) == "FALSE The service is being attached."

        async def attached() -> bool:
            return await r.run(line) == "TRUE "

        await until(attached)
    await client.stop(username)


async def test_spark_without_a_grant_is_refused_with_the_reason_and_a_contact(client: Client, username: str):
    await client.create(username)
    status, answer = await client.start(username, services=["spark"])
    assert status == 403
    assert answer["message"] == "spark: you have no grant for this service; ask the operator of this hub."


async def test_dplyr_works_on_spark(r: Kernel):
    code = """
    cars <- copy_to(con, mtcars, overwrite = TRUE)
    mean_of <- function(d) d %>% group_by(cyl) %>% summarise(m = mean(mpg, na.rm = TRUE)) %>% arrange(cyl) %>% collect()
    cat(isTRUE(all.equal(mean_of(cars)$m, mean_of(mtcars)$m)))
    names <- copy_to(con, data.frame(cyl = c(4, 6), name = c("four", "it's \\\\ six")), "names", overwrite = TRUE)
    joined <- left_join(cars, names, by = "cyl") %>% count(name) %>% collect()
    cat("", as.integer(joined$n[match("it's \\\\ six", joined$name)]), as.integer(sum(joined$n)))
    few <- cars %>% filter(cyl == 4) %>% compute()
    cat("", nrow(collect(few)), nrow(collect(cars %>% group_by(cyl) %>% filter(row_number(mpg) == 1))))
    """
    assert await r.run(code) == "TRUE 7 32 11 3"


async def test_a_table_whose_name_is_given_as_sql_is_replaced_and_kept_if_that_fails(r: Kernel):
    code = """
    name <- DBI::SQL("kept")
    DBI::dbWriteTable(con, name, data.frame(x = 1:2))
    DBI::dbWriteTable(con, name, data.frame(x = 3:5), overwrite = TRUE)
    try(DBI::dbWriteTable(con, name, data.frame(x = 6), overwrite = TRUE, field.types = c(x = "NO TYPE")), silent = TRUE)
    cat(DBI::dbReadTable(con, name)$x)
    DBI::dbRemoveTable(con, name)
    """
    assert await r.run(code) == "3 4 5"


async def test_a_result_is_fetched_in_pieces(r: Kernel):
    code = """
    rows <- DBI::dbSendQuery(con, "SELECT id FROM range(250000)")
    sizes <- integer()
    while (!DBI::dbHasCompleted(rows)) sizes <- c(sizes, nrow(DBI::dbFetch(rows, 100000)))
    DBI::dbClearResult(rows)
    cat(sizes)
    """
    assert await r.run(code) == "100000 100000 50000"


async def test_flights_are_a_catalogue_with_the_rights_of_the_users_role(r: Kernel):
    assert await r.run("cat(format(DBI::dbGetQuery(con, 'SELECT count(*) FROM flights.public.flights')[[1]]))") == "336776"
    with pytest.raises(RError, match="permission denied"):
        await r.run("DBI::dbExecute(con, 'CREATE TABLE flights.public.new_table (a INT)')")


async def test_a_user_without_flights_has_no_catalogue_of_them(rc2: Rc2, client: Client, username: str):
    rc2.groups(alice=["analysts"], bob=[], sparkling=["analysts"], **{username: ["analysts"]})
    await client.create(username)
    await client.start(username, services=["spark"])
    async with client.kernel(username) as r:
        with pytest.raises(RError, match="flights"):
            await r.run("DBI::dbGetQuery(rc2::rc2_spark(), 'SELECT * FROM flights.public.flights')")
    await client.stop(username)


async def test_an_error_has_sparks_message_its_sqlstate_and_its_place(r: Kernel):
    code = """
    e <- tryCatch(DBI::dbGetQuery(con, "SELECT * FROM nope"), error = identity)
    cat(class(e)[[1]], e$sqlstate, grepl("TABLE_OR_VIEW_NOT_FOUND", conditionMessage(e)))
    cat("", grepl("\\\\bat org", conditionMessage(e)), endsWith(conditionMessage(e), "\\n              ^"))
    """
    assert await r.run(code) == "rc2_error 42P01 TRUE FALSE TRUE"


async def test_regressions_have_the_results_of_r(r: Kernel):
    code = """
    cars <- copy_to(con, mtcars, overwrite = TRUE)
    line <- ml_linear_regression(cars, mpg ~ wt + hp)
    cat(isTRUE(all.equal(coef(line), coef(lm(mpg ~ wt + hp, mtcars)), tolerance = 1e-6)))
    curve <- ml_logistic_regression(cars, am ~ wt)
    cat("", isTRUE(all.equal(coef(curve), coef(glm(am ~ wt, binomial, mtcars)), tolerance = 1e-4)))
    fitted <- predict(line, cars) %>% collect()
    cat("", isTRUE(all.equal(sort(fitted$prediction), unname(sort(fitted(lm(mpg ~ wt + hp, mtcars)))), tolerance = 1e-6)))
    """
    assert await r.run(code) == "TRUE TRUE TRUE"


async def test_a_long_query_shows_its_progress(r: Kernel):
    await r.run("options(jupyter.in_kernel = TRUE)")
    pid = int(await r.run("cat(Sys.getpid())"))
    query = "DBI::dbGetQuery(con, 'SELECT count(*) FROM range(1000000000000) WHERE id % 7 = 3')"
    running = asyncio.create_task(r.run(f"tryCatch({query}, interrupt = function(i) cat('interrupted'))"))

    async def shows_progress() -> bool:
        return "%" in r.output

    await until(shows_progress)
    os.kill(pid, signal.SIGINT)
    assert (await running).endswith("interrupted")
    await r.run("options(jupyter.in_kernel = FALSE)")


async def test_an_interrupt_of_r_cancels_the_query_in_spark(r: Kernel):
    code = """
    long <- function() {
      system(paste("(sleep 1; kill -INT", Sys.getpid(), ") &"))
      DBI::dbGetQuery(con, "SELECT count(*) FROM range(1000000000000)")
    }
    took <- system.time(result <- tryCatch(long(), interrupt = function(i) "interrupted"))[["elapsed"]]
    cat(result, took < 20, DBI::dbGetQuery(con, "SELECT 5 AS x")$x)
    """
    assert (await r.run(code)).endswith("interrupted TRUE 5")


async def test_a_query_that_takes_all_memory_ends_only_the_spark_of_its_user(
    rc2: Rc2, client: Client, r: Kernel, username: str
):
    rc2.groups(alice=["analysts"], bob=[], sparkling=["analysts"], **{username: ["analysts"]})
    await client.create(username)
    await client.start(username, services=["spark"])
    async with client.kernel(username) as other:
        await other.run("con <- rc2::rc2_spark()")
        await other.run("DBI::dbExecute(con, 'CREATE TEMPORARY VIEW forty_one AS SELECT 41 AS x')")
        with pytest.raises(RError, match="Your Spark server ended"):
            await r.run("DBI::dbGetQuery(con, 'SELECT size(collect_list(id)) FROM range(100000000)')")
        assert await other.run("cat(DBI::dbGetQuery(con, 'SELECT x + 1 AS y FROM forty_one')$y)") == "42"
        assert (await r.run("cat(DBI::dbGetQuery(con, 'SELECT 7 AS x')$x)")).endswith("7")
    await client.stop(username)


async def test_an_idle_spark_ends_and_the_next_call_starts_another(tmp_path: Path):
    rc2 = Rc2(tmp_path / "rc2")
    rc2.environment["RC2_TEST_IDLE_STOP"] = "5"
    rc2.start()
    try:
        async with rc2.client() as client:
            await client.create("alice")
            assert (await client.start("alice", services=["spark"]))[0] == 201
            async with client.kernel("alice") as r:
                await r.run("con <- rc2::rc2_spark(); DBI::dbGetQuery(con, 'SELECT 1 AS x')")
                length = len(rc2.log())

                async def ended() -> bool:
                    return "the Connect server of alice was idle and is stopped" in rc2.since(length)

                await until(ended)
                output = await r.run("cat(DBI::dbGetQuery(con, 'SELECT 8 AS x')$x)")
                assert "Spark had ended meanwhile and was started again" in output
                assert output.endswith("8")
    finally:
        rc2.stop()


async def test_where_spark_is_not_installed_only_spark_fails_with_the_reason(tmp_path: Path):
    with rc2_with(tmp_path, 'c.SparkDrivers.environment_dir = "/nowhere"') as rc2:
        async with rc2.client() as client:
            await client.create("alice")
            assert (await client.start("alice", services=["flights", "spark"]))[0] == 201
            async with client.kernel("alice") as r:
                await r.run("s <- rc2::rc2_services(); row.names(s) <- s$service")
                assert await r.run("cat(s['flights', 'attached'], s['spark', 'attached'])") == "TRUE FALSE"
                assert "Spark is not installed in /nowhere" in await r.run("cat(s['spark', 'message'])")
                with pytest.raises(RError, match="Spark is not installed in /nowhere; an operator has to install it"):
                    await r.run("rc2::rc2_spark()")
            assert (await client.call("GET", "/services/rc2/api/health"))[1]["services"]["spark"] == "failed"
