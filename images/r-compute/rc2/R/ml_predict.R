# Predictions: the rows of a table with further columns. Each row stays; one with a missing predictor has no prediction.

predict.rc2_linear_model <- function(object, newdata = NULL, type = NULL, ...) {
  type <- checked_type(object, type, linear_types(object))
  table <- with_predictors(prediction_rows(object, newdata), object$design, list(object$coefficients))
  mean <- mean_sql(object$family, "rc2_eta1")
  with_predictions(table, switch(type,
    link = list(prediction = "rc2_eta1"),
    response = list(prediction = mean),
    class = list(prediction = class_sql(object, mean)),
    probabilities = probabilities_sql(object, mean),
    list(prediction = class_sql(object, mean), probability = mean)))
}

# The first one is the default; "both" is the class and its probability.
linear_types <- function(model) {
  if (is.null(model$event)) return(c("response", "link"))
  types <- c("both", "response", "link", "class", "probabilities")
  if (inherits(model, "ml_logistic_regression")) types else types[c(2:5, 1)]
}

checked_type <- function(model, type, types) {
  if (is.null(type)) return(types[[1]])
  if (type == "both" || !type %in% types) {
    others <- paste(setdiff(types, "both"), collapse = ", ")
    fail("This model has no predictions of the type ", type, "; it has ", others, ".")
  }
  type
}

# The table of the prediction as SQL, with the predictors as columns, and the response if it is wanted and there; without a
# table, the one of the fit.
prediction_rows <- function(model, newdata, with_response = FALSE) {
  design <- model$design
  if (is.null(newdata)) return(rows_before(design))
  connection <- spark_connection_of(newdata)
  columns <- names(columns_of(connection, rows_of(newdata)))
  variables <- design$variables[design$predictors]
  missing <- missing_names(variables, columns, design$env)
  if (length(missing)) {
    fail("The table has no column ", missing[[1]], ", which the model needs.", similar_to(missing[[1]], columns))
  }
  if (with_response && has_response_columns(model, columns)) variables <- c(variables, list(response_of(model)))
  sql <- if (length(variables)) variables_sql(dplyr::ungroup(newdata), variables, design$env) else rows_of(newdata)
  list(connection = connection, sql = sql, columns = columns)
}

# The columns that variables need and a table lacks.
missing_names <- function(variables, columns, env) {
  names <- setdiff(unlist(lapply(variables, function(variable) all.vars(variable$call))), columns)
  Filter(function(name) !is_constant(name, env), names)
}

has_response_columns <- function(model, columns) {
  !length(missing_names(list(response_of(model)), columns, model$design$env))
}

# The rows that the fit was given, complete or not.
rows_before <- function(design) {
  list(connection = design$connection, sql = design$sql, columns = design$table_columns)
}

# The table with a column rc2_eta1 and so on for each set of coefficients; NULL where a predictor is missing.
with_predictors <- function(table, design, sets) {
  etas <- vapply(sets, function(coefficients) guarded_sql(design, linear_predictor(design, coefficients)), "")
  fields <- paste0(etas, " AS rc2_eta", seq_along(etas), collapse = ", ")
  table$sql <- paste("SELECT *,", fields, "FROM (", table$sql, ") AS rc2_design")
  table
}

linear_predictor <- function(design, coefficients) {
  sum <- if (design$intercept) double_sql(coefficients[[1]])
  slopes <- if (design$intercept) coefficients[-1] else coefficients
  used <- which(!is.na(slopes))
  products <- paste0(vapply(slopes[used], double_sql, ""), " * ", design$columns$sql[used], recycle0 = TRUE)
  paste(c("0D", sum, products, design$offset), collapse = " + ")
}

# A level that the fit has not seen is an error in R, and so it is here, in the row that has it.
new_level_sql <- function(variable, connection) {
  paste0("WHEN ", variable$column, " IS NOT NULL AND NOT ", is_level(variable, variable$values, connection),
    " THEN RAISE_ERROR(CONCAT(", literal_sql(paste0(variable$name, " has the value "), connection), ", CAST(",
    variable$column, " AS STRING), ", literal_sql(", which the rows of the fit do not have.", connection), "))")
}

# SQL that is NULL where a predictor is missing.
guarded_sql <- function(design, sql) {
  variables <- design$variables[design$predictors]
  factors <- Filter(function(variable) !is.null(variable$levels) && !length(variable$wanted), variables)
  paste("CASE WHEN NOT (", all_present(variables, design$connection), ") THEN NULL",
    paste(vapply(factors, new_level_sql, "", design$connection), collapse = " "), "ELSE", sql, "END")
}

with_predictions <- function(table, values) {
  with_columns(table, table$sql, lapply(values, function(value) paste("CASE WHEN rc2_eta1 IS NOT NULL THEN", value, "END")))
}

# A table of Spark: the columns of `table` that `values` do not replace, and the values, of the rows of a query.
with_columns <- function(table, rows, values) {
  quoted <- function(names) as.character(dbQuoteIdentifier(table$connection, names))
  kept <- setdiff(table$columns, names(values))
  fields <- c(quoted(kept), paste(values, "AS", quoted(names(values))))
  query <- paste("SELECT", paste(fields, collapse = ", "), "FROM (", rows, ") AS rc2_rows")
  dplyr::tbl(table$connection, dbplyr::sql(query), vars = c(kept, names(values))) # which need no query to be found
}

# The class as the response has it: text, number or logical.
class_sql <- function(model, probability) {
  values <- vapply(response_of(model)$values, literal_sql, "", model$design$connection)
  threshold <- if (is.null(model$threshold)) 0.5 else model$threshold
  paste0("CASE WHEN ", probability, " > ", double_sql(threshold), " THEN ", values[[2]], " ELSE ", values[[1]], " END")
}

response_of <- function(model) model$design$variables[[model$design$response]]

probabilities_sql <- function(model, probability) {
  stats::setNames(list(paste0("1D - (", probability, ")"), probability), paste0("probability_", response_of(model)$levels))
}
