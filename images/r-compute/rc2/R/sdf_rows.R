# Samples and summaries of tables in Spark, with sparklyr's names.

sdf_random_split <- function(x, ..., weights = NULL, seed = NULL) {
  weights <- unlist(if (is.null(weights)) list(...) else weights)
  named <- length(weights) && !is.null(names(weights)) && all(nzchar(names(weights)))
  if (!named || !is.numeric(weights) || anyNA(weights) || any(weights <= 0)) {
    fail("Give the parts names and weights above 0, such as training = 0.8, test = 0.2.")
  }
  connection <- spark_connection_of(x)
  views <- ml_call(connection, "split", sql = rows_of(dplyr::ungroup(x)), weights = unname(weights), seed = seed_or_new(seed))
  stats::setNames(lapply(views, function(view) dplyr::tbl(connection, view)), names(weights))
}

sdf_partition <- sdf_random_split # an older name of sparklyr

sdf_sample <- function(x, fraction = 1, replacement = TRUE, seed = NULL) {
  if (!is.numeric(fraction) || length(fraction) != 1 || is.na(fraction) || fraction < 0 || (fraction > 1 && !replacement)) {
    fail("fraction is the share of rows, from 0 to 1, and above 1 only with replacement.")
  }
  connection <- spark_connection_of(x)
  view <- ml_call(connection, "sample", sql = rows_of(dplyr::ungroup(x)), fraction = fraction,
    replacement = isTRUE(replacement), seed = seed_or_new(seed))
  dplyr::tbl(connection, view)
}

# Random numbers of R, so that set.seed() repeats a sample.
seed_or_new <- function(seed) as.integer(if (is.null(seed)) sample.int(.Machine$integer.max, 1) else seed)

sdf_describe <- function(x, cols = colnames(x)) {
  connection <- spark_connection_of(x)
  for (name in cols) check_column(name, colnames(x))
  view <- ml_call(connection, "describe", sql = rows_of(dplyr::ungroup(x)), columns = as.list(cols))
  dplyr::tbl(connection, view)
}

ml_corr <- function(x, columns = NULL, method = c("pearson", "spearman")) {
  method <- match.arg(method)
  connection <- spark_connection_of(x)
  if (is.null(columns)) {
    found <- columns_of(connection, rows_of(dplyr::ungroup(x)))
    columns <- names(found)[vapply(found, is.numeric, NA)]
  }
  if (!length(columns)) fail("The table has no column of numbers.")
  variables <- evaluated(x, as_features(columns), numbers = TRUE)
  count_complete(x, variables)
  query <- selected_sql(lapply(variables, number_of), x, variables)
  found <- ml_call(connection, "correlation", sql = query, width = length(variables), method = method)
  as.data.frame(matrix(found, length(columns), dimnames = list(columns, columns)), check.names = FALSE)
}
