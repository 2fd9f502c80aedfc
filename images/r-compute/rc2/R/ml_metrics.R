# Metrics of predictions as a table, with the names of the package yardstick, as sparklyr has them.

utils::globalVariables(c("label", "prediction", "rawPrediction")) # columns, which stand as defaults

METRIC_NAMES <- c(rsq = "r2", roc_auc = "areaUnderROC", pr_auc = "areaUnderPR", precision = "weightedPrecision",
  recall = "weightedRecall", f_meas = "f1")

ml_metrics_regression <- function(x, truth, estimate = prediction, metrics = c("rmse", "rsq", "mae"), ...) {
  if (missing(truth)) fail("truth is the column of the response, such as truth = mpg.")
  columns <- c(column_name(substitute(truth)), column_name(substitute(estimate)))
  metrics_table(metrics, "standard", REGRESSION_METRICS, function(metrics) {
    regression_metrics(x, columns[[1]], columns[[2]], metrics)
  })
}

ml_metrics_binary <- function(x, truth = label, estimate = rawPrediction, metrics = c("roc_auc", "pr_auc"), ...) {
  columns <- c(column_name(substitute(truth)), column_name(substitute(estimate)))
  metrics_table(metrics, "binary", BINARY_METRICS, function(metrics) {
    binary_metrics(x, columns[[1]], columns[[2]], metrics)
  })
}

ml_metrics_multiclass <- function(x, truth = label, estimate = prediction, metrics = c("accuracy"), beta = NULL, ...) {
  columns <- c(column_name(substitute(truth)), column_name(substitute(estimate)))
  metrics_table(metrics, "multiclass", CLASS_METRICS, function(metrics) {
    class_metrics(x, columns[[1]], columns[[2]], metrics, list(beta = given(beta, 1)))
  })
}

# The name of a column that stands in a call as it is, or as text.
column_name <- function(call) {
  if (is.name(call) || (is.character(call) && length(call) == 1)) return(as.character(call))
  fail("truth and estimate are names of columns, such as truth = am.")
}

# `measured` gives the numbers of Spark's metrics.
metrics_table <- function(metrics, estimator, known, measured) {
  spark <- ifelse(metrics %in% names(METRIC_NAMES), METRIC_NAMES[metrics], metrics)
  if (!is.character(metrics) || !length(metrics) || !all(spark %in% known)) {
    short <- METRIC_NAMES[METRIC_NAMES %in% known]
    fail("metrics are of ", paste(c(names(short), setdiff(known, short)), collapse = ", "), ".")
  }
  dplyr::tibble(.metric = metrics, .estimator = estimator, .estimate = measured(unname(spark)))
}
