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
