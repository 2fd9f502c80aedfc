# A database in LATIN1: `t` has one row, n = 'Zürich'.
con <- rc2_connect(service)

test_that("text with umlauts is found and stored as typed", {
  expect_equal(nrow(dbGetQuery(con, "SELECT * FROM t WHERE n = 'Z\u00fcrich'")), 1)
  expect_equal(nrow(dplyr::collect(dplyr::filter(dplyr::tbl(con, "t"), n == "Z\u00fcrich"))), 1)
  dbExecute(con, "INSERT INTO t VALUES ('K\u00f6ln')")
  dbAppendTable(con, "t", data.frame(n = "M\u00fcnchen"))
  expect_setequal(dbReadTable(con, "t")$n, c("Z\u00fcrich", "K\u00f6ln", "M\u00fcnchen"))
})

test_that("text that the database cannot hold is an error", {
  expect_error(dbAppendTable(con, "t", data.frame(n = "\u65e5\u672c")), "LATIN1", class = "rc2_error")
})
