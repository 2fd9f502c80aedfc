# select() and the like after arrange() by an expression: dbplyr 2.5 stops there, as it takes each part of the order for a column.
# It gets the columns in the expressions as the order instead, renames them, and the expressions get the new names.

# dbplyr's method for these verbs, with such an order. If a column of it is gone, the table has no order any more.
with_expressions_in_order <- function(verb) {
  force(verb)
  function(.data, ...) {
    method <- dbplyr_method(verb, "tbl_lazy")
    order <- .data$lazy_query$order_vars
    if (all(vapply(order, is_column_order, NA))) return(method(.data, ...))
    columns <- intersect(unique(unlist(lapply(order, function(part) all.vars(call_of(part))))), colnames(.data))
    .data$lazy_query$order_vars <- lapply(columns, as.name)
    result <- method(.data, ...)
    renamed <- result$lazy_query$order_vars
    is_whole <- length(renamed) == length(columns)
    result$lazy_query$order_vars <- if (is_whole) lapply(order, with_new_names, stats::setNames(renamed, columns))
    result
  }
}

order_methods <- function() {
  verbs <- c("select", "rename", "rename_with", "relocate", "distinct")
  stats::setNames(lapply(verbs, with_expressions_in_order), verbs)
}

# Whether a part of an order is a column, or desc() of one.
is_column_order <- function(part) {
  part <- call_of(part)
  if (is.call(part) && identical(part[[1]], as.name("desc")) && length(part) == 2) part <- part[[2]]
  is.name(part)
}

with_new_names <- function(part, names) with_call(part, do.call(substitute, list(call_of(part), names)))
