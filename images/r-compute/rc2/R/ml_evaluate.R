# How good predictions are: Spark's evaluators on the columns of a table, which are those of predict().

REGRESSION_METRICS <- c("rmse", "mse", "r2", "mae", "var")
BINARY_METRICS <- c("areaUnderROC", "areaUnderPR")
CLASS_METRICS <- c("f1", "accuracy", "weightedPrecision", "weightedRecall", "weightedTruePositiveRate",
  "weightedFalsePositiveRate", "weightedFMeasure")

ml_regression_evaluator <- function(x, label_col = "label", prediction_col = "prediction", metric_name = "rmse") {
  check_metric(metric_name, REGRESSION_METRICS)
  columns <- list(rc2_y = evaluated(x, label_col, "number"), rc2_prediction = evaluated(x, prediction_col, "number"))
  evaluate(x, "RegressionEvaluator", lapply(columns, number_of), columns, list(metricName = metric_name, labelCol = "rc2_y"))
}

ml_binary_classification_evaluator <- function(x, label_col = "label", raw_prediction_col = "probability",
                                               metric_name = "areaUnderROC") {
  check_metric(metric_name, BINARY_METRICS)
  columns <- list(rc2_y = evaluated(x, label_col), rc2_raw = evaluated(x, raw_prediction_col, "number"))
  classes <- classes_in(x, columns, columns["rc2_y"])
  if (length(classes) != 2) {
    fail("The column ", label_col, " has ", length(classes), " classes, and this evaluator takes two;",
      " ml_multiclass_classification_evaluator() takes more.")
  }
  sql <- list(rc2_y = place_of(columns$rc2_y, classes, x), rc2_raw = number_of(columns$rc2_raw))
  # 0 bins: the exact area, not one of a curve with fewer points
  evaluate(x, "BinaryClassificationEvaluator", sql, columns, list(metricName = metric_name, labelCol = "rc2_y", numBins = 0L))
}

ml_multiclass_classification_evaluator <- function(x, label_col = "label", prediction_col = "prediction",
                                                   metric_name = "f1") {
  check_metric(metric_name, CLASS_METRICS)
  columns <- list(rc2_y = evaluated(x, label_col), rc2_prediction = evaluated(x, prediction_col))
  classes <- classes_in(x, columns, columns)
  sql <- lapply(columns, place_of, classes, x)
  evaluate(x, "MulticlassClassificationEvaluator", sql, columns, list(metricName = metric_name, labelCol = "rc2_y"))
}

ml_clustering_evaluator <- function(x, features_col, prediction_col = "prediction", metric_name = "silhouette") {
  check_metric(metric_name, "silhouette")
  features <- lapply(features_col, function(name) evaluated(x, name, "number"))
  names(features) <- paste0("rc2_x", seq_along(features))
  columns <- c(list(rc2_prediction = evaluated(x, prediction_col, "number")), features)
  options <- list(metricName = metric_name, featuresCol = "rc2_features")
  evaluate(x, "ClusteringEvaluator", lapply(columns, number_of), columns, options, length(features))
}

check_metric <- function(metric, metrics) {
  if (!is.character(metric) || length(metric) != 1 || !metric %in% metrics) {
    fail("metric_name is one of ", paste(metrics, collapse = ", "), ".")
  }
}

# A column of the table as a variable. Its type must be "number", if that is given.
evaluated <- function(x, name, type = NULL) {
  connection <- spark_connection_of(x)
  columns <- columns_of(connection, rows_of(dplyr::ungroup(x)))
  if (!is.character(name) || length(name) != 1 || !name %in% names(columns)) {
    fail("The table has no column ", paste(name, collapse = ", "), ".", similar_to(name[[1]], names(columns)))
  }
  variable <- list(name = name, column = as.character(dbQuoteIdentifier(connection, name)))
  value <- columns[[name]]
  variable$type <- if (is.numeric(value) || inherits(value, "integer64")) "number" else class(value)[[1]]
  if (!is.null(type) && variable$type != type) {
    fail("The column ", name, " is of type ", variable$type, ", and this evaluator takes a number there.")
  }
  variable
}

# The classes in some of the columns, of the rows that have all columns, in the order of R's factor levels.
classes_in <- function(x, columns, those) {
  connection <- spark_connection_of(x)
  complete <- complete_sql(x, columns)
  each <- vapply(those, function(variable) paste("SELECT", variable$column, "AS v FROM (", complete, ") AS rc2_rows"), "")
  values <- dbGetQuery(connection, paste("SELECT DISTINCT v FROM (", paste(each, collapse = " UNION ALL "), ") AS rc2_values",
    "LIMIT", MOST_LEVELS + 1))$v
  if (length(values) > MOST_LEVELS) fail("There are more than ", MOST_LEVELS, " different values, too many for classes.")
  sort(values)
}

# The place of a class from 0, as Spark takes it.
place_of <- function(variable, classes, x) {
  values <- vapply(classes, literal_sql, "", spark_connection_of(x))
  paste0("CAST(ARRAY_POSITION(ARRAY(", paste(values, collapse = ", "), "), ", variable$column, ") - 1 AS DOUBLE)")
}

complete_sql <- function(x, columns) {
  paste("SELECT * FROM (", rows_of(dplyr::ungroup(x)), ") AS rc2_rows WHERE", all_present(columns, spark_connection_of(x)))
}

# `sql` gives Spark's columns by their names. Rows in which a column is missing have no part in the result.
evaluate <- function(x, evaluator, sql, columns, options, width = 0L) {
  connection <- spark_connection_of(x)
  complete <- complete_sql(x, columns)
  count <- function(rows) as.numeric(dbGetQuery(connection, paste("SELECT COUNT(*) AS n FROM (", rows, ") AS rc2_rows"))$n)
  rows <- count(complete)
  design <- list(rows = rows, omitted = count(rows_of(dplyr::ungroup(x))) - rows)
  if (!rows) fail("No row has all the columns ", paste(vapply(columns, `[[`, "", "name"), collapse = ", "), ".")
  say_omitted(design)
  fields <- paste(unlist(sql), "AS", names(sql), collapse = ", ")
  query <- paste("SELECT", fields, "FROM (", complete, ") AS rc2_rows")
  ml_call(connection, "evaluate", evaluator = evaluator, sql = query, width = width, options = options)
}
