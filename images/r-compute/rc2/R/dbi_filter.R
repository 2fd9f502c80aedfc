# filter() after a window function. dbplyr 2.3.0 puts the condition into the query of the window, where SQL applies it first:
# mutate(m = mean(x)) |> filter(day == 1) would give the means of the rows that are left.

# The method of filter() for the tables of both services
filter_after_windows <- function(.data, ...) {
  query <- .data$lazy_query
  if (has_window(query, dbplyr::remote_con(.data))) {
    .data$lazy_query <- get("lazy_select_query", envir = asNamespace("dbplyr"))(query)
  }
  dbplyr_method("filter", "tbl_lazy")(.data, ...)
}

has_window <- function(query, con) {
  if (!inherits(query, "lazy_select_query") || identical(query$select_operation, "summarise")) return(FALSE)
  windows <- ls(envir = dbplyr::sql_translation(con)$window)
  any(vapply(query$select$expr, is_windowed, NA, windows))
}

is_windowed <- function(expression, windows) {
  if (inherits(expression, "sql")) return(any(grepl("\\bOVER\\b", expression, ignore.case = TRUE)))
  any(all.names(expression) %in% windows)
}
