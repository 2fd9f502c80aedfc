# DBI's methods that write tables. Rows are sent in parts, so that R packs some while the service stores the ones before.

ROWS_IN_PART <- 2e4

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
  append <- function() append_rows(conn, table, value, append_options(conn, table))
  if (nrow(value) > ROWS_IN_PART) atomically(conn, append()) else append()
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
  count <- send_rows(conn, table, columns_to_send(conn, value), nrow(value), options)
  if (count < 2^31) as.integer(count) else count
}

# What a part of a column is, the whole column decides.
columns_to_send <- function(conn, value) {
  types <- DATABASE_TYPES[[class(conn)]]
  Map(function(column, name) {
    if (is.raw(column)) column <- as.list(column)
    column <- without_class(column)
    list(values = unclass(column), kind = kind_in(types, column, name), name = enc2utf8(name))
  }, value, names(value))
}

# Sends the rows; their number. If R leaves this earlier, for whatever reason, the service stops working on it.
send_rows <- function(conn, table, columns, rows, options) {
  names <- vapply(columns, `[[`, "", "name", USE.NAMES = FALSE)
  size <- if (has_transactions(conn)) ROWS_IN_PART else rows
  done <- FALSE
  on.exit(if (!done && dbIsValid(conn)) cancel_call(connection_id(conn)))
  with_progress(for (start in seq(1, max(rows, 1), by = max(size, 1))) {
    part <- lapply(unname(columns), pack_rows, start, min(rows, start + size - 1))
    last <- start + size > rows
    arguments <- list(conn, "append", table = table, names = names, columns = part, last = last)
    answer <- do.call(call_connection, c(arguments, options))
    show_share(min(rows, start + size - 1), rows)
  })
  done <- TRUE
  answer$affected
}

pack_rows <- function(column, from, to) {
  whole <- from == 1 && to == length(column$values)
  pack_as(if (whole) column$values else column$values[from:to], column$kind, column$name)
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
