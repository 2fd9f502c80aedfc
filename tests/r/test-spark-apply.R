# R functions on executors: the results of R's own split() and lapply(), or one sentence.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
in_spark <- function(data) copy_to(con, data, basename(tempfile("data_")))
cars <- in_spark(mtcars)

# What R does: f for the rows of each group, and the results one below the other, with the group before them.
in_r <- function(data, f, by) {
  one <- function(rows) cbind(rows[1, by, drop = FALSE], f(rows), row.names = NULL)
  parts <- lapply(split(data, data[by], drop = TRUE), one)
  sorted(do.call(rbind, parts))
}
sorted <- function(data) {
  data <- as.data.frame(data)
  data <- data[do.call(order, unname(as.list(data))), ]
  rownames(data) <- NULL
  data
}
expect_as_in_r <- function(data, f, by) {
  expect_equal(sorted(collect(rc2_spark_apply(in_spark(data), f, group_by = by))), in_r(data, f, by))
}
expect_sentence <- function(call, pattern) {
  error <- expect_error(call, pattern, class = "rc2_error")
  text <- conditionMessage(error)
  expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|rc2-|\\n", text), label = text)
}

test_that("a model for each group has the coefficients of lm()", {
  coefficients <- function(rows) {
    fit <- summary(lm(mpg ~ wt, rows))$coefficients
    data.frame(term = rownames(fit), estimate = fit[, 1], error = fit[, 2])
  }
  expect_as_in_r(mtcars, coefficients, c("cyl", "am"))
})

test_that("f gets the types of collect() and its columns come back with theirs", {
  data <- data.frame(g = c("a", "b", "b", NA), i = c(1L, NA, 3L, 4L), x = c(1.5, NaN, NA, Inf), l = c(TRUE, NA, FALSE, NA),
    t = c("\u00e4", NA, "", "d\ne"), f = factor(c("u", "v", NA, "u")), d = as.Date("2024-02-29") + c(0, NA, 2, 3),
    when = as.POSIXct("2024-05-06 07:08:09.25", tz = rc2:::time_zone()) + c(0, 1, NA, 3))
  data$big <- bit64::as.integer64(c("9007199254740993", NA, "3", "-4"))
  data$long <- as.difftime(c(1, NA, 3, 40), units = "hours")
  data$list <- list(1:2, NULL, 3L, integer())
  table <- in_spark(data)
  before <- collect(table)
  after <- collect(rc2_spark_apply(table, function(rows) rows, group_by = "g"))
  expect_equal(as.data.frame(arrange(after, d)), as.data.frame(arrange(before, d))[names(after)])
  types <- collect(rc2_spark_apply(table, function(rows) {
    data.frame(name = names(rows), class = vapply(rows, function(column) paste(class(column), collapse = " "), ""))
  }, group_by = "g"))
  found <- vapply(before, function(column) paste(class(column), collapse = " "), "")
  expect_equal(types$class, unname(found[types$name]))
})

test_that("f takes with it what its code names, and the packages that are attached here", {
  rate <- 3
  times <- function(x) if (x > 8) x * rate else times(x + 1)
  expect_equal(sort(collect(rc2_spark_apply(cars, function(rows) {
    tibble(value = times(nrow(rows)), first = n_distinct(rows$gear))
  }, group_by = "cyl"))$value), c(27, 33, 42))
  found <- rc2_spark_apply(cars, function(rows, context, cyl) data.frame(value = context$add + cyl), group_by = "cyl",
    context = list(add = 0.5))
  expect_equal(sort(collect(found)$value), c(4.5, 6.5, 8.5))
  expect_equal(sort(collect(rc2_spark_apply(group_by(cars, cyl), ~ data.frame(n = nrow(.x))))$n), c(7L, 11L, 14L))
  parts <- collect(rc2_spark_apply(cars, function(rows) data.frame(n = nrow(rows)), packages = "splines"))
  expect_equal(sum(parts$n), 32)
})

test_that("1 000 groups, groups of one row and a table without rows have R's results", {
  set.seed(1)
  data <- data.frame(g = c(1:1000, sample(1000, 4000, TRUE)), x = rnorm(5000))
  expect_as_in_r(data, function(rows) data.frame(n = nrow(rows), mean = mean(sort(rows$x))), "g")
  none <- filter(cars, cyl == 5)
  expect_sentence(rc2_spark_apply(none, nrow, group_by = "cyl"), "no rows.*columns =")
  typed <- collect(rc2_spark_apply(none, nrow, group_by = "cyl", columns = c(n = "integer", t = "character")))
  expect_identical(as.list(typed), list(cyl = double(), n = integer(), t = character()))
})

test_that("types of columns are those of all groups, or those that the user names", {
  one <- function(rows) if (rows$cyl[[1]] == 4) data.frame(a = NA, b = 1L) else data.frame(b = 2.5, a = "x")
  expect_equal(arrange(collect(rc2_spark_apply(cars, one, group_by = "cyl")), cyl)$a, c(NA, "x", "x"))
  expect_equal(arrange(collect(rc2_spark_apply(cars, one, group_by = "cyl")), cyl)$b, c(1, 2.5, 2.5))
  some <- function(rows) if (rows$cyl[[1]] == 4) data.frame() else data.frame(b = 2L)
  typed <- collect(rc2_spark_apply(cars, some, group_by = "cyl", columns = c(value = "double")))
  expect_identical(as.list(arrange(typed, cyl)), list(cyl = c(6, 8), value = c(2, 2)))
})

