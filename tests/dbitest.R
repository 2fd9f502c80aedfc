# DBItest, R's conformance suite for databases, for rc2_connect(). Prints the numbers of its tests as JSON.
library(rc2)
testthat::local_edition(2, .env = globalenv()) # DBItest is written for it; without a package testthat looks for one each time

service <- commandArgs(TRUE)[[1]]

# The tests use R's types and PostgreSQL's syntax:
tweaks <- DBItest::tweaks(
  dbitest_version = "1.7.2", # with the tests that are new in this version
  constructor_name = "rc2_driver", # the package has one driver for all services
  placeholder_pattern = "$1", # PostgreSQL's parameters
  date_cast = function(x) paste0("date '", x, "'"),
  time_cast = function(x) paste0("time '", x, "'"),
  timestamp_cast = function(x) paste0("timestamp '", x, "'"),
  is_null_check = function(x) paste0("(", x, "::text IS NULL)"), # an untyped parameter has no type without a cast
  blob_cast = function(x) paste0("(", x, "::bytea)")
)

skip <- c(
  "package_name" # asks for a name that starts with R; this package holds more than a driver
)

ctx <- DBItest::make_context(rc2_driver(), list(service = service), tweaks = tweaks, name = "PostgreSQL",
  default_skip = skip)
reporter <- testthat::ListReporter$new()
testthat::with_reporter(reporter, DBItest::test_all(ctx = ctx))

results <- reporter$get_results()
failed <- function(result) any(vapply(result$results, function(r) inherits(r, c("expectation_failure", "expectation_error")), NA))
is_skip <- function(result) any(vapply(result$results, function(r) inherits(r, "expectation_skip"), NA))
for (result in results) {
  if (failed(result)) {
    message("FAILED ", result$test)
    for (r in result$results) if (inherits(r, c("expectation_failure", "expectation_error"))) message("  ", substr(conditionMessage(r), 1, 700))
  } else if (is_skip(result)) {
    message("skipped ", result$test, ": ", conditionMessage(Filter(function(r) inherits(r, "expectation_skip"), result$results)[[1]]))
  }
}
count <- length(results)
passed <- sum(!vapply(results, function(result) failed(result) || is_skip(result), NA))
cat(sprintf("{\"tests\": %d, \"passed\": %d}\n", count, passed))
