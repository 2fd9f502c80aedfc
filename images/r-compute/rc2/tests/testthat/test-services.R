test_that("outside of Rc2 there is one sentence", {
  before <- Sys.getenv("RC2_ATTACHMENTS")
  Sys.setenv(RC2_ATTACHMENTS = "")
  on.exit(Sys.setenv(RC2_ATTACHMENTS = before))
  expect_error(rc2_services(), "does not run on a compute server of Rc2", class = "rc2_error")
  expect_error(rc2_connect("flights"), "does not run on a compute server of Rc2", class = "rc2_error")
})

test_that("while the broker is away, what is attached here is listed, and the reason said", {
  local_attachments(flights)
  expect_message(services <- rc2_services(), "broker of the shared services does not answer")
  expect_equal(services$service, "flights")
  expect_true(services$attached)
  expect_equal(services$as, "rc2_flights_as_alice")
  expect_equal(format(services$until, tz = "UTC"), "2026-11-24 12:00:00")
  expect_equal(services$why_not, "")
})

test_that("nothing attached is an empty table with the same columns", {
  local_attachments()
  services <- suppressMessages(rc2_services())
  expect_equal(nrow(services), 0)
  expect_named(services, c("service", "kind", "level", "attached", "as", "until", "why_not"))
})

test_that("a service that is not granted says whom to ask", {
  entry <- list(attached = FALSE, granted = list(), why = "You have no grant for this service.", contact = "data@example.org")
  expect_equal(rc2:::why_not(entry), "You have no grant for this service. Ask data@example.org.")
})

test_that("a service that may be attached says how", {
  entry <- list(attached = FALSE, granted = list("read"), why = "", service = "flights")
  expect_match(rc2:::why_not(entry), "rc2_connect(\"flights\") attaches it", fixed = TRUE)
})
