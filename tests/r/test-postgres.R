# What users do with rc2_connect(), in their words. `service` is a service with a grant to write.
con <- rc2_connect(service)

server_value <- function(sql) dbGetQuery(con, sql)[[1]]
drop <- function(...) for (name in c(...)) try(dbRemoveTable(con, name), silent = TRUE)

test_that("a table that is written is there, and overwrite = TRUE replaces its rows", {
  expect_true(dbWriteTable(con, "cars1", head(mtcars, 3)))
  expect_named(dbReadTable(con, "cars1"), names(mtcars))
  dbExecute(con, "CREATE TABLE keep_me(x int)")
  dbExecute(con, "INSERT INTO keep_me VALUES (1),(2)")
  expect_true(dbWriteTable(con, "keep_me", data.frame(x = 9L), overwrite = TRUE, row.names = FALSE))
  expect_equal(dbReadTable(con, "keep_me"), data.frame(x = 9L))
  expect_error(dbWriteTable(con, "keep_me", data.frame(x = 1L)), "exists already", class = "rc2_error")
  expect_true(dbRemoveTable(con, "cars1"))
  drop("keep_me")
})

test_that("a write that fails leaves the table as it was", {
  dbWriteTable(con, "kept", data.frame(x = 1:2))
  expect_error(dbWriteTable(con, "kept", data.frame(x = 3:4, y = 1), append = TRUE), "no column y")
  expect_error(dbWriteTable(con, "kept", data.frame(x = 3L), overwrite = TRUE, field.types = c(x = "nonsense")), "nonsense")
  expect_equal(dbReadTable(con, "kept")$x, 1:2)
  expect_equal(dbAppendTable(con, "kept", data.frame(x = 3)), 1)
  expect_error(dbAppendTable(con, "kept", data.frame(x = 3.5)), "3.5", class = "rc2_error")
  expect_equal(dbReadTable(con, "kept")$x, 1:3)
  drop("kept")
})

test_that("R's classes have PostgreSQL's types", {
  frame <- data.frame(l = NA, i = 1L, d = 1, s = "a", f = factor("a"), day = Sys.Date(), t = Sys.time(), r = as.raw(1))
  frame$lt <- as.POSIXlt(frame$t)
  frame$big <- bit64::as.integer64(1)
  frame$hours <- as.difftime(5, units = "hours")
  frame$days <- as.difftime(5, units = "days")
  frame$cells <- list(1:2)
  frame$blob <- list(as.raw(1))
  frame$as_is <- I(1L)
  expect_equal(unname(dbDataType(con, frame)), c("BOOLEAN", "INTEGER", "DOUBLE PRECISION", "TEXT", "TEXT", "DATE", "TIMESTAMPTZ",
    "BYTEA", "TIMESTAMPTZ", "BIGINT", "TIME", "INTERVAL", "INTEGER[]", "BYTEA", "INTEGER"))
  expect_error(dbDataType(con, sum), "no type for this value", class = "rc2_error")
})

test_that("SET, BEGIN and DROP by dbGetQuery() give an empty frame", {
  expect_equal(nrow(dbGetQuery(con, "SET search_path TO public")), 0)
  expect_equal(nrow(dbGetQuery(con, "BEGIN")), 0)
  expect_equal(nrow(dbGetQuery(con, "ROLLBACK")), 0)
})

test_that("what is written in and after dbWithTransaction() is there after a new connection", {
  dbExecute(con, "CREATE TABLE logbook(x int)")
  expect_equal(dbWithTransaction(con, dbExecute(con, "INSERT INTO logbook VALUES (1)")), 1)
  dbExecute(con, "INSERT INTO logbook VALUES (2)")
  expect_error(dbWithTransaction(con, { dbExecute(con, "INSERT INTO logbook VALUES (3)"); stop("no") }), "no")
  other <- rc2_connect(service, new = TRUE)
  expect_equal(dbGetQuery(other, "SELECT x FROM logbook ORDER BY x")$x, 1:2)
  dbDisconnect(other)
  drop("logbook")
})

test_that("a transaction that failed cannot be committed, and an open one is rolled back with a warning", {
  other <- rc2_connect(service, new = TRUE)
  dbBegin(other)
  expect_error(dbBegin(other), "open already")
  expect_error(dbGetQuery(other, "SELECT 1/0"), "division by zero")
  expect_error(dbCommit(other), "dbRollback")
  expect_true(dbRollback(other))
  dbBegin(other)
  expect_warning(dbDisconnect(other), "rolled back")
})

test_that("a few rows of a long result in a transaction leave the transaction usable", {
  dbBegin(con)
  result <- dbSendQuery(con, "SELECT a, repeat('x', 100) AS b FROM generate_series(1, 5000000) a")
  expect_equal(dbFetch(result, 3)$a, 1:3)
  dbClearResult(result)
  expect_equal(server_value("SELECT 7"), 7)
  dbCommit(con)
})

