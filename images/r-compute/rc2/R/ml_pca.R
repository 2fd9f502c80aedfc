# Principal components. Spark finds them; their scores are sums in SQL, so a model can be saved and outlives Spark's session.

ml_pca <- function(x, features = colnames(x), k = NULL, pc_prefix = "PC") {
  design <- with_moments(number_design(x, features))
  width <- nrow(design$columns)
  if (is.null(k)) k <- width
  if (!is_count(k) || k > width) fail("k is the number of components, from 1 to ", width, " for these columns.")
  if (design$rows < 2) fail("Principal components need two complete rows or more.")
  fitted <- ml_call(design$connection, "fit", estimator = "feature.PCA", sql = design_sql(design), width = width,
    options = list(k = k, inputCol = "rc2_features", outputCol = "rc2_scores"), outputs = c("pc", "explainedVariance"))
  ml_call(design$connection, "drop", model = fitted$model)
  names <- paste0(pc_prefix, seq_len(k))
  shares <- stats::setNames(fitted$outputs$explainedVariance, names)
  new_model("ml_pca", "Principal components", design, fitted, k = k, explained_variance = shares,
    pc = matrix(fitted$outputs$pc$values, width, dimnames = list(design$columns$name, names)),
    sdev = sqrt(shares * sum(design$columns$spread^2)),
    center = stats::setNames(design$columns$mean, design$columns$name))
}

is_count <- function(k) is.numeric(k) && length(k) == 1 && !is.na(k) && k >= 1 && k == round(k)

# The design of columns of numbers: `features` are their names, or a formula. `what` has them, in the plural.
number_design <- function(x, features, what = "Principal components") {
  is_formula <- inherits(features, "formula")
  frame <- model_frame(x, if (is_formula) features else with_features(list(features = features))$formula)
  if (frame$response) fail("The formula has no response; write it as ~ x1 + x2.")
  texts <- Filter(function(variable) !is.null(variable$levels), frame$variables)
  if (length(texts)) {
    fail(what, " are of numbers, and ", texts[[1]]$name, " has other values; name the columns of numbers.")
  }
  attr(frame$terms, "intercept") <- 1L
  design <- model_design(frame)
  if (!is_formula) design$columns$name <- features
  design
}

print.ml_pca <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_title(x)
  cat("Standard deviations:\n")
  print(x$sdev, digits = digits)
  cat("\nRotation:\n")
  print(x$pc, digits = digits)
  invisible(x)
}

# As of summary.prcomp()
summary.ml_pca <- function(object, ...) {
  shares <- object$explained_variance
  importance <- rbind("Standard deviation" = object$sdev, "Proportion of Variance" = shares,
    "Cumulative Proportion" = cumsum(shares))
  structure(list(model = object, importance = importance), class = "summary.ml_pca")
}

print.summary.ml_pca <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_title(x$model)
  cat("Importance of components:\n")
  print(x$importance, digits = digits)
  invisible(x)
}

# Scores as of predict() for prcomp(): of the columns without their means in the fit.
predict.ml_pca <- function(object, newdata = NULL, ...) scores_of(object, newdata, object$center, colnames(object$pc))

# Spark's own, and sparklyr's: of the columns as they are.
sdf_project <- function(object, newdata = NULL, features = rownames(object$pc), feature_prefix = NULL, ...) {
  if (!inherits(object, "ml_pca")) fail("sdf_project() is for a model of ml_pca().")
  if (!identical(features, rownames(object$pc))) fail("sdf_project() takes the columns of the fit.")
  names <- colnames(object$pc)
  if (!is.null(feature_prefix)) names <- paste0(feature_prefix, seq_along(names))
  scores_of(object, newdata, 0 * object$center, names)
}

scores_of <- function(model, newdata, center, names) {
  sets <- apply(model$pc, 2, function(loadings) c(-sum(center * loadings), loadings), simplify = FALSE)
  table <- with_predictors(prediction_rows(model, newdata), model$design, sets)
  with_columns(table, table$sql, stats::setNames(as.list(paste0("rc2_eta", seq_along(sets))), names))
}

tidy_pca <- function(x, ...) dplyr::bind_cols(dplyr::tibble(features = rownames(x$pc)), dplyr::as_tibble(x$pc))

glance_pca <- function(x, ...) {
  shares <- stats::setNames(x$explained_variance, paste0("explained_variance_", names(x$explained_variance)))
  dplyr::as_tibble(c(list(k = x$k), as.list(shares), list(nobs = x$design$rows)))
}

augment_pca <- function(x, data = NULL, newdata = NULL, ...) predict.ml_pca(x, if (is.null(newdata)) data else newdata)
