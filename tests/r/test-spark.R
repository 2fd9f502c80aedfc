# What users do with rc2_spark(), in their words.
con <- rc2_connect(service)

test_that("a few rows of a lazy table come without a warning", {
  suppressMessages(library(dplyr, warn.conflicts = FALSE))
  copied <- copy_to(con, mtcars, "cars", overwrite = TRUE)
  expect_no_warning(expect_equal(nrow(collect(copied, n = 2)), 2))
  expect_no_warning(expect_equal(nrow(collect(head(copied, 3), n = 5)), 3))
  expect_no_warning(expect_equal(nrow(collect(filter(copied, cyl == 99), n = 5)), 0))
  expect_no_warning(expect_equal(nrow(collect(tbl(con, sql("SELECT id FROM range(300000)")), n = 250000)), 250000))
})

test_that("R's classes have Spark's types", {
  frame <- data.frame(l = NA, i = 1L, d = 1, s = "a", f = factor("a"), day = Sys.Date(), t = Sys.time(), r = as.raw(1))
  frame$big <- bit64::as.integer64(1)
  frame$hours <- as.difftime(5, units = "hours")
  frame$cells <- list(1:2)
  frame$plane <- list(list(name = "N1", `made in` = 1999L))
  expect_equal(unname(dbDataType(con, frame)), c("BOOLEAN", "INT", "DOUBLE", "STRING", "STRING", "DATE", "TIMESTAMP", "BINARY",
    "BIGINT", "INTERVAL DAY TO SECOND", "ARRAY<INT>", "STRUCT<`name`: STRING, `made in`: INT>"))
  expect_equal(dbDataType(con, list(list(a = 1), list(b = 2))), "MAP<STRING, DOUBLE>")
  expect_error(dbDataType(con, list(sum)), "must hold vectors of one type", class = "rc2_error")
})

test_that("structs and maps are written as they are read", {
  query <- "SELECT id, named_struct('a', id, 'b', named_struct('c', array('x', 'y'))) AS s,
    map(concat('k', id), CAST(id AS DOUBLE)) AS m FROM range(3) UNION ALL SELECT 3, NULL, NULL ORDER BY id"
  read <- dbGetQuery(con, query)
  expect_equal(names(read$m[[2]]), "k1")
  for (temporary in c(TRUE, FALSE)) {
    dbWriteTable(con, "nested", read, temporary = temporary)
    expect_equal(dbGetQuery(con, "SELECT * FROM nested ORDER BY id"), read)
    dbRemoveTable(con, "nested")
  }
})

test_that("a list with the same names in each row goes into a map where the table has one", {
  prices <- data.frame(day = 1:2)
  prices$of <- list(list(apple = 1.5, pear = 2), list(apple = 1.25, pear = NA))
  dbWriteTable(con, "prices", prices, field.types = c(of = "MAP<STRING, DOUBLE>"))
  expect_equal(dbAppendTable(con, "prices", prices), 2)
  expect_equal(dbGetQuery(con, "SELECT of['pear'] AS pear FROM prices ORDER BY day, pear NULLS LAST")$pear, c(2, 2, NA, NA))
  dbRemoveTable(con, "prices")
})

test_that("a file that R sees and Spark does not is reported with what to do", {
  file <- file.path(tempdir(), "only[here].csv") # Spark takes the name for a pattern, and finds no file
  writeLines(c("a", "1"), file)
  query <- function(file) paste0("SELECT * FROM csv.`", file, "`")
  expect_error(dbGetQuery(con, query(file)), "Hint: Spark runs on another machine .* with dbWriteTable", class = "rc2_error")
  nowhere <- expect_error(dbGetQuery(con, query("/nowhere.csv")), "does not exist", class = "rc2_error")
  expect_null(nowhere$hint)
})
