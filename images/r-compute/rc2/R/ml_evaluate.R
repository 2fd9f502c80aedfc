# How good predictions are: Spark's evaluators on the columns of a table, which are those of predict().

REGRESSION_METRICS <- c("rmse", "mse", "r2", "mae", "var")
BINARY_METRICS <- c("areaUnderROC", "areaUnderPR")
CLASS_METRICS <- c("f1", "accuracy", "weightedPrecision", "weightedRecall", "weightedTruePositiveRate",
  "weightedFalsePositiveRate", "weightedFMeasure")

ml_regression_evaluator <- function(x, label_col = "label", prediction_col = "prediction", metric_name = "rmse") {
  check_metric(metric_name, REGRESSION_METRICS)
  if (is(x, "SparkConnection")) return(evaluator_stage(x, "RegressionEvaluator", label_col, prediction_col, metric_name))
  regression_metrics(x, label_col, prediction_col, metric_name)
}

regression_metrics <- function(x, label_col, prediction_col, metrics) {
  columns <- evaluated(x, list(rc2_y = label_col, rc2_prediction = prediction_col), numbers = TRUE)
  evaluate(x, "RegressionEvaluator", metrics, lapply(columns, number_of), columns)
}

ml_binary_classification_evaluator <- function(x, label_col = "label", raw_prediction_col = "probability",
                                               metric_name = "areaUnderROC") {
  check_metric(metric_name, BINARY_METRICS)
  if (is(x, "SparkConnection")) {
    return(evaluator_stage(x, "BinaryClassificationEvaluator", label_col, metric_name = metric_name,
      raw_prediction_col = raw_prediction_col, num_bins = 0L))
  }
  binary_metrics(x, label_col, raw_prediction_col, metric_name)
}

# The probability may be a list of numbers, whose second one is that of the event.
binary_metrics <- function(x, label_col, raw_prediction_col, metrics) {
  columns <- evaluated(x, list(rc2_y = label_col, rc2_raw = raw_prediction_col), c(FALSE, TRUE), vectors = TRUE)
  classes <- classes_in(x, columns, columns["rc2_y"])
  if (length(classes) != 2) {
    fail("The column ", label_col, " has ", length(classes), " classes, and this evaluator takes two;",
      " ml_multiclass_classification_evaluator() takes more.")
  }
  raw <- if (columns$rc2_raw$type == "list") columns$rc2_raw$column else number_of(columns$rc2_raw)
  sql <- list(rc2_y = place_of(columns$rc2_y, classes, x), rc2_raw = raw)
  # 0 bins: the exact area, not one of a curve with fewer points
  evaluate(x, "BinaryClassificationEvaluator", metrics, sql, columns, list(numBins = 0L))
}

ml_multiclass_classification_evaluator <- function(x, label_col = "label", prediction_col = "prediction",
                                                   metric_name = "f1") {
  check_metric(metric_name, CLASS_METRICS)
  if (is(x, "SparkConnection")) {
    return(evaluator_stage(x, "MulticlassClassificationEvaluator", label_col, prediction_col, metric_name))
  }
  class_metrics(x, label_col, prediction_col, metric_name)
}

class_metrics <- function(x, label_col, prediction_col, metrics, options = list()) {
  columns <- evaluated(x, list(rc2_y = label_col, rc2_prediction = prediction_col), numbers = FALSE)
  classes <- classes_in(x, columns, columns)
  evaluate(x, "MulticlassClassificationEvaluator", metrics, lapply(columns, place_of, classes, x), columns, options)
}

ml_clustering_evaluator <- function(x, features_col = "features", prediction_col = "prediction", metric_name = "silhouette") {
  check_metric(metric_name, "silhouette")
  if (is(x, "SparkConnection")) {
    return(evaluator_stage(x, "ClusteringEvaluator", prediction_col = prediction_col, metric_name = metric_name,
      features_col = features_col))
  }
  columns <- evaluated(x, c(list(rc2_prediction = prediction_col), as_features(features_col)), numbers = TRUE)
  evaluate(x, "ClusteringEvaluator", metric_name, lapply(columns, number_of), columns,
    list(featuresCol = "rc2_features"), length(features_col))
}

# Of a connection, an evaluator for a cross-validation.
evaluator_stage <- function(x, name, label_col = NULL, prediction_col = NULL, metric_name = NULL, ...) {
  arguments <- list(label_col = label_col, prediction_col = prediction_col, metric_name = metric_name, ...)
  arguments$uid <- random_string(paste0(sub("^_", "", tolower(gsub("([A-Z])", "_\\1", name))), "_"))
  new_stage(paste0("evaluation.", name), arguments, x)
}

as_features <- function(names) stats::setNames(as.list(names), paste0("rc2_x", seq_along(names)))

check_metric <- function(metric, metrics) {
  if (!is.character(metric) || length(metric) != 1 || !metric %in% metrics) {
    fail("metric_name is one of ", paste(metrics, collapse = ", "), ".")
  }
}

# Columns of the table as variables, by what Spark calls them. `numbers`: which of them must be numbers, for `what`;
# `vectors`: whether lists of numbers will do.
evaluated <- function(x, names, numbers, what = "this evaluator", vectors = FALSE) {
  connection <- spark_connection_of(x)
  columns <- columns_of(connection, rows_of(dplyr::ungroup(x)))
  Map(function(name, is_number) {
    check_column(name, names(columns))
    type <- type_of(columns[[name]])
    if (is_number && type != "number" && !(vectors && type == "list")) {
      fail("The column ", name, " is of type ", type, ", and ", what, " takes a number there.")
    }
    list(name = name, column = as.character(dbQuoteIdentifier(connection, name)), type = type)
  }, names, numbers)
}

check_column <- function(name, columns) {
  if (!is.character(name) || length(name) != 1 || !name %in% columns) {
    fail("The table has no column ", paste(name, collapse = ", "), ".", similar_to(name[[1]], columns))
  }
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

# A number for each metric. `sql` gives Spark's columns by their names. Rows in which a column is missing have no part in the
# result.
evaluate <- function(x, evaluator, metrics, sql, columns, options = list(), width = 0L) {
  connection <- spark_connection_of(x)
  counts <- count_complete(x, columns)
  say_omitted(list(rows = counts$complete, omitted = counts$found - counts$complete))
  options <- c(options, if ("rc2_y" %in% names(sql)) list(labelCol = "rc2_y"))
  query <- selected_sql(sql, x, columns)
  vapply(metrics, function(metric) {
    ml_call(connection, "evaluate", evaluator = evaluator, sql = query, width = width,
      options = c(options, list(metricName = metric)))
  }, 0, USE.NAMES = FALSE)
}

# How many rows there are, and how many of them have all these columns.
count_complete <- function(x, columns) {
  connection <- spark_connection_of(x)
  counts <- dbGetQuery(connection, paste0("SELECT CAST(COUNT(*) AS DOUBLE) AS found, CAST(COUNT_IF(",
    all_present(columns, connection), ") AS DOUBLE) AS complete FROM (", rows_of(dplyr::ungroup(x)), ") AS rc2_rows"))
  if (!counts$complete) fail("No row has all the columns ", paste(vapply(columns, `[[`, "", "name"), collapse = ", "), ".")
  counts
}

# The complete rows with these columns, named SQL.
selected_sql <- function(sql, x, columns) {
  fields <- paste(unlist(sql), "AS", names(sql), collapse = ", ")
  paste("SELECT", fields, "FROM (", complete_sql(x, columns), ") AS rc2_rows")
}
