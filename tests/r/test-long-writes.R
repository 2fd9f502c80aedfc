# What users do with data frames that are sent in parts. `service` is a service with a grant to write.
con <- rc2_connect(service)

server_value <- function(sql) dbGetQuery(con, sql)[[1]]

test_that("a long data frame is written whole or not at all", {
  many <- data.frame(x = c(seq_len(50000), 3.5), when = .POSIXct(c(seq_len(50000), Inf)), f = factor(c(rep("a", 50000), NA)))
  dbWriteTable(con, "many", many)
  expect_equal(dbAppendTable(con, "many", many[c(1:49999, 50001), c("x", "when")]), 50000)
  back <- dbReadTable(con, "many")
  expect_equal(back$x, c(many$x, many$x[-50000]))
  expect_equal(as.numeric(back$when[c(1, 50001, 100001)]), c(1, Inf, Inf))
  expect_equal(sum(is.na(back$f)), 50001)
  dbExecute(con, "CREATE TEMPORARY TABLE wholes (x int)")
  expect_error(dbAppendTable(con, "wholes", many["x"]), "3.5", class = "rc2_error")
  expect_equal(server_value("SELECT count(*)::int FROM wholes"), 0)
  many$m <- matrix(1, 50001, 2)
  expect_error(dbWriteTable(con, "many", many, overwrite = TRUE), "column m", class = "rc2_error")
  expect_equal(server_value("SELECT count(*)::int FROM many"), 100001)
  dbRemoveTable(con, "many")
})

test_that("a column of raw bytes has one byte in each row", {
  dbWriteTable(con, "bytes", data.frame(b = as.raw(1:3)), temporary = TRUE)
  expect_equal(vapply(dbReadTable(con, "bytes")$b, as.integer, 1L), 1:3)
})

test_that("a write that is interrupted writes nothing, and the connection goes on", {
  dbExecute(con, "CREATE TEMPORARY TABLE slow (x int CHECK (pg_sleep(0.001) IS NOT NULL))")
  rows <- data.frame(x = seq_len(2e6))
  for (write in list(function() dbAppendTable(con, "slow", rows), function() dbWriteTable(con, "slow", rows, append = TRUE))) {
    system(paste("(sleep 2; kill -INT", Sys.getpid(), ") &"))
    took <- system.time(end <- tryCatch(write(), interrupt = function(i) "interrupted"))[["elapsed"]]
    expect_equal(end, "interrupted")
    expect_lt(took, 4)
    expect_equal(server_value("SELECT count(*)::int FROM slow"), 0)
  }
  dbWithTransaction(con, {
    expect_error({ setTimeLimit(elapsed = 1, transient = TRUE); dbAppendTable(con, "slow", rows) }, "elapsed time limit")
    setTimeLimit()
    dbRollback(con)
    dbBegin(con)
  })
  expect_equal(server_value("SELECT count(*)::int FROM slow"), 0)
})
