# One binary classifier for each class, against the rest. Their linear predictors decide, so the model is in R.

BINARY_CLASSIFIERS <- c(ml_logistic_regression = "LogisticRegression", ml_linear_svc = "LinearSVC")
BINARY_OPTIONS <- c("elastic_net_param", "reg_param", "max_iter", "tol", "standardization", "aggregation_depth")

ml_one_vs_rest <- function(x, formula = NULL, classifier = ml_logistic_regression, ..., fit_intercept = TRUE,
                           weight_col = NULL) {
  estimator <- binary_classifier(classifier)
  options <- binary_options(...)
  design <- regression_design(x, formula, fit_intercept, weight_col, classes = TRUE)
  if (length(design$offset)) fail("ml_one_vs_rest() takes no offset().")
  fits <- lapply(seq_along(response_values(design)), function(class) {
    fit_linear(against_rest(design, class), estimator, options, c("coefficients", "intercept"))
  })
  for (fit in fits) ml_call(design$connection, "drop", model = fit$model)
  all <- seq_len(nrow(design$columns))
  coefficients <- do.call(rbind, lapply(fits, function(fit) {
    in_order(design, all, fit$outputs$coefficients, fit$outputs$intercept)
  }))
  rownames(coefficients) <- design$variables[[design$response]]$levels
  new_model(c("ml_one_vs_rest", "rc2_one_vs_rest_model"), "One against the rest", design, fits[[1]],
    coefficients = coefficients, by_class = coefficients, classifier = sub("^classification[.]", "", estimator))
}

response_values <- function(design) design$variables[[design$response]]$values

binary_classifier <- function(classifier) {
  if (is.null(classifier)) classifier <- ml_logistic_regression
  for (name in names(BINARY_CLASSIFIERS)) {
    if (identical(classifier, get(name))) return(paste0("classification.", BINARY_CLASSIFIERS[[name]]))
  }
  fail("classifier is the function ", paste(names(BINARY_CLASSIFIERS), collapse = " or "), "; its arguments follow, as in",
    " ml_one_vs_rest(x, y ~ x1, ml_linear_svc, reg_param = 0.1).")
}

binary_options <- function(...) {
  options <- list(...)
  unknown <- setdiff(names(options), BINARY_OPTIONS)
  if (length(unknown) || length(names(options)) != length(options)) {
    fail("ml_one_vs_rest() passes on ", paste(BINARY_OPTIONS, collapse = ", "), ", and no other argument.")
  }
  spark_options(options)
}

# The design whose response is 1 for one class.
against_rest <- function(design, class) {
  response <- design$variables[[design$response]]
  value <- literal_sql(response$values[[class]], design$connection)
  design$shifted <- paste("CASE WHEN", response$column, "=", value, "THEN 1D ELSE 0D END")
  design
}

print.rc2_one_vs_rest_model <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_title(x)
  cat("Coefficients of each class against the rest, by ", x$classifier, ":\n", sep = "")
  print(x$coefficients, digits = digits)
  invisible(x)
}

summary.rc2_one_vs_rest_model <- function(object, ...) object

# The class with the greatest linear predictor, as of Spark's OneVsRest
predict.rc2_one_vs_rest_model <- function(object, newdata = NULL, type = NULL, ...) {
  checked_type(object, type, "class")
  sets <- lapply(seq_len(nrow(object$by_class)), function(class) object$by_class[class, ])
  table <- with_predictors(prediction_rows(object, newdata), object$design, sets)
  with_predictions(table, list(prediction = most_likely(object, paste0("rc2_eta", seq_along(sets)))))
}

# Also of a multinomial regression
tidy_by_class <- function(x, ...) {
  found <- x$coefficients
  dplyr::tibble(y.level = rep(rownames(found), each = ncol(found)), term = rep(colnames(found), nrow(found)),
    estimate = as.vector(t(found)))
}

glance_by_class <- function(x, ...) dplyr::tibble(classes = nrow(x$by_class), nobs = x$design$rows)

augment_by_class <- function(x, data = NULL, newdata = NULL, ...) {
  rows <- stats::predict(x, if (is.null(newdata)) data else newdata, type = "class")
  dplyr::rename(rows, .predicted_label = "prediction")
}
