# DBItest, R's conformance suite for databases, for rc2_connect(). Prints the numbers of its tests as JSON.
library(rc2)
testthat::local_edition(2, .env = globalenv()) # DBItest is written for it; without a package testthat looks for one each time

arguments <- commandArgs(TRUE)
service <- arguments[[1]]
kind <- arguments[[2]]

# The tests use R's types and the service's syntax:
tweaks <- list(
  postgres = DBItest::tweaks(
    dbitest_version = "1.7.2", # with the tests that are new in this version
    constructor_name = "rc2_driver", # the package has one driver for all services
    placeholder_pattern = "$1", # PostgreSQL's parameters
    date_cast = function(x) paste0("date '", x, "'"),
    time_cast = function(x) paste0("time '", x, "'"),
    timestamp_cast = function(x) paste0("timestamp '", x, "'"),
    is_null_check = function(x) paste0("(", x, "::text IS NULL)"), # an untyped parameter has no type without a cast
    blob_cast = function(x) paste0("(", x, "::bytea)")
  ),
  spark = DBItest::tweaks(
    dbitest_version = "1.7.2",
    constructor_name = "rc2_driver",
    placeholder_pattern = "?", # Spark's parameters
    date_cast = function(x) paste0("date '", x, "'"),
    timestamp_cast = function(x) paste0("timestamp_ntz '", x, "'"),
    blob_cast = function(x) paste0("unhex(hex(", x, "))"),
    time_typed = FALSE, # Spark has no time of day
    temporary_tables = TRUE
  )
)[[kind]]

skip <- list(
  postgres = c(
    "package_name" # asks for a name that starts with R; this package holds more than a driver
  ),
  spark = c(
    "package_name",
    # Spark's own tables have no DELETE and no UPDATE:
    "send_statement_params", "execute_params", "bind_return_value", "bind_multi_row_statement", "bind_repeated",
    "bind_repeated_untouched", "rows_affected_statement",
    "data_time", "data_time_current", # Spark has no time of day
    # names of Spark's tables hold letters, digits and _ only:
    "read_table_name", "create_table_name", "create_table_name_quoted", "append_table_name", "append_table_name_quoted",
    "write_table_name", "write_table_name_quoted", "list_tables_quote", "exists_table_name", "remove_table_name",
    "remove_table_name_quoted", "list_objects_quote",
    "begin_.*", "with_transaction_.*" # Spark has no transactions
  )
)[[kind]]

ctx <- DBItest::make_context(rc2_driver(), list(service = service), tweaks = tweaks, name = kind,
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
# A group of tests that are skipped by request is one result, which lists them.
requested <- function(result) {
  found <- unlist(lapply(result$results, function(r) sub(".*by request: ", "", grep("by request: ", conditionMessage(r), value = TRUE))))
  length(unlist(strsplit(found, ", ")))
}
count <- sum(vapply(results, function(result) max(1L, requested(result)), 1L))
passed <- sum(!vapply(results, function(result) failed(result) || is_skip(result), NA))
cat(sprintf("{\"tests\": %d, \"passed\": %d}\n", count, passed))
