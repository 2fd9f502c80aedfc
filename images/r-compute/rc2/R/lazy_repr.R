# A lazy table in a notebook: its first rows as a table with the types, as print() shows it in a terminal. Without this,
# Jupyter shows the parts of the object itself.

use_notebook_methods <- function(...) {
  register_lazy_methods("repr", list(repr_html = lazy_html, repr_text = lazy_text, repr_markdown = no_repr, repr_latex = no_repr))
}

no_repr <- function(obj, ...) NULL

# Jupyter asks for text and for HTML; the rows of the first are those of the second, so that one query serves both.
shown <- new.env(parent = emptyenv())

first_rows <- function(table) {
  if (identical(shown$table, table)) {
    rows <- shown$rows
    rm(list = ls(shown), envir = shown)
    return(rows)
  }
  shown$table <- table
  shown$rows <- fetch_first_rows(table)
}

fetch_first_rows <- function(table) {
  count <- getOption("pillar.print_min", getOption("tibble.print_min", 10L))
  rows <- as.data.frame(dplyr::collect(dplyr::ungroup(utils::head(table, count + 1))))
  list(data = utils::head(rows, count), more = nrow(rows) > count, columns = ncol(rows))
}

lazy_html <- function(obj, ...) {
  rows <- first_rows(obj)
  html <- repr::repr_html(dplyr::as_tibble(rows$data), ...)
  caption <- gsub("<", "&lt;", gsub("&", "&amp;", lazy_caption(obj, rows), fixed = TRUE), fixed = TRUE)
  regmatches(html, regexpr("<caption>[^<]*</caption>", html)) <- paste0("<caption>", caption, "</caption>")
  html
}

lazy_text <- function(obj, ...) {
  rows <- first_rows(obj)
  frame <- format(dplyr::as_tibble(rows$data), n = nrow(rows$data))
  paste(c(paste("#", lazy_caption(obj, rows)), frame[-1]), collapse = "\n")
}

lazy_caption <- function(table, rows) {
  size <- if (rows$more) paste("the first", nrow(rows$data), "rows") else paste(nrow(rows$data), "rows")
  groups <- dplyr::group_vars(table)
  paste0("A lazy table: ", size, ", ", rows$columns, " columns, ", dbplyr::db_connection_describe(dbplyr::remote_con(table)),
    if (length(groups)) paste0(", groups: ", paste(groups, collapse = ", ")))
}
