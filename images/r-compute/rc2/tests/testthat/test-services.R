test_that("outside a compute server the error is one sentence", {
  before <- Sys.getenv("RC2_ATTACHMENTS_DIR")
  Sys.setenv(RC2_ATTACHMENTS_DIR = "")
  on.exit(Sys.setenv(RC2_ATTACHMENTS_DIR = before))
  expect_error(rc2_services(), "does not run on a compute server of Rc2", class = "rc2_error")
  expect_error(rc2_connect("flights"), "does not run on a compute server of Rc2", class = "rc2_error")
})

test_that("while the broker is away, the attached services are listed with a message", {
  local_attachments(flights)
  expect_message(services <- rc2_services(), "broker of the shared services does not answer")
  expect_equal(services$service, "flights")
  expect_true(services$attached)
  expect_equal(services$role, "rc2_flights_as_alice")
  expect_equal(format(services$expires_at, tz = "UTC"), "2026-11-24 12:00:00")
  expect_equal(services$message, "")
})

test_that("without attached services the table is empty and has the same columns", {
  local_attachments()
  services <- suppressMessages(rc2_services())
  expect_equal(nrow(services), 0)
  expect_named(services, c("service", "kind", "level", "attached", "role", "expires_at", "message"))
})

test_that("the message of a service without a grant names the contact", {
  entry <- list(attached = FALSE, granted = list(), message = "You have no grant.", contact = "data@example.org")
  expect_equal(rc2:::message_of(entry), "You have no grant. Ask data@example.org.")
})

test_that("the message of a service that can be attached names the call", {
  entry <- list(attached = FALSE, granted = list("read"), message = "", service = "flights")
  expect_match(rc2:::message_of(entry), "rc2_connect(\"flights\") attaches it", fixed = TRUE)
})
