# Linear, generalized linear and logistic regression, with R's formulas and sparklyr's names.

ml_linear_regression <- function(x, formula = NULL, fit_intercept = TRUE, elastic_net_param = 0, reg_param = 0,
                                 max_iter = 100, weight_col = NULL, loss = "squaredError", solver = "auto", standardization = TRUE,
                                 tol = 1e-6, ...) {
  formula <- given_formula(formula, ...)
  if (is_stage_call(x, formula, ...)) {
    return(estimator_stage(stage_method("ml_linear_regression", "regression.LinearRegression", "number"),
      as.list(environment()), ...))
  }
  design <- regression_design(x, formula, fit_intercept, weight_col)
  if (length(design$offset)) design <- without_offset(design)
  options <- list(regParam = reg_param, elasticNetParam = elastic_net_param, maxIter = max_iter, loss = loss,
    solver = solver, standardization = standardization, tol = tol)
  outputs <- c("coefficients", "intercept", "summary.r2", "summary.rootMeanSquaredError",
    "summary.coefficientStandardErrors")
  fitted <- fit_independent(design, reg_param, function(design, used) {
    fit_linear(design, "regression.LinearRegression", options, outputs, used)
  })
  linear_model("Linear regression", "ml_linear_regression", design, fitted, family_of("gaussian"))
}

fit_linear <- function(design, estimator, options, ...) {
  options <- c(options, list(fitIntercept = design$intercept), if (design$weights) list(weightCol = "rc2_w"))
  fit_design(design, estimator, options, ...)
}

# `check` refuses a response that the model cannot have.
regression_design <- function(x, formula, fit_intercept, weight_col, classes = FALSE,
                              check = function(response) check_response(response, classes)) {
  frame <- model_frame(x, formula, classes, weight_col)
  if (!frame$response) fail("The formula has no response; write it as y ~ x1 + x2.")
  if (!fit_intercept) attr(frame$terms, "intercept") <- 0L
  check(frame$variables[[frame$response]])
  model_design(frame)
}

check_response <- function(response, classes) {
  if (!classes && response$is_factor) {
    fail("The response ", response$name, " holds classes, and this regression needs a number; ml_logistic_regression() is",
      " for classes.")
  }
  if (classes && length(response$values) == 1) {
    fail("The response ", response$name, " has only the value ", response$values, "; a classification needs at least two.")
  }
}

# A linear model of y - offset has the coefficients of one of y with the offset.
without_offset <- function(design) {
  response <- design$variables[[design$response]]
  design$shifted <- paste0(number_of(response), " - (", design$offset, ")")
  design
}

ml_generalized_linear_regression <- function(x, formula = NULL, family = "gaussian", link = NULL, fit_intercept = TRUE,
                                             offset_col = NULL, link_power = NULL, reg_param = 0, max_iter = 25,
                                             weight_col = NULL, solver = "irls", tol = 1e-10, variance_power = 0,
                                             ...) {
  formula <- given_formula(formula, ...)
  family <- family_of(family, link, variance_power, link_power)
  if (is_stage_call(x, formula, ...)) {
    arguments <- list(x = x, formula = formula, fit_intercept = fit_intercept, offset_col = offset_col, reg_param = reg_param,
      max_iter = max_iter, weight_col = weight_col, solver = solver, tol = tol)
    method <- stage_method("ml_generalized_linear_regression", "regression.GeneralizedLinearRegression", "number")
    return(estimator_stage(method, c(arguments, family$options), ...))
  }
  if (!is.null(offset_col)) formula <- with_offset(as_model_formula(formula), offset_col)
  design <- regression_design(x, formula, fit_intercept, weight_col, check = function(response) {
    if (family$family != "binomial") check_response(response, FALSE)
    if (response$is_factor) check_two_classes(response)
  })
  general_model("Generalized linear regression", "ml_generalized_linear_regression", design, family,
    list(regParam = reg_param, maxIter = max_iter, solver = solver, tol = tol))
}

with_offset <- function(formula, column) {
  right <- length(formula)
  formula[[right]] <- call("+", formula[[right]], call("offset", as.name(column)))
  formula
}