test_that("a time is stored as the same moment, whatever the time zones", {
  when <- as.POSIXct("2024-07-01 08:00:00.25", tz = "America/New_York")
  dbWriteTable(con, "seen", data.frame(when), overwrite = TRUE)
  expect_equal(server_value("SELECT (\"when\" AT TIME ZONE 'UTC')::text FROM seen"), "2024-07-01 12:00:00.25")
  expect_equal(as.numeric(dbReadTable(con, "seen")$when), as.numeric(when))
  now <- data.frame(t = as.POSIXct(Sys.time(), tz = "Asia/Tokyo"))
  dbWriteTable(con, "seen", now, overwrite = TRUE)
  expect_lt(abs(server_value("SELECT extract(epoch FROM t - now())::float8 FROM seen")), 60)
  expect_equal(dbGetQuery(con, "SELECT $1::timestamptz = '2024-07-01 12:00:00.25Z' AS same", params = list(when))$same, TRUE)
  expect_equal(server_value(paste("SELECT", dbQuoteLiteral(con, when), "= '2024-07-01 12:00:00.25Z'")), TRUE)
  drop("seen")
})

test_that("an interrupt ends the query in the database, and the connection goes on", {
  watch <- rc2_connect(service, new = TRUE)
  for (sql in c("SELECT pg_sleep(120)", "SELECT count(*) FROM generate_series(1, 100000000000) a")) {
    system(paste("(sleep 1; kill -INT", Sys.getpid(), ") &"))
    took <- system.time(end <- tryCatch(dbGetQuery(con, sql), interrupt = function(i) "interrupted"))[["elapsed"]]
    expect_equal(end, "interrupted")
    expect_lt(took, 3)
    running <- "SELECT count(*)::int FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND usename = session_user"
    expect_equal(dbGetQuery(watch, running)[[1]], 0)
    expect_equal(server_value("SELECT 5"), 5)
  }
  dbDisconnect(watch)
})

test_that("after a fetch that was interrupted the next one does not go on with a gap", {
  sql <- "SELECT i, CASE WHEN i = 900000 THEN pg_sleep(60)::text END AS slow FROM generate_series(1, 1000000) i"
  result <- dbSendQuery(con, sql)
  expect_equal(dbFetch(result, 2)$i, 1:2)
  expect_error({ setTimeLimit(elapsed = 3, transient = TRUE); dbFetch(result) }, "elapsed time limit")
  setTimeLimit()
  expect_error(dbFetch(result, 2), "An earlier dbFetch\\(\\) of this result did not end, and its rows are lost; send the query again")
  expect_true(dbClearResult(result))
  expect_equal(server_value("SELECT 5"), 5)
})

test_that("a time limit of R ends the query with R's own error", {
  expect_error({ setTimeLimit(elapsed = 1, transient = TRUE); dbGetQuery(con, "SELECT pg_sleep(60)") }, "elapsed time limit")
  setTimeLimit()
  expect_equal(server_value("SELECT 5"), 5)
})

test_that("the cell that connects can be run again, and forgotten connections are closed", {
  for (i in 1:7) con <- rc2_connect(service)
  for (i in 1:7) { other <- rc2_connect(service, new = TRUE); rm(other) }
  expect_equal(server_value("SELECT 1"), 1)
  many <- list()
  error <- tryCatch(for (i in 1:7) many[[i]] <- rc2_connect(service, new = TRUE), error = conditionMessage)
  expect_match(error, "close one with dbDisconnect")
  for (one in many) dbDisconnect(one)
})

test_that("after the server ended a session the next connect opens another", {
  watch <- rc2_connect(service, new = TRUE)
  dbExecute(watch, "SET ROLE NONE") # a login role may end its own sessions
  end_session <- function(of) {
    pid <- dbGetQuery(of, "SELECT pg_backend_pid() AS pid")$pid
    expect_true(dbGetQuery(watch, "SELECT pg_terminate_backend($1, 5000) AS ended", params = list(pid))$ended)
  }
  end_session(con)
  con <<- rc2_connect(service)
  expect_equal(server_value("SELECT 5"), 5)
  other <- rc2_connect(service, new = TRUE)
  end_session(other)
  expect_error(dbGetQuery(other, "SELECT 1"), "connection is lost, and rc2_connect", class = "rc2_error")
  expect_false(dbIsValid(other))
  dbDisconnect(watch)
})

