# DBI's methods that write tables. Rows are sent in parts.

ROWS_IN_PART <- 2e5

# What the data process has to know of a table to append to it.
setGeneric("append_options", function(conn, table) standardGeneric("append_options"))

setMethod("append_options", "Rc2DBIConnection", function(conn, table) list())

setMethod("dbCreateTable", "Rc2DBIConnection", function(conn, name, fields, ..., row.names = NULL, temporary = FALSE) {
  if (!is.null(row.names)) fail("dbCreateTable() makes no row names; dbWriteTable(row.names = TRUE) writes them.")
  check_flag(temporary, "temporary")
  dbExecute(conn, DBI::sqlCreateTable(conn, table_sql(conn, name), fields, row.names = FALSE, temporary = temporary))
  invisible(TRUE)
})

table_sql <- function(conn, name) DBI::SQL(table_name(conn, name))

setMethod("sqlCreateTable", "Rc2DBIConnection", function(con, table, fields, row.names = NA, temporary = FALSE, ...) {
  if (is.data.frame(fields)) fields <- dbDataType(con, DBI::sqlRownamesToColumn(fields, row.names))
  columns <- if (length(fields)) paste(dbQuoteIdentifier(con, names(fields)), unname(fields), collapse = ",\n  ")
  DBI::SQL(paste0("CREATE ", if (temporary) "TEMPORARY ", "TABLE ", table_name(con, table), " (\n  ", columns, "\n)"))
})

setMethod("dbAppendTable", "Rc2DBIConnection", function(conn, name, value, ..., row.names = NULL) {
  if (!is.null(row.names)) fail("dbAppendTable() writes no row names; dbWriteTable(row.names = TRUE) writes them.")
  if (!is.data.frame(value)) fail("The rows must be a data frame.")
  if (any(vapply(value, is.factor, NA))) warning("Factors are written as text.", call. = FALSE)
  table <- table_name(conn, name)
  append_rows(conn, table, value, append_options(conn, table))
})

# `options` go to the data process with each part.
append_rows <- function(conn, table, value, options = list()) {
  if (is_open(conn@state$result)) {
    warning("The result of an earlier query was still open; it is closed now.", call. = FALSE)
    close_result(conn@state$result)
  }
  if (!length(value) || !nrow(value)) {
    connection_id(conn)
    return(0L)
  }
  starts <- seq(1, nrow(value), by = if (has_transactions(conn)) ROWS_IN_PART else nrow(value))
  write <- function() sum(vapply(starts, function(start) append_part(conn, table, value, start, options), 0))
  count <- if (length(starts) > 1) atomically(conn, write()) else write()
  if (count < 2^31) as.integer(count) else count
}

append_part <- function(conn, table, value, start, options) {
  rows <- seq(start, min(nrow(value), start + ROWS_IN_PART - 1))
  part <- if (length(rows) < nrow(value)) lapply(value, function(column) column[rows]) else as.list(value)
  columns <- unname(Map(pack, part, names(value)))
  arguments <- list(conn, "append", table = table, names = enc2utf8(names(value)), columns = columns)
  do.call(call_connection, c(arguments, options))$affected
}

setMethod("dbWriteTable", c("Rc2PostgresConnection", "character", "data.frame"),
  function(conn, name, value, ..., row.names = FALSE, overwrite = FALSE, append = FALSE, field.types = NULL,
           temporary = FALSE, copy = NULL) {
    check_write(value, row.names, overwrite, append, field.types, temporary)
    value <- DBI::sqlRownamesToColumn(value, if (is.null(row.names)) FALSE else row.names)
    atomically(conn, write_table(conn, table_sql(conn, name), value, overwrite, append, field.types, temporary))
    invisible(TRUE)
  })

setMethod("dbWriteTable", c("Rc2DBIConnection", "Id", "data.frame"), function(conn, name, value, ...) {
  dbWriteTable(conn, dbQuoteIdentifier(conn, name), value, ...)
})

check_write <- function(value, row.names, overwrite, append, field.types, temporary) {
  check_flag(overwrite, "overwrite")
  check_flag(append, "append")
  check_flag(temporary, "temporary")
  check_row_names(row.names)
  if (overwrite && append) fail("overwrite and append cannot both be TRUE.")
  if (append && !is.null(field.types)) fail("field.types is for a new table; it cannot be used with append = TRUE.")
  if (is.null(field.types)) return()
  if (!is.character(field.types) || is.null(names(field.types)) || anyDuplicated(names(field.types))) {
    fail("field.types must be text with the names of columns, such as c(a = \"NUMERIC\").")
  }
}

write_table <- function(conn, table, value, overwrite, append, field.types, temporary) {
  found <- dbExistsTable(conn, table)
  if (overwrite && found) dbRemoveTable(conn, table)
  check_replaceable(table, found, overwrite, append)
  if (!found || overwrite) create_for(conn, table, value, field.types, temporary)
  append_rows(conn, as.character(table), value)
}

check_replaceable <- function(table, found, overwrite, append) {
  if (found && !overwrite && !append) {
    fail("The table ", table, " exists already; overwrite = TRUE replaces it, append = TRUE adds the rows to it.")
  }
}

create_for <- function(conn, table, value, field.types, temporary) {
  types <- dbDataType(conn, value)
  unknown <- setdiff(names(field.types), names(types))
  if (length(unknown)) fail("field.types names the column ", unknown[[1]], ", which the data frame does not have.")
  types[names(field.types)] <- field.types
  dbExecute(conn, DBI::sqlCreateTable(conn, table, types, row.names = FALSE, temporary = temporary))
}