check_two_classes <- function(response, what = "the family binomial") {
  check_response(response, TRUE)
  if (length(response$values) > 2) {
    fail("The response ", response$name, " has ", length(response$values), " classes, and ", what, " takes two;",
      " ml_logistic_regression() takes more.")
  }
}

# By iteratively reweighted least squares, as glm() does.
general_model <- function(title, name, design, family, options) {
  options <- c(options, family$options)
  if (length(design$offset)) options$offsetCol <- "rc2_offset"
  outputs <- c("coefficients", "intercept", "summary.deviance", "summary.nullDeviance", "summary.aic", "summary.dispersion",
    "summary.numIterations", "summary.coefficientStandardErrors")
  fitted <- fit_independent(design, options$regParam, function(design, used) {
    fit_linear(design, "regression.GeneralizedLinearRegression", options, outputs, used)
  })
  linear_model(title, name, design, fitted, family)
}

ml_logistic_regression <- function(x, formula = NULL, fit_intercept = TRUE, elastic_net_param = 0, reg_param = 0,
                                   max_iter = 100, threshold = 0.5, thresholds = NULL, tol = 1e-10, weight_col = NULL, aggregation_depth = 2,
                                   family = "auto", standardization = TRUE, ...) {
  formula <- given_formula(formula, ...)
  if (!family %in% c("auto", "binomial", "multinomial")) {
    fail("The family is \"auto\", \"binomial\" or \"multinomial\", not ", family, ".")
  }
  if (is_stage_call(x, formula, ...)) {
    if (length(thresholds)) threshold <- NULL # Spark takes one of them
    return(estimator_stage(stage_method("ml_logistic_regression", "classification.LogisticRegression", "classes"),
      as.list(environment()), ...))
  }
  design <- regression_design(x, formula, fit_intercept, weight_col, classes = TRUE)
  if (length(design$offset)) fail("ml_logistic_regression() takes no offset(); ml_generalized_linear_regression() does.")
  classes <- length(design$variables[[design$response]]$values)
  if (!length(thresholds) %in% c(0, classes)) fail("thresholds needs a number for each of the ", classes, " classes.")
  if (length(thresholds) == 2) threshold <- thresholds[[2]] / sum(thresholds)
  if (family == "binomial") check_two_classes(design$variables[[design$response]])
  if (classes == 2 && family != "multinomial" && reg_param == 0) {
    model <- general_model("Logistic regression", "ml_logistic_regression", design, family_of("binomial"),
      list(regParam = 0, maxIter = max_iter, tol = tol))
    model$threshold <- threshold
    return(model)
  }
  options <- list(regParam = reg_param, elasticNetParam = elastic_net_param, maxIter = max_iter, tol = tol,
    aggregationDepth = aggregation_depth, standardization = standardization,
    family = if (classes > 2) "multinomial" else family)
  penalized_logistic(design, options, threshold, thresholds)
}

penalized_logistic <- function(design, options, threshold, thresholds) {
  used <- if (options$regParam == 0) used_columns(design) else seq_len(nrow(design$columns))
  if (!design$intercept && any(has_one_value(design) & design$columns$least != 0)) {
    fail("A predictor is constant, to which Spark gives the coefficient 0; write the formula with an intercept.")
  }
  outputs <- c("coefficientMatrix", "interceptVector", "summary.totalIterations", "summary.accuracy")
  fitted <- c(fit_linear(design, "classification.LogisticRegression", options, outputs, used), list(used = used))
  matrix <- fitted$outputs$coefficientMatrix
  if (matrix$rows == 1) {
    fitted$outputs[c("coefficients", "intercept")] <- list(matrix$values, fitted$outputs$interceptVector)
    model <- linear_model("Logistic regression", "ml_logistic_regression", design, fitted, family_of("binomial"))
    model$threshold <- threshold
    return(model)
  }
  multinomial_model(design, fitted, thresholds)
}

stage_method <- function(name, estimator, response) list(name = name, estimator = estimator, response = response)