test_that("tables of other schemas are found by Id() and in_schema()", {
  dbExecute(con, "CREATE TEMPORARY TABLE grades AS SELECT 1 AS grade")
  schema <- server_value("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")
  id <- Id(schema = schema, table = "grades")
  expect_true(dbExistsTable(con, id))
  expect_equal(dbReadTable(con, id)$grade, 1)
  expect_true("grades" %in% dbListTables(con))
  expect_equal(nrow(dplyr::collect(dplyr::tbl(con, "grades"))), 1)
  expect_true(dbWriteTable(con, Id(schema = "public", table = "new.table"), head(mtcars, 2)))
  expect_equal(server_value("SELECT count(*)::int FROM public.\"new.table\""), 2)
  expect_true(dbRemoveTable(con, Id(schema = "public", table = "new.table")))
})

test_that("64-bit ids, decimals and doubles keep all digits", {
  exact <- rc2_connect(service, numeric = "character")
  values <- dbGetQuery(exact, "SELECT 9007199254740993::bigint AS id, 12345678901234567.89::numeric AS m")
  expect_equal(as.character(values$id), "9007199254740993")
  expect_equal(values$m, "12345678901234567.89")
  expect_warning(dbGetQuery(con, "SELECT 12345678901234567.89::numeric AS m"), "more digits")
  expect_no_warning(dbGetQuery(con, "SELECT avg(a) FROM generate_series(1, 3) a"))
  sent <- data.frame(x = pi * 1e10, id = bit64::as.integer64("9007199254740993"))
  dbWriteTable(con, "digits", sent, overwrite = TRUE)
  expect_identical(dbReadTable(con, "digits"), sent)
  expect_equal(dbGetQuery(rc2_connect(service, bigint = "character"), "SELECT 9007199254740993::int8 AS id")$id, "9007199254740993")
  drop("digits")
})

test_that("text is UTF-8 whatever the encoding of the database", {
  expect_equal(server_value("SHOW client_encoding"), "UTF8")
  expect_equal(server_value("SELECT 'Z\u00fcrich'"), "Z\u00fcrich")
})

test_that("an open result is closed with a warning, and empty results have types", {
  result <- dbSendQuery(con, "SELECT generate_series(1, 10) AS a")
  expect_equal(dbFetch(result, 3)$a, 1:3)
  expect_warning(one <- dbGetQuery(con, "SELECT 1 AS one"), "still open")
  expect_equal(one$one, 1)
  expect_false(dbIsValid(result))
  empty <- dbGetQuery(con, "SELECT DATE '2024-01-01' AS d, now() AS t, 1::int8 AS i, 'a' AS s, '\\x00'::bytea AS b WHERE false")
  expect_s3_class(empty$d, "Date")
  expect_s3_class(empty$t, "POSIXct")
  expect_s3_class(empty$i, "integer64")
  expect_s3_class(empty$b, "blob")
  expect_equal(nrow(empty), 0)
})

test_that("a temporary table is one, and a list column that has no type is refused", {
  dbWriteTable(con, "tmp1", head(mtcars, 2), temporary = TRUE)
  expect_equal(server_value("SELECT relpersistence::text FROM pg_class WHERE relname = 'tmp1'"), "t")
  mixed <- data.frame(a = 1:2)
  mixed$l <- list(mean, "x")
  expect_error(dbWriteTable(con, "li", mixed), "must hold vectors of one type", class = "rc2_error")
  expect_false(dbExistsTable(con, "li"))
})

test_that("values go into the types of the table", {
  dbExecute(con, "CREATE TEMPORARY TABLE typed (n numeric(10,2), j jsonb, u uuid, i inet, v varchar(5), t timestamp, b int8, a int[])")
  row <- data.frame(n = 1.25, j = "{\"a\": 1}", u = "00000000-0000-0000-0000-000000000001", i = "10.0.0.1", v = "abc",
    t = as.POSIXct("2024-01-01 12:00:00", tz = "UTC"), b = 5L)
  row$a <- list(1:2)
  dbAppendTable(con, "typed", row)
  back <- dbReadTable(con, "typed")
  expect_equal(back$j, row$j)
  expect_equal(back$u, row$u)
  expect_equal(back$i, row$i)
  expect_equal(as.numeric(back$t), as.numeric(row$t))
  expect_equal(back$a, list(1:2))
  expect_error(dbAppendTable(con, "typed", data.frame(v = "too long")), "too long for type", class = "rc2_error")
})

test_that("types without a form in R come as PostgreSQL prints them, never as wrong numbers", {
  odd <- dbGetQuery(con, "SELECT interval '1 mon 2 days' AS i, inet '10.0.0.1' AS n, 1::money AS m, row(1, 'a') AS r, int4range(1, 2) AS g, timetz '10:00+02' AS t")
  expect_equal(unlist(odd, use.names = FALSE), c("1 mon 2 days", "10.0.0.1", "$1.00", "(1,a)", "[1,2)", "10:00:00+02"))
  expect_error(dbGetQuery(con, "SELECT ARRAY[[1, 2], [3, 4]] AS m"), "column m holds an array of several dimensions")
  expect_equal(server_value("SELECT '2147483649'::oid"), bit64::as.integer64("2147483649"))
})

