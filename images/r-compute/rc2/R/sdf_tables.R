# The size of tables in Spark, and tables that are put together, with sparklyr's names.

sdf_nrow <- function(x) {
  query <- paste("SELECT CAST(COUNT(*) AS DOUBLE) AS n FROM (", rows_of(dplyr::ungroup(x)), ") AS rc2_rows")
  dbGetQuery(spark_connection_of(x), query)$n
}

sdf_ncol <- function(x) {
  spark_connection_of(x)
  length(colnames(x))
}

sdf_dim <- function(x) c(sdf_nrow(x), sdf_ncol(x))

# A temporary view of the rows of a table, whose name SQL can use.
sdf_register <- function(x, name = NULL) {
  if (is.list(x) && !inherits(x, "tbl_sql")) {
    return(stats::setNames(lapply(seq_along(x), function(at) sdf_register(x[[at]], name[[at]])), given(name, names(x))))
  }
  connection <- spark_connection_of(x)
  if (is.null(name)) name <- random_string("rc2_tmp_")
  dbExecute(connection, paste("CREATE OR REPLACE TEMPORARY VIEW", dbQuoteIdentifier(connection, name), "AS",
    rows_of(dplyr::ungroup(x))))
  dplyr::tbl(connection, name)
}

# How often each pair of values is there: a row for each value of one column, a column for each of the other.
sdf_crosstab <- function(x, col1, col2) {
  sql <- paste("SELECT", column_of(x, col1), "AS one,", column_of(x, col2), "AS other FROM (", rows_of(dplyr::ungroup(x)),
    ") AS rc2_rows")
  connection <- spark_connection_of(x)
  dplyr::tbl(connection, ml_call(connection, "crosstab", sql = sql, title = paste0(col1, "_", col2)))
}

# As dplyr::bind_rows(): columns by their names; one that a table lacks is missing in its rows.
sdf_bind_rows <- function(..., id = NULL) {
  tables <- tables_in(list(...))
  check_same_types(tables)
  if (!is.null(id)) {
    names <- names(tables)
    names <- if (is.null(names)) as.character(seq_along(tables)) else ifelse(nzchar(names), names, seq_along(tables))
    tables <- Map(with_name, unname(tables), names, id)
  }
  Reduce(dplyr::union_all, unname(tables))
}

# The table with its name in a first column
with_name <- function(table, name, id) {
  table <- do.call(dplyr::mutate, stats::setNames(list(table, name), c("", id)))
  dplyr::select(table, dplyr::all_of(id), dplyr::everything())
}

tables_in <- function(tables) {
  flat <- do.call(c, lapply(seq_along(tables), function(at) {
    table <- tables[[at]]
    if (is.list(table) && !inherits(table, c("tbl_sql", "data.frame"))) table else tables[at]
  }))
  flat <- lapply(Filter(Negate(is.null), flat), dplyr::ungroup)
  if (!length(flat)) fail("Give one table in Spark or more.")
  if (length(unique(lapply(flat, function(table) spark_connection_of(table)@state$id))) > 1) {
    fail("These tables are of different connections; put tables of one connection together.")
  }
  flat
}

# Spark would make text of a number where one table has text, or fail at a row.
check_same_types <- function(tables) {
  types <- lapply(tables, function(table) vapply(columns_of(spark_connection_of(table), rows_of(table)), type_of, ""))
  known <- types[[1]]
  for (at in seq_along(types)[-1]) {
    shared <- intersect(names(known), names(types[[at]]))
    differs <- shared[known[shared] != types[[at]][shared]]
    if (length(differs)) {
      fail("The column ", differs[[1]], " is of type ", types[[at]][[differs[[1]]]], " in table ", at, " and ",
        known[[differs[[1]]]], " before; mutate() makes them the same.")
    }
    known <- c(known, types[[at]][setdiff(names(types[[at]]), names(known))])
  }
}

# As dplyr::bind_cols(): rows by their place, which a table of Spark has by how it is read; arrange() settles it.
sdf_bind_cols <- function(...) {
  tables <- tables_in(list(...))
  connection <- spark_connection_of(tables[[1]])
  frames <- lapply(tables, function(table) columns_of(connection, rows_of(table)))
  names <- names(do.call(dplyr::bind_cols, unname(frames)))
  sqls <- vapply(unname(tables), rows_of, "")
  dplyr::tbl(connection, ml_call(connection, "bind_columns", sqls = sqls, names = names))
}

# R's own verbs, which take tables with the same columns
rbind.tbl_SparkConnection <- function(..., deparse.level = 1) {
  tables <- tables_in(list(...))
  columns <- lapply(tables, function(table) sort(colnames(table)))
  if (length(unique(columns)) > 1) fail("The tables have different columns; sdf_bind_rows() takes such ones.")
  do.call(sdf_bind_rows, unname(tables))
}

cbind.tbl_SparkConnection <- function(..., deparse.level = 1) sdf_bind_cols(...)
