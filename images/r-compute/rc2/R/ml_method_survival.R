# Regressions of other kinds: isotonic, and of the time until an event.

isotonic_parts <- function(design, outputs, arguments) {
  list(summary = list(isotonic = arguments$isotonic, num_boundaries = length(outputs$boundaries)),
    table = data.frame(boundaries = outputs$boundaries, predictions = outputs$predictions))
}

ISOTONIC_REGRESSION <- spark_method("ml_isotonic_regression", "Isotonic regression", "regression.IsotonicRegression",
  "number", c("boundaries", "predictions"), isotonic_parts)

ml_isotonic_regression <- function(x, formula = NULL, feature_index = 0, isotonic = TRUE, weight_col = NULL, ...) {
  fit_method(ISOTONIC_REGRESSION, as.list(environment()), ...)
}

survival_parts <- function(design, outputs, arguments) {
  coefficient_parts(design, outputs, list(scale = outputs$scale))
}

check_events <- function(design, arguments) {
  time <- design$variables[[design$response]]
  query <- paste("SELECT COUNT_IF(NOT rc2_weight IN (0, 1)) AS events, COUNT_IF(", number_of(time), "<= 0) AS times FROM (",
    design$sql, ") AS rc2_rows WHERE", design$complete)
  wrong <- dbGetQuery(design$connection, query)
  if (wrong$times > 0) fail("A time of ", time$name, " is not above zero; filter such rows out.")
  if (wrong$events == 0) return()
  fail(arguments$censor_col, " is 1 where the event was seen, or 0 where it was not; it has other values.")
}

# The column of the event has 1 where it was seen, and 0 where the time is censored.
AFT_SURVIVAL_REGRESSION <- spark_method("ml_aft_survival_regression", "Accelerated failure time",
  "regression.AFTSurvivalRegression", "number", c("coefficients", "intercept", "scale"), survival_parts,
  row_column = "censor_col", row_option = "censorCol", check = check_events)

ml_aft_survival_regression <- function(x, formula = NULL, censor_col = "censor", fit_intercept = TRUE, max_iter = 100,
                                       tol = 1e-06, aggregation_depth = 2, ...) {
  fit_method(AFT_SURVIVAL_REGRESSION, as.list(environment()), ...)
}