test_that("parameters have the types that the server expects", {
  dbExecute(con, "CREATE TEMPORARY TABLE p (d date, n numeric, s text)")
  dbExecute(con, "INSERT INTO p VALUES ($1, $2, $3)", params = list(c("2024-02-29", NA), c(1.5, 2), c("it's", NA)))
  expect_equal(dbGetQuery(con, "SELECT s FROM p WHERE d = $1 AND n = $2", params = list("2024-02-29", "1.50"))$s, "it's")
  expect_equal(dbGetQuery(con, "SELECT $1::int + 1 AS x", params = list(1:3))$x, 2:4)
  expect_error(dbGetQuery(con, "SELECT s FROM p WHERE d = $1", params = list("nonsense")), "parameter 1", class = "rc2_error")
})

test_that("an error has the message, the SQLSTATE and the place", {
  error <- tryCatch(dbGetQuery(con, "SELECT 1\nFROM nowhere"), error = identity)
  expect_s3_class(error, "rc2_error")
  expect_equal(error$sqlstate, "42P01")
  expect_match(conditionMessage(error), "relation \"nowhere\" does not exist\nFROM nowhere\n     ^", fixed = TRUE)
})

test_that("a forked child does not share the connection", {
  child <- parallel::mclapply(1:2, function(i) tryCatch(dbGetQuery(con, "SELECT 1"), error = conditionMessage))[[1]]
  expect_match(child, "another R process")
  expect_equal(parallel::mclapply(1:2, function(i) dbGetQuery(rc2_connect(service), "SELECT 7 AS a")$a)[[1]], 7)
  expect_equal(server_value("SELECT 5"), 5)
})

test_that("PostgreSQL leaves R's one Python to the user", {
  expect_false(isNamespaceLoaded("reticulate"))
})

test_that("show_query() shows the SQL of a count of TRUE, also in a notebook with colours", {
  suppressMessages(library(dplyr, warn.conflicts = FALSE))
  colours <- options(cli.num_colors = 256L)
  on.exit(options(colours))
  flags <- copy_to(con, data.frame(f = c(TRUE, TRUE, FALSE)), "flags", overwrite = TRUE)
  shown <- capture.output(show_query(summarise(filter(flags, !is.na(f)), n = sum(f, na.rm = TRUE))))
  expect_match(paste(shown, collapse = " "), "SUM", ignore.case = TRUE)
})

test_that("dplyr's verbs for changes and temporary tables work", {
  skip_if_not_installed("dplyr")
  suppressMessages(library(dplyr, warn.conflicts = FALSE))
  rows <- copy_to(con, data.frame(k = 1:3, v = c("a", "b", "c")), "rows_x", overwrite = TRUE)
  change <- copy_to(con, data.frame(k = c(1L, 9L), v = "Z"), "rows_y", overwrite = TRUE)
  rows_upsert(rows, change, by = "k", in_place = FALSE) |> collect() |> arrange(k) |> pull(v) |> expect_equal(c("Z", "b", "c", "Z"))
  rows_update(rows, change, by = "k", unmatched = "ignore", in_place = TRUE)
  expect_equal(arrange(collect(rows), k)$v, c("Z", "b", "c"))
  expect_equal(nrow(collect(compute(filter(rows, k > 1)))), 2)
  expect_equal(nrow(collect(rows, n = 2)), 2)
  expect_equal(server_value("SELECT relpersistence::text FROM pg_class WHERE relname = 'rows_x'"), "t")
})

test_that("after rows were appended, a transaction can begin and a table can be written", {
  dbWriteTable(con, "log_lines", data.frame(x = 1L), temporary = TRUE)
  dbAppendTable(con, "log_lines", data.frame(x = 2L))
  dbWithTransaction(con, dbAppendTable(con, "log_lines", data.frame(x = 3.0)))
  dbAppendTable(con, "log_lines", data.frame(x = 4L))
  expect_true(dbWriteTable(con, "log_lines", data.frame(x = 5L), append = TRUE))
  expect_equal(server_value("SELECT sum(x)::int FROM log_lines"), 15)
  other <- rc2_connect(service, new = TRUE)
  dbWriteTable(other, "seen_lines", data.frame(x = 1L), temporary = TRUE)
  dbAppendTable(other, "seen_lines", data.frame(x = 2L))
  expect_no_warning(dbDisconnect(other))
})
