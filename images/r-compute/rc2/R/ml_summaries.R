# How good a model is on the rows of a table: ml_evaluate(), with the measures of sparklyr's summaries.

ml_evaluate <- function(x, dataset) UseMethod("ml_evaluate")

ml_evaluate.default <- function(x, dataset) {
  fail("ml_evaluate() is for models of regressions, classes and clusters, and for evaluators.")
}

ml_evaluate.ml_evaluator <- function(x, dataset) {
  connection <- spark_connection_of(dataset)
  ml_call(connection, "spark_pipelines.evaluate", stage = stage_spec(x), sql = rows_of(dplyr::ungroup(dataset)))
}

# Of classes the share of right ones, of clusters their silhouette, of numbers the errors.
ml_evaluate.rc2_held_model <- function(x, dataset) {
  if (grepl("classes", x$method$response)) return(accuracy_of(x, dataset))
  if (x$method$response == "number") return(error_summary(x, dataset))
  width <- nrow(x$design$columns)
  table <- transformed(x, dataset)
  columns <- paste0("rc2_x", seq_len(width))
  rows <- with_columns(table, paste(table$sql, "WHERE rc2_known"), stats::setNames(as.list(c("rc2_prediction", columns)),
    c("rc2_prediction", columns)))
  dplyr::tibble(Silhouette = ml_clustering_evaluator(rows, columns, "rc2_prediction"))
}

ml_evaluate.rc2_one_vs_rest_model <- function(x, dataset) accuracy_of(x, dataset)

ml_evaluate.rc2_linear_model <- function(x, dataset) {
  if (inherits(x, "ml_logistic_regression")) return(binary_summary(x, dataset))
  if (inherits(x, "ml_linear_regression")) error_summary(x, dataset) else deviance_summary(x, dataset)
}

ml_evaluate.rc2_multinomial_model <- function(x, dataset) class_summary(x, label_rows(x, dataset), dataset)

accuracy_of <- function(model, dataset) dplyr::tibble(Accuracy = counted(model, label_rows(model, dataset))$accuracy())

# The rows that have a response and a prediction, as numbers; of two classes also the probability of the event.
label_rows <- function(model, dataset) {
  found <- scored(model, dataset)
  if (is.null(found$label)) {
    fail("The table has no column of the response ", response_of(model)$name, ", with which predictions are compared.")
  }
  values <- list(label = found$label, prediction = found$values$prediction)
  if (!is.null(found$values$probability)) values$probability <- paste0(found$values$probability, "[1]")
  rows <- paste("SELECT", as_fields(values), "FROM (", found$table$sql, ") AS rc2_rows WHERE", found$known)
  query <- paste("SELECT * FROM (", rows, ") AS rc2_rows WHERE label IS NOT NULL")
  table <- dplyr::tbl(found$table$connection, dbplyr::sql(query), vars = names(values))
  if (!sdf_nrow(table)) fail("No row has both the response and all predictors.")
  table
}

new_summary <- function(class, ...) structure(list(...), class = c(class, "ml_summary"))

print.ml_summary <- function(x, ...) {
  cat(class(x)[[1]], "with\n")
  for (name in names(x)) {
    text <- if (is.function(x[[name]])) "()" else if (is.numeric(x[[name]])) paste(" =", format(x[[name]])) else ""
    cat(" - $", name, text, "\n", sep = "")
  }
  invisible(x)
}

error_summary <- function(model, dataset) {
  rows <- label_rows(model, dataset)
  names <- c(mean_absolute_error = "mae", mean_squared_error = "mse", root_mean_squared_error = "rmse", r2 = "r2",
    explained_variance = "var")
  errors <- as.list(stats::setNames(regression_metrics(rows, "label", "prediction", unname(names)), names(names)))
  count <- sdf_nrow(rows)
  used <- sum(!is.na(model$coefficients))
  free <- count - used
  if (used) errors$r2adj <- 1 - (1 - errors$r2) * (count - model$design$intercept) / free
  do.call(new_summary, c(list(paste0(class(model)[[1]], "_summary")), errors, if (used) list(degrees_of_freedom = free),
    list(num_instances = function() count, predictions = ml_predict(model, dataset),
      residuals = function() dplyr::transmute(rows, residuals = label - prediction))))
}

