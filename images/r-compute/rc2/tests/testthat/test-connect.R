test_that("for an unknown service the broker is asked, and without an answer the error is one sentence", {
  local_attachments(flights)
  expect_error(rc2_connect("nowhere"), "broker of the shared services does not answer", class = "rc2_error")
})

test_that("a service that is not one name is refused", {
  local_attachments(flights)
  expect_error(rc2_connect(c("a", "b")), "must be one name", class = "rc2_error")
})

test_that("a service of another kind is no HDFS, and says how it is opened", {
  local_attachments(flights)
  expect_error(rc2_hdfs("flights"), "is no HDFS; rc2_connect(\"flights\")", class = "rc2_error", fixed = TRUE)
  expect_error(rc2_hdfs(NA_character_), "must be one name", class = "rc2_error")
})

test_that("a service of a kind that is no database is not connected to, and its own line of R is shown", {
  local_attachments(modifyList(flights, list(service = "grid", kind = "grid", r_code = 'grid <- my_grid("grid")')))
  expect_error(rc2_connect("grid"), "grid is no database; use grid <- my_grid(\"grid\")", class = "rc2_error", fixed = TRUE)
})

test_that("a secret works as a text and is not shown", {
  local_attachments(local_secret("s3cret\r\n", variable = "RC2_TEST_KEY", file_variable = "RC2_TEST_FILE"))
  on.exit(Sys.unsetenv(c("RC2_TEST_KEY", "RC2_TEST_FILE")))
  key <- rc2_secret("weather")
  expect_identical(paste("Bearer", key), "Bearer s3cret")
  shown <- c(capture.output(key, print(list(key)), str(key), str(list(key))), format(key))
  expect_no_match(shown, "s3cret")
  expect_identical(Sys.getenv("RC2_TEST_KEY"), "s3cret")
  expect_identical(Sys.getenv("RC2_TEST_FILE"), rc2_secret("weather", as = "path"))
})

test_that("a rotated secret is read under the same path, and one that is gone is one sentence", {
  local_attachments(local_secret("old"))
  path <- rc2_secret("weather", as = "path")
  writeLines("n\u00e9w", path, useBytes = TRUE)
  expect_identical(as.vector(unclass(rc2_secret("weather"))), "n\u00e9w")
  unlink(path)
  expect_error(rc2_secret("weather"), "weather is not attached to this server any more", class = "rc2_error")
})

test_that("a service of another kind is no secret, and its own line of R is shown", {
  local_attachments(modifyList(flights, list(r_code = 'con <- rc2_connect("flights")')))
  expect_error(rc2_secret("flights"), "is no secret; use con <- rc2_connect(\"flights\")", class = "rc2_error", fixed = TRUE)
})