test_that("random numbers differ between groups and repeat with set.seed()", {
  draw <- function() {
    set.seed(42)
    arrange(collect(rc2_spark_apply(cars, function(rows) data.frame(r = runif(1)), group_by = "cyl")), cyl)$r
  }
  first <- draw()
  expect_equal(draw(), first)
  expect_length(unique(first), 3)
})

test_that("a list is mapped in its order, with its names", {
  x <- list(b = 1:3, a = "text", mtcars, NULL)
  expect_equal(rc2_spark_map(x, function(value, more) list(class(value), more), more = 2, connection = con),
    lapply(x, function(value) list(class(value), 2)))
  expect_equal(rc2_spark_map(c(a = 2, b = 3), ~ .x^2, connection = con), list(a = 4, b = 9))
  expect_sentence(rc2_spark_map(list(1, numeric(3e6)), length, connection = con), "Element 2 of x has 22.9 MiB, more than 16")
  expect_equal(rc2_spark_map(list(), identity, connection = con), list())
  expect_sentence(rc2_spark_map(list(1, no = "a"), function(x) x + 1, connection = con),
    "f failed for element 2 \\(no\\): non-numeric argument")
})

test_that("a warning is repeated here", {
  expect_warning(rc2_spark_apply(cars, function(rows) data.frame(x = as.integer("y")), group_by = "cyl"),
    "f gave warnings for 3 of them; the first one, for the group cyl = 4: NAs introduced by coercion")
})

test_that("what cannot work is one sentence", {
  on_groups <- function(f, ...) rc2_spark_apply(cars, f, group_by = "cyl", ...)
  expect_sentence(on_groups(function(rows) if (rows$cyl[[1]] == 6) stop("no sixes") else rows),
    "^f failed for the group cyl = 6: no sixes$")
  expect_sentence(on_groups(function(rows) nrow(rows)), "has to return a data frame.*class integer")
  expect_sentence(on_groups(function(rows) data.frame(a = 1, b = 1)[seq_len(1 + (rows$cyl[[1]] == 6))]),
    "same columns for all groups: a, b for the group cyl = 6, and a for the group cyl = 4")
  expect_sentence(on_groups(function(rows) data.frame(a = if (rows$cyl[[1]] == 6) "x" else 1)),
    "The column a is of type character for the group cyl = 6, and of type double for")
  expect_sentence(on_groups(function(rows) transform(rows, cyl = 1)), "other values in the column cyl")
  expect_sentence(on_groups(function(rows) data.frame(x = 1i)), "no type for the column x, which is of type complex")
  expect_sentence(on_groups(function(rows) data.frame(x = 1.5), columns = c(x = "integer")), "x for .* no integer")
  expect_sentence(on_groups(function(rows) rows, columns = c(x = "number")), "has the type number, and knows")
  expect_sentence(on_groups(function(rows) rows, columns = c("a", "b")), "has 10 columns, and columns = names 2")
  expect_sentence(on_groups(function(rows) rows, packages = "notthere"), "lack the R package notthere")
  expect_sentence(on_groups(function(rows) quit(status = 3)), "R ended while f worked on the group cyl")
  expect_sentence(on_groups(function(rows) tools::pskill(Sys.getpid(), 9)), "R was killed while f worked on the group")
  expect_sentence(rc2_spark_apply(cars, identity, group_by = "cyls"), "no column cyls")
  expect_sentence(rc2_spark_apply(mtcars, identity), "must be a table in Spark")
  expect_sentence(on_groups("mean"), "f has to be a function")
  expect_sentence(on_groups(function() 1), "^f has no argument, and gets the rows")
  expect_sentence(on_groups(function(rows) data.frame()), "f has returned none, so the columns")
  expect_sentence(on_groups(function(rows) collect(cars)), "f uses cars, which belongs to a connection of this session")
  large <- numeric(4e6)
  expect_sentence(on_groups(function(rows) data.frame(n = length(large))), "takes 30.. MiB.*large \\(30.5 MiB\\)")
})

test_that("an interrupt ends it and leaves no R behind", {
  folder <- tempfile()
  dir.create(folder)
  parent <- Sys.getpid()
  is_running <- function(pid) {
    command <- file.path("/proc", pid, "cmdline") # empty when a process has ended
    length(tryCatch(readBin(command, "raw", 1), error = function(error) raw(), warning = function(warning) raw())) > 0
  }
  until <- function(condition) {
    deadline <- Sys.time() + 60
    while (!condition() && Sys.time() < deadline) Sys.sleep(0.05)
    condition()
  }
  interrupter <- parallel::mcparallel({
    until(function() length(list.files(folder)) > 0)
    tools::pskill(parent, tools::SIGINT)
  })
  endless <- function(rows) {
    file.create(file.path(folder, Sys.getpid()))
    repeat sqrt(2)
  }
  result <- tryCatch(rc2_spark_apply(cars, endless, group_by = "cyl"), interrupt = function(condition) "interrupted")
  parallel::mccollect(interrupter)
  expect_equal(result, "interrupted")
  expect_true(until(function() !any(vapply(list.files(folder), is_running, NA))))
  expect_equal(nrow(collect(cars)), 32)
})