# As R has them for the rows of a fit; the dispersion is by Pearson's residuals.
deviance_summary <- function(model, dataset) {
  rows <- label_rows(model, dataset)
  residuals <- function(type = "deviance") {
    inner <- paste("SELECT label AS rc2_y, prediction AS rc2_mean, 1D AS rc2_w FROM (", rows_of(rows), ") AS rc2_rows")
    query <- paste("SELECT", residual_sql(model$family, type), "AS residuals FROM (", inner, ") AS rc2_rows")
    dplyr::tbl(model$design$connection, dbplyr::sql(query), vars = "residuals")
  }
  sum_of <- function(type) {
    query <- paste("SELECT SUM(residuals * residuals) AS s FROM (", rows_of(residuals(type)), ") AS rc2_rows")
    dbGetQuery(model$design$connection, query)$s
  }
  count <- sdf_nrow(rows)
  rank <- sum(!is.na(model$coefficients))
  new_summary("ml_generalized_linear_regression_summary", deviance = function() sum_of("deviance"),
    dispersion = function() if (model$family$has_z) 1 else sum_of("pearson") / (count - rank), rank = rank,
    residual_degree_of_freedom = function() count - rank, num_instances = function() count, residuals = residuals,
    predictions = ml_predict(model, dataset))
}

# Measures of classes by how often each is taken for each.
counted <- function(model, rows) {
  levels <- response_of(model)$levels
  found <- dbGetQuery(model$design$connection, paste("SELECT label, prediction, CAST(COUNT(*) AS DOUBLE) AS n FROM (",
    rows_of(rows), ") AS rc2_rows GROUP BY label, prediction"))
  counts <- matrix(0, length(levels), length(levels), dimnames = list(levels, levels))
  counts[cbind(found$label, found$prediction) + 1] <- found$n
  right <- diag(counts)
  truth <- rowSums(counts)
  precision <- function() ifelse(colSums(counts) > 0, right / colSums(counts), 0)
  recall <- function() ifelse(truth > 0, right / truth, 0)
  false_rate <- function() (colSums(counts) - right) / (sum(counts) - truth)
  f_measure <- function(beta = 1) {
    weight <- beta^2
    below <- weight * truth + colSums(counts)
    ifelse(below > 0, (1 + weight) * right / below, 0)
  }
  mean_of <- function(values) sum(values * truth) / sum(truth)
  list(accuracy = function() sum(right) / sum(counts), labels = function() levels,
    precision_by_label = precision, recall_by_label = recall, true_positive_rate_by_label = recall,
    false_positive_rate_by_label = false_rate, f_measure_by_label = f_measure,
    weighted_precision = function() mean_of(precision()), weighted_recall = function() mean_of(recall()),
    weighted_true_positive_rate = function() mean_of(recall()),
    weighted_false_positive_rate = function() mean_of(false_rate()),
    weighted_f_measure = function(beta = 1) mean_of(f_measure(beta)))
}

class_summary <- function(model, rows, dataset) {
  do.call(new_summary, c(list("ml_logistic_regression_summary"), counted(model, rows),
    list(predictions = function() ml_predict(model, dataset))))
}

# With what is measured at each probability that a row has
binary_summary <- function(model, dataset) {
  rows <- label_rows(model, dataset)
  curve <- function(columns, start = NULL) {
    steps <- paste("SELECT", columns, "FROM (", threshold_sql(rows), ") AS rc2_curve")
    query <- paste(c(start, steps), collapse = " UNION ALL ")
    dplyr::tbl(model$design$connection, dbplyr::sql(query))
  }
  precision <- "tp / (tp + fp)"
  recall <- "tp / NULLIF(events, 0)"
  summary <- class_summary(model, rows, dataset)
  structure(c(unclass(summary), list(
    area_under_roc = function() binary_metrics(rows, "label", "probability", "areaUnderROC"),
    roc = function() curve(paste("fp / NULLIF(others, 0) AS FPR,", recall, "AS TPR"), "SELECT 0D AS FPR, 0D AS TPR"),
    pr = function() curve(paste(recall, "AS recall,", precision, "AS precision")),
    precision_by_threshold = function() curve(paste("threshold,", precision, "AS precision")),
    recall_by_threshold = function() curve(paste("threshold,", recall, "AS recall")),
    f_measure_by_threshold = function(beta = 1) {
      curve(paste0("threshold, (1D + ", beta^2, ") * tp / (", beta^2, " * events + tp + fp) AS `F-Measure`"))
    })), class = c("ml_binary_logistic_regression_summary", class(summary)))
}

# For each probability, how many events and other rows have it or a higher one.
threshold_sql <- function(rows) {
  each <- paste("SELECT probability AS threshold, SUM(label) AS one, SUM(1D - label) AS other FROM (", rows_of(rows),
    ") AS rc2_rows GROUP BY probability")
  paste("SELECT threshold, SUM(one) OVER (ORDER BY threshold DESC) AS tp, SUM(other) OVER (ORDER BY threshold DESC) AS fp,",
    "SUM(one) OVER () AS events, SUM(other) OVER () AS others FROM (", each, ") AS rc2_rows ORDER BY threshold DESC")
}
