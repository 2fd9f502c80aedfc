# Regression in Spark, on rows that stay there; for R's lm() and glm(), collect() the rows first.

ml_linear_regression <- function(x, formula, reg_param = 0, elastic_net_param = 0, standardization = TRUE) {
  fit_model("linear", x, formula,
    list(regParam = reg_param, elasticNetParam = elastic_net_param, standardization = standardization))
}

ml_logistic_regression <- function(x, formula, reg_param = 0, elastic_net_param = 0, standardization = TRUE) {
  fit_model("logistic", x, formula,
    list(regParam = reg_param, elasticNetParam = elastic_net_param, standardization = standardization))
}

fit_model <- function(kind, x, formula, options) {
  connection <- spark_connection_of(x)
  text <- paste(deparse(formula, width.cutoff = 500L), collapse = " ")
  fitted <- call_connection(connection, "call", name = "fit", kind = kind, sql = rows_of(x), formula = text, options = options)
  structure(class = "rc2_spark_model", list(
    kind = kind, formula = formula, coefficients = stats::setNames(fitted$coefficients, fitted$names),
    summary = fitted$summary, number = fitted$model
  ))
}

spark_connection_of <- function(x) {
  connection <- if (inherits(x, "tbl_sql")) dbplyr::remote_con(x)
  if (!is(connection, "SparkConnection")) {
    fail("The data must be a table in Spark, such as tbl(con, \"name\") or copy_to(con, data) of con <- rc2_spark().")
  }
  connection
}

rows_of <- function(x) as.character(dbplyr::remote_query(x))

print.rc2_spark_model <- function(x, ...) {
  cat(x$kind, " regression in Spark: ", paste(deparse(x$formula), collapse = " "), "\n\n", sep = "")
  print(x$coefficients, ...)
  invisible(x)
}

predict.rc2_spark_model <- function(object, newdata, ...) {
  connection <- spark_connection_of(newdata)
  view <- basename(tempfile("rc2_prediction_"))
  call_connection(connection, "call", name = "predict", model = object$number, sql = rows_of(newdata), view = view)
  dplyr::tbl(connection, view)
}
