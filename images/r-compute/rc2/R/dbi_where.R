# where() of tidyselect on lazy tables, such as select(where(is.numeric)): dbplyr knows the names of columns and not their types,
# and takes each column for a logical one in across().

# The columns of a lazy table as tidyselect sees them. Their types take a query, which only where() needs.
lazy_columns <- function(x) {
  columns <- stats::setNames(rep(list(logical()), length(colnames(x))), colnames(x))
  columns <- dplyr::as_tibble(columns, .name_repair = "minimal")
  structure(columns, class = c("rc2_lazy_columns", class(columns)), table = x)
}

# tidyselect asks the predicate of where() about each element of this list.
as.list.rc2_lazy_columns <- function(x, ...) {
  table <- dplyr::ungroup(attr(x, "table"))
  unclass(columns_of(dbplyr::remote_con(table), rows_of(table)))[names(x)]
}

use_selection_methods <- function(...) {
  register_lazy_methods("tidyselect", list(
    tidyselect_data_proxy = lazy_columns, tidyselect_data_has_predicates = function(x) TRUE))
}
