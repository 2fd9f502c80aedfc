# Which columns of a design are linear combinations of those before them. lm() gives them the coefficient NA, and so do the
# models of this package: Spark would return one of infinitely many solutions.

ALIAS_TOLERANCE <- 1e-7 # as for lm()
LEAST_SHARE <- 1e-12 # of a column's variance; less than this is rounding

used_columns <- function(design) {
  width <- nrow(design$columns)
  if (!width) return(integer())
  design <- with_moments(design)
  mean <- design$columns$mean
  spread <- design$columns$spread
  correlation <- matrix(ml_call(design$connection, "correlation", sql = design_sql(design), width = width), width)
  correlation[!is.finite(correlation)] <- 0 # of a constant column
  diag(correlation) <- as.numeric(spread > 0)
  # sums of products: around the mean if the model has an intercept, else around zero
  around <- if (design$intercept) 0 else design$rows * outer(mean, mean)
  products <- (design$rows - 1) * outer(spread, spread) * correlation + around
  independent_columns(products, (design$rows - 1) * spread^2 + design$rows * mean^2)
}

SUSPECT_INFLATION <- 1e8 # of the variance of a coefficient, above which the columns are looked at

# What `fit(design, used)` gives for the independent columns. Only a fit that shows that there are others is made twice.
fit_independent <- function(design, penalty, fit) {
  all <- seq_len(nrow(design$columns))
  constant <- any(has_one_value(design))
  if (!constant || penalty > 0) {
    fitted <- c(fit(design, all), list(used = all))
    if (penalty > 0 || is_well_determined(design, fitted$outputs)) return(fitted)
  }
  used <- used_columns(design)
  if (!constant && length(used) == length(all)) return(fitted)
  if (!constant) ml_call(design$connection, "drop", model = fitted$model)
  if (!length(used) && !design$intercept) fail("Each predictor is zero in all rows.")
  at <- if (!design$intercept) which(has_one_value(design)[used])
  if (length(at)) fit_as_intercept(design, used, at, fit) else c(fit(design, used), list(used = used))
}

has_one_value <- function(design) design$columns$least == design$columns$greatest

# Spark gives a constant column the coefficient 0. Without an intercept in the formula, its coefficient is the one of an
# intercept over the constant.
fit_as_intercept <- function(design, used, at, fit) {
  constant <- design$columns$least[[used[[at]]]]
  design$intercept <- TRUE
  fitted <- fit(design, used[-at])
  outputs <- fitted$outputs
  outputs$coefficients <- append(as.numeric(outputs$coefficients), outputs$intercept / constant, at - 1)
  errors <- outputs$summary.coefficientStandardErrors
  last <- length(errors)
  if (last) outputs$summary.coefficientStandardErrors <- append(errors[-last], errors[[last]] / abs(constant), at - 1)
  outputs$summary.r2 <- NULL # of a model with an intercept
  list(model = fitted$model, outputs = outputs, used = used)
}

# By the standard errors, which are large if columns nearly depend on each other, and missing if they do. The sums of squares
# are at most these, so no such column is overlooked.
is_well_determined <- function(design, outputs) {
  width <- nrow(design$columns)
  if (!width) return(TRUE)
  errors <- outputs$summary.coefficientStandardErrors
  if (length(errors) < width) return(FALSE)
  dispersion <- outputs$summary.dispersion
  if (is.null(dispersion)) dispersion <- outputs$summary.rootMeanSquaredError^2
  ends <- design$columns[c("least", "greatest")]
  squares <- design$rows * if (design$intercept) ((ends$greatest - ends$least) / 2)^2 else pmax(ends$least^2, ends$greatest^2)
  inflation <- errors[seq_len(width)]^2 * squares / dispersion
  all(is.finite(inflation)) && all(inflation < SUSPECT_INFLATION)
}

# Cholesky's decomposition of the sums of products, column by column; `raw` are the sums of squares.
independent_columns <- function(products, raw) {
  used <- integer()
  for (column in seq_len(ncol(products))) {
    rest <- products[column, column]
    if (length(used)) {
      inner <- products[used, used, drop = FALSE]
      scale <- sqrt(diag(inner))
      share <- backsolve(chol(inner / outer(scale, scale)), products[used, column] / scale, transpose = TRUE)
      rest <- rest - sum(share^2)
    }
    small <- max(ALIAS_TOLERANCE^2 * raw[[column]], LEAST_SHARE * products[column, column])
    if (rest > small) used <- c(used, column)
  }
  used
}
