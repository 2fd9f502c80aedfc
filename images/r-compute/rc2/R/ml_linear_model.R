# Models with a linear predictor. They predict in SQL by their coefficients alone, so they can be saved, and outlive Spark's
# session.

linear_model <- function(title, name, design, fitted, family) {
  used <- fitted$used
  outputs <- fitted$outputs
  ml_call(design$connection, "drop", model = fitted$model)
  response <- design$variables[[design$response]]
  new_model(c(name, "rc2_linear_model"), title, design, fitted, family = family,
    coefficients = in_order(design, used, outputs$coefficients, outputs$intercept),
    errors = errors_in_order(design, used, outputs$summary.coefficientStandardErrors),
    df.residual = design$rows - length(used) - design$intercept,
    event = if (family$family == "binomial" && response$is_factor) event_text(response),
    summary = measures(outputs))
}

# Coefficients with R's names, the intercept first; NA for a column that depends on those before it.
in_order <- function(design, used, values, intercept) {
  all <- rep(NA_real_, nrow(design$columns))
  all[used] <- as.numeric(values)
  stats::setNames(c(if (design$intercept) as_number(intercept), all), coefficient_names(design))
}

coefficient_names <- function(design) c(if (design$intercept) "(Intercept)", design$columns$name)

# Spark has the error of the intercept last, and none for a fit with a penalty.
errors_in_order <- function(design, used, errors) {
  if (length(errors) != length(used) + design$intercept) return(NULL)
  in_order(design, used, errors[seq_along(used)], errors[length(errors)])
}

# Spark's measures of the fit, with sparklyr's names, such as root_mean_squared_error for rootMeanSquaredError
measures <- function(outputs) {
  found <- outputs[startsWith(names(outputs), "summary.") & lengths(outputs) == 1]
  found$summary.coefficientStandardErrors <- NULL
  stats::setNames(found, tolower(gsub("([A-Z])", "_\\1", sub("^summary\\.", "", names(found)))))
}

coef.rc2_spark_model <- function(object, ...) object$coefficients

formula.rc2_spark_model <- function(x, ...) x$formula

nobs.rc2_spark_model <- function(object, ...) object$design$rows

print.rc2_linear_model <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_title(x)
  cat("Coefficients:\n")
  print(format(x$coefficients, digits = digits), quote = FALSE)
  invisible(x)
}

summary.rc2_linear_model <- function(object, ...) {
  structure(list(model = object, coefficients = coefficient_table(object)), class = "summary.rc2_linear_model")
}

# As in R's summaries: t where the dispersion is estimated, else z. Of a fit with a penalty, the estimates alone.
coefficient_table <- function(model) {
  estimates <- model$coefficients[!is.na(model$coefficients)]
  if (is.null(model$errors)) return(cbind(Estimate = estimates))
  errors <- model$errors[!is.na(model$coefficients)]
  statistic <- estimates / errors
  p <- if (model$family$has_z) 2 * stats::pnorm(-abs(statistic)) else 2 * stats::pt(-abs(statistic), model$df.residual)
  letter <- if (model$family$has_z) "z" else "t"
  table <- cbind(estimates, errors, statistic, p)
  colnames(table) <- c("Estimate", "Std. Error", paste(letter, "value"), paste0("Pr(>|", letter, "|)"))
  table
}

print.summary.rc2_linear_model <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  model <- x$model
  print_title(model)
  missing <- sum(is.na(model$coefficients))
  cat("Coefficients:", if (missing) paste0(" (", missing, " not defined because of singularities)"), "\n", sep = "")
  if (ncol(x$coefficients) == 4) stats::printCoefmat(x$coefficients, digits = digits)
  else print(x$coefficients, digits = digits)
  cat("\n", paste0(names(model$summary), ": ", vapply(model$summary, format, "", digits = digits), "\n"), sep = "")
  invisible(x)
}
