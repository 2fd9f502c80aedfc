# Residuals of the rows of the fit, as a table in Spark or as numbers in R.

RESIDUAL_TYPES <- c("response", "working", "pearson", "deviance")

sdf_residuals <- function(object, type = NULL, ...) {
  if (!inherits(object, "rc2_linear_model")) fail("Residuals are of a linear, generalized linear or logistic regression.")
  if (is.null(type)) type <- if (inherits(object, "ml_linear_regression")) "response" else "deviance"
  if (!type %in% RESIDUAL_TYPES) {
    fail("Residuals are of the type ", paste(RESIDUAL_TYPES, collapse = ", "), ", not ", type, ".")
  }
  rows_of_fit(object, c(residuals = residual_sql(object$family, type)))
}

# The complete rows of the fit, with columns that `values` compute of the response rc2_y, its mean rc2_mean and the weight
# rc2_w.
rows_of_fit <- function(model, values) {
  design <- model$design
  table <- with_predictors(prediction_rows(model, NULL), design, list(model$coefficients))
  weight <- if (design$weights) "CAST(rc2_weight AS DOUBLE)" else "1D"
  inner <- paste("SELECT *,", mean_sql(model$family, "rc2_eta1"), "AS rc2_mean,", response_number(design), "AS rc2_y,",
    weight, "AS rc2_w FROM (", table$sql, ") AS rc2_means WHERE", design$complete)
  with_columns(table, inner, values)
}

residuals.rc2_linear_model <- function(object, type = NULL, ...) dplyr::pull(sdf_residuals(object, type), "residuals")

# The response without a shift by the offset, which is in the mean.
response_number <- function(design) {
  design$shifted <- NULL
  response_sql(design)
}

residual_sql <- function(family, type) {
  difference <- "(rc2_y - rc2_mean)"
  switch(type,
    response = difference,
    pearson = paste0(difference, " * SQRT(rc2_w) / SQRT(", variance_sql(family), ")"),
    working = paste0(difference, " / (", slope_sql(family), ")"),
    deviance = paste0("SIGN(", difference, ") * SQRT(GREATEST(0D, rc2_w * (", deviance_sql(family), ")))"))
}

variance_sql <- function(family) {
  switch(family$family, gaussian = "1D", binomial = "(rc2_mean * (1D - rc2_mean))", poisson = "rc2_mean",
    gamma = "(rc2_mean * rc2_mean)", tweedie = paste0("POWER(rc2_mean, ", double_sql(family$variance_power), ")"))
}

# The derivative of the mean by the linear predictor
slope_sql <- function(family) {
  if (family$family == "tweedie") fail("Working residuals are not there for the family tweedie.")
  switch(family$link, identity = "1D", log = "rc2_mean", inverse = "-rc2_mean * rc2_mean", sqrt = "2D * rc2_eta1",
    logit = "rc2_mean * (1D - rc2_mean)", cloglog = "EXP(rc2_eta1) * EXP(-EXP(rc2_eta1))",
    probit = "EXP(-rc2_eta1 * rc2_eta1 / 2D) / SQRT(2D * PI())")
}

# What a row adds to the deviance
deviance_sql <- function(family) {
  y_log_y <- function(y, mean) paste0("CASE WHEN ", y, " = 0 THEN 0D ELSE ", y, " * LN(", y, " / ", mean, ") END")
  switch(family$family,
    gaussian = "POWER(rc2_y - rc2_mean, 2)",
    binomial = paste0("2D * (", y_log_y("rc2_y", "rc2_mean"), " + ", y_log_y("(1D - rc2_y)", "(1D - rc2_mean)"), ")"),
    poisson = paste0("2D * (", y_log_y("rc2_y", "rc2_mean"), " - (rc2_y - rc2_mean))"),
    gamma = "-2D * (LN(rc2_y / rc2_mean) - (rc2_y - rc2_mean) / rc2_mean)",
    fail("Deviance residuals are not there for the family tweedie; ask for type = \"response\" or \"pearson\"."))
}
