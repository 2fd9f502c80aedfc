test_that("a column without a type in SQL is named in one sentence", {
  expect_error(pack(1i, "z"), "no type for the column z, which is of type complex", class = "rc2_error")
  expect_error(pack(matrix(1:4, 2), "m"), "column m", class = "rc2_error")
  expect_error(pack(list(mean), "f"), "column f; a list column must hold vectors", class = "rc2_error")
})

test_that("NA and NaN stay different", {
  expect_identical(pack(c(1, NA, NaN), "x")$missing, as.raw(c(0, 1, 0)))
})

test_that("text becomes one sequence of bytes with a zero behind each string", {
  expect_identical(pack(c("a", NA, "\u00e9"), "s")$data, as.raw(c(0x61, 0, 0, 0xc3, 0xa9, 0)))
})

test_that("a factor becomes its labels", {
  expect_identical(pack(factor("b"), "f"), pack("b", "f"))
})

test_that("infinite dates, which Spark does not have, are named in one sentence", {
  dates <- as.Date(c(Inf, 0), origin = "1970-01-01")
  expect_error(check_finite(data.frame(due = dates)), "column due holds infinite dates", class = "rc2_error")
})

test_that("outside a compute server rc2_spark() fails with the place where it works", {
  before <- Sys.getenv("RC2_ATTACHMENTS_DIR")
  Sys.unsetenv("RC2_ATTACHMENTS_DIR")
  on.exit(if (nzchar(before)) Sys.setenv(RC2_ATTACHMENTS_DIR = before))
  expect_error(rc2_spark(), "start one on your hub", class = "rc2_error")
})

test_that("the error of a service that failed is its message", {
  local_attachments(list(service = "spark", kind = "spark", state = "failed", message = "Spark needs Java."))
  expect_error(await_attached("spark"), "Spark needs Java.", class = "rc2_error")
})
