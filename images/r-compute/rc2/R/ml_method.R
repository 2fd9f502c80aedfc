# The methods whose models Spark holds: one way to fit, print and predict for all of them. A method has the name of its
# function and of Spark's estimator, which responses it takes, what is read of the fit, and `parts`, which makes of that and
# of the arguments what the model shows: `summary`, numbers of the whole model, and `table`, a data frame.

# A response is "number", "classes", "two classes" or "none". `row_option` is Spark's option for the column that `row_column`
# names, beside response and predictors.
spark_method <- function(name, title, estimator, response, outputs, parts, probability = FALSE, row_column = "weight_col",
                         row_option = "weightCol", check = NULL, augmented = NULL) {
  if (is.null(augmented)) augmented <- if (grepl("classes", response)) ".predicted_label" else ".prediction"
  as.list(environment())
}

# `arguments` are those of the function of the method, by their names; `...` names the columns of a stage.
fit_method <- function(method, arguments, ...) {
  arguments$formula <- given_formula(arguments$formula, ...)
  if (is_stage_call(arguments$x, arguments$formula, ...)) return(estimator_stage(method, arguments, ...))
  design <- method_design(method, arguments)
  if (!is.null(method$check)) method$check(design, arguments)
  options <- spark_options(arguments)
  if ("fit_intercept" %in% names(arguments)) options$fitIntercept <- design$intercept
  if (design$weights) options[[method$row_option]] <- "rc2_w"
  forget_unneeded(design$connection)
  fitted <- fit_design(design, method$estimator, options, method$outputs)
  hold_model(method, design, fitted, arguments)
}

NO_OPTIONS <- c("x", "formula", "features", "weight_col", "censor_col", "quantile_probabilities", "quantiles_col")

# Options as Spark names them: maxDepth for max_depth.
spark_options <- function(arguments) {
  options <- arguments[setdiff(names(arguments), NO_OPTIONS)]
  names(options) <- sub("Mb$", "MB", gsub("_([a-z])", "\\U\\1", names(options), perl = TRUE))
  options
}

method_design <- function(method, arguments) {
  classes <- grepl("classes", method$response)
  frame <- model_frame(arguments$x, arguments$formula, classes, arguments[[method$row_column]])
  check_sides(method, frame)
  if (frame$response) check_method_response(method, frame$variables[[frame$response]], classes)
  if (identical(arguments$fit_intercept, FALSE)) attr(frame$terms, "intercept") <- 0L
  design <- model_design(frame)
  if (length(design$offset)) fail(method$name, "() takes no offset().")
  if (!nrow(design$columns)) fail("The formula has no predictors; ", method$name, "() needs at least one.")
  design
}

check_sides <- function(method, frame) {
  if (frame$response && method$response == "none") {
    fail("The formula of ", method$name, "() has no response; write it as ~ x1 + x2.")
  }
  if (!frame$response && method$response != "none") fail("The formula has no response; write it as y ~ x1 + x2.")
}

check_method_response <- function(method, response, classes) {
  if (method$response == "two classes") check_two_classes(response, paste0(method$name, "()")) else
    check_response(response, classes)
}

hold_model <- function(method, design, fitted, arguments) {
  response <- if (design$response) design$variables[[design$response]]
  parts <- method$parts(design, fitted$outputs, arguments)
  event <- if (length(response$values) == 2 && method$probability) event_text(response)
  model <- do.call(new_model, c(list(c(method$name, "rc2_held_model"), method$title, design, fitted, method = method,
    event = event, held = held_in_spark(design$connection@state, fitted$model)), parts))
  model$outputs <- NULL
  model
}

# An object whose end, at R's next collection of garbage, marks the model as one that Spark can forget. A finalizer may run
# within another call of the data process, so the next fit has Spark forget it.
held_in_spark <- function(state, key) {
  held <- new.env(parent = emptyenv())
  reg.finalizer(held, forget_later(state, key))
  held
}

# The function must not know the object that it is the finalizer of.
forget_later <- function(state, key) function(held) state$unneeded_models <- c(state$unneeded_models, key)

forget_unneeded <- function(connection) {
  keys <- connection@state$unneeded_models
  connection@state$unneeded_models <- NULL
  for (key in keys) ml_call(connection, "drop", model = key)
}

coefficient_parts <- function(design, outputs, summary) {
  coefficients <- in_order(design, seq_len(nrow(design$columns)), outputs$coefficients, outputs$intercept)
  list(summary = summary, coefficients = coefficients,
    table = data.frame(features = names(coefficients), coefficients = unname(coefficients)))
}

print.rc2_held_model <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_title(x)
  facts <- x$summary
  cat(paste0(gsub("_", " ", names(facts)), ": ", vapply(facts, format, "", digits = digits), "\n"), sep = "")
  if (is.null(x$table)) return(invisible(x))
  cat("\n")
  print(utils::head(x$table, 10), digits = digits, row.names = FALSE)
  more <- nrow(x$table) - 10
  if (more > 0) cat("and", more, "more rows; tidy() gives all\n")
  invisible(x)
}

summary.rc2_held_model <- function(object, ...) object

predict.rc2_held_model <- function(object, newdata = NULL, type = NULL, ...) {
  type <- checked_type(object, type, held_types(object))
  table <- transformed(object, newdata)
  values <- held_values(object, type)
  with_columns(table, table$sql, lapply(values, function(value) paste("CASE WHEN rc2_known THEN", value, "END")))
}

held_types <- function(model) {
  if (!grepl("classes", model$method$response)) return("response")
  if (!model$method$probability) return("class")
  c("both", "class", "probabilities", if (length(model$event)) "response")
}

# The columns of a prediction, as SQL on the columns that Spark's model adds.
held_values <- function(model, type) {
  if (!grepl("classes", model$method$response)) {
    shares <- if (model$method$probability) shares_of(model$table$cluster)
    return(c(list(prediction = "rc2_prediction"), shares, model$more_values))
  }
  class <- list(prediction = class_at(model, "rc2_prediction + 1"))
  each <- shares_of(response_of(model)$levels)
  switch(type, class = class, probabilities = each, response = list(prediction = each[[2]]),
    both = c(class, if (length(model$event)) list(probability = each[[2]]) else each))
}

shares_of <- function(groups) {
  stats::setNames(as.list(paste0("rc2_probability[", seq_along(groups) - 1, "]")), paste0("probability_", groups))
}

# The rows of a prediction with what Spark's model adds. A row with a missing predictor has zeros in its place, as Spark has
# no missing features, and rc2_known is NULL there.
transformed <- function(model, newdata) transformed_by(model, prediction_rows(model, newdata))

transformed_by <- function(model, table) {
  design <- model$design
  known <- paste("SELECT *,", guarded_sql(design, "TRUE"), "AS rc2_known FROM (", table$sql, ") AS rc2_rows")
  features <- paste0("CASE WHEN rc2_known THEN ", design$columns$sql, " ELSE 0D END AS rc2_x", seq_len(nrow(design$columns)))
  sql <- paste("SELECT *,", paste(features, collapse = ", "), "FROM (", known, ") AS rc2_rows")
  view <- ml_call(table$connection, "predict", model = model$key, sql = sql, width = nrow(design$columns))
  table$sql <- paste("SELECT * FROM", view)
  table
}
