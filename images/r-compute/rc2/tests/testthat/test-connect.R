test_that("a service of another kind is refused in one sentence", {
  local_attachments(modifyList(flights, list(service = "lake", kind = "spark")))
  expect_error(rc2_connect("lake"), "lake is of the kind spark", class = "rc2_error")
})

test_that("an unknown service is looked for at the broker, whose silence is one sentence", {
  local_attachments(flights)
  expect_error(rc2_connect("nowhere"), "broker of the shared services does not answer", class = "rc2_error")
})

test_that("anything but one name is refused", {
  local_attachments(flights)
  expect_error(rc2_connect(c("a", "b")), "must be one name", class = "rc2_error")
})

test_that("a driver's wrapping is taken off the database's sentence", {
  wrapped <- "RS-DBI driver: (could not Retrieve the result : ERROR:  permission denied for table flights\n)\n"
  expect_equal(rc2:::readable(wrapped), "permission denied for table flights")
})
