# Frequent sets of items, and the rules that follow from them.

ml_fpgrowth <- function(x, items_col = "items", min_confidence = 0.8, min_support = 0.3) {
  for (share in list(min_confidence, min_support)) {
    if (!is.numeric(share) || length(share) != 1 || is.na(share) || share < 0 || share > 1) {
      fail("min_support and min_confidence are shares of the rows, from 0 to 1.")
    }
  }
  column <- column_of(x, items_col)
  check_items(x, items_col)
  formula <- stats::reformulate(quoted_names(items_col))
  design <- rows_design(x, formula, list(rc2_items = items_sql(column)), paste(column, "IS NOT NULL"))
  fitted <- fit_rows(design, "fit", estimator = "fpm.FPGrowth", list(itemsCol = "rc2_items", minConfidence = min_confidence,
    minSupport = min_support), outputs = character(), small = design$rows <= SMALL_TABLE)
  rows_model("ml_fpgrowth", "Frequent sets of items", design, fitted, items_col = items_col,
    min_support = min_support, min_confidence = min_confidence)
}

check_items <- function(x, name) {
  connection <- spark_connection_of(x)
  type <- class(columns_of(connection, rows_of(dplyr::ungroup(x)))[[name]])[[1]]
  if (type == "list") return()
  fail("Each row of ", name, " has to be a list of items, and it is of type ", type, "; make one list of each basket, as in",
    " group_by(basket) |> summarise(items = collect_set(item)).")
}

# A set: each item once, and no missing ones
items_sql <- function(column) paste0("ARRAY_DISTINCT(FILTER(", column, ", rc2_one -> rc2_one IS NOT NULL))")

is_fpgrowth <- function(model) {
  if (!inherits(model, "ml_fpgrowth")) fail("Sets of items and their rules are of a model of ml_fpgrowth().")
}

ml_freq_itemsets <- function(model) {
  is_fpgrowth(model)
  model_rows(model, "freqItemsets", "items, freq")
}

ml_association_rules <- function(model) {
  is_fpgrowth(model)
  model_rows(model, "associationRules", "antecedent, consequent, confidence, lift, support")
}

print.ml_fpgrowth <- function(x, ...) {
  print_title(x)
  cat("min support: ", x$min_support, "\nmin confidence: ", x$min_confidence,
    "\n\nml_freq_itemsets() gives the sets, ml_association_rules() the rules\n", sep = "")
  invisible(x)
}

summary.ml_fpgrowth <- function(object, ...) object

# For each row the items that it lacks and that rules give it
predict.ml_fpgrowth <- function(object, newdata = NULL, ...) {
  column <- as.character(dbQuoteIdentifier(object$design$connection, object$items_col))
  table <- transformed_rows(object, newdata, list(rc2_items = items_sql(column)))
  with_columns(table, table$sql, list(prediction = "CASE WHEN rc2_items IS NOT NULL THEN rc2_prediction END"))
}

tidy_fpgrowth <- function(x, ...) dplyr::collect(ml_association_rules(x))

glance_fpgrowth <- function(x, ...) {
  dplyr::tibble(min_support = x$min_support, min_confidence = x$min_confidence, nobs = x$design$rows)
}

augment_fpgrowth <- function(x, data = NULL, newdata = NULL, ...) {
  dplyr::rename(predict.ml_fpgrowth(x, if (is.null(newdata)) data else newdata), .prediction = "prediction")
}
