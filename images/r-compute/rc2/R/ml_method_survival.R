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

# `more_values` are columns of a prediction: the times until which a share of rows has the event, by Weibull's distribution.
survival_parts <- function(design, outputs, arguments) {
  parts <- coefficient_parts(design, outputs, list(scale = outputs$scale))
  name <- arguments$quantiles_col
  if (is.null(name)) return(parts)
  shares <- arguments$quantile_probabilities
  factors <- vapply((-log(1 - shares))^outputs$scale, double_sql, "")
  c(parts, list(more_values = stats::setNames(as.list(paste("rc2_prediction *", factors)), paste0(name, "_", shares))))
}

check_events <- function(design, arguments) {
  shares <- arguments$quantile_probabilities
  if (!is.numeric(shares) || !length(shares) || anyNA(shares) || any(shares <= 0 | shares >= 1)) {
    fail("quantile_probabilities are numbers between 0 and 1, such as c(0.25, 0.5, 0.75).")
  }
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

ml_aft_survival_regression <- function(x, formula = NULL, censor_col = "censor",
                                       quantile_probabilities = c(0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99),
                                       fit_intercept = TRUE, max_iter = 100, tol = 1e-06, aggregation_depth = 2,
                                       quantiles_col = NULL, ...) {
  fit_method(AFT_SURVIVAL_REGRESSION, as.list(environment()), ...)
}
