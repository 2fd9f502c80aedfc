# DBI's methods for tables of Spark. Its temporary tables are views of one session.

setMethod("has_transactions", "SparkConnection", function(conn) FALSE)

no_transactions <- function(conn, ...) fail("Spark has no transactions; each statement takes effect when it ends.")

setMethod("dbBegin", "SparkConnection", no_transactions)

setMethod("dbCommit", "SparkConnection", no_transactions)

setMethod("dbRollback", "SparkConnection", no_transactions)

setMethod("dbListTables", "SparkConnection", function(conn, ...) without_rows(dbGetQuery(conn, "SHOW TABLES"))$tableName)

# Views that hold predictions and samples are no tables of the user.
without_rows <- function(tables) tables[!startsWith(tables$tableName, "rc2_rows_"), , drop = FALSE]

setMethod("dbListObjects", c("SparkConnection", "ANY"), function(conn, prefix = NULL, ...) {
  if (!is.null(prefix)) return(spark_objects_in(conn, prefix))
  tables <- lapply(dbListTables(conn), function(name) DBI::Id(table = name))
  schemas <- lapply(dbGetQuery(conn, "SHOW SCHEMAS")[[1]], function(name) DBI::Id(schema = name))
  catalogs <- lapply(dbGetQuery(conn, "SHOW CATALOGS")[[1]], function(name) DBI::Id(catalog = name))
  object_table(c(tables, schemas, catalogs), length(tables))
})

spark_objects_in <- function(conn, prefix) {
  if (!is(prefix, "Id")) prefix <- dbUnquoteIdentifier(conn, prefix)[[1]]
  place <- dbQuoteIdentifier(conn, prefix)
  if (identical(names(prefix@name), "catalog")) {
    schemas <- dbGetQuery(conn, paste("SHOW SCHEMAS IN", place))[[1]]
    return(object_table(lapply(schemas, function(name) DBI::Id(catalog = prefix@name[["catalog"]], schema = name)), 0))
  }
  tables <- dbGetQuery(conn, paste("SHOW TABLES IN", place))
  names <- tables$tableName[!tables$isTemporary]
  object_table(lapply(names, function(name) do.call(DBI::Id, c(as.list(prefix@name), table = name))), length(names))
}

NOT_FOUND <- "42P01"

setMethod("dbExistsTable", c("SparkConnection", "ANY"), function(conn, name, ...) {
  query <- paste("SELECT * FROM", table_name(conn, name), "LIMIT 0")
  tryCatch(is.data.frame(dbGetQuery(conn, query)), rc2_error = function(error) {
    if (identical(error$sqlstate, NOT_FOUND)) FALSE else stop(error)
  })
})

setMethod("dbRemoveTable", c("SparkConnection", "character"),
  function(conn, name, ..., temporary = FALSE, fail_if_missing = TRUE) {
    table <- table_name(conn, name)
    type <- if (temporary || is_view(conn, table)) "VIEW" else "TABLE"
    dbExecute(conn, paste("DROP", type, if (!fail_if_missing) "IF EXISTS", table))
    invisible(TRUE)
  })

is_view <- function(conn, table) {
  parts <- name_parts(table, quote_mark(conn))
  tables <- dbGetQuery(conn, "SHOW TABLES")
  length(parts) == 1 && parts %in% tables$tableName[tables$isTemporary]
}

setMethod("append_options", "SparkConnection", function(conn, table) list(view = is_view(conn, table)))

setMethod("dbWriteTable", c("SparkConnection", "character", "data.frame"),
  function(conn, name, value, ..., row.names = FALSE, overwrite = FALSE, append = FALSE, field.types = NULL,
           temporary = FALSE) {
    check_write(value, row.names, overwrite, append, field.types, temporary)
    value <- DBI::sqlRownamesToColumn(value, if (is.null(row.names)) FALSE else row.names)
    check_finite(value)
    table <- table_name(conn, name)
    found <- dbExistsTable(conn, DBI::SQL(table))
    check_replaceable(table, found, overwrite, append)
    if (temporary) write_view(conn, table, value, found && append, field.types)
    else if (found && append) append_rows(conn, table, value, append_options(conn, table))
    else replace_table(conn, table, value, found, field.types)
    invisible(TRUE)
  })

check_finite <- function(value) {
  for (name in names(value)) {
    column <- value[[name]]
    if (inherits(column, c("Date", "POSIXct")) && any(is.infinite(column))) {
      fail("The column ", name, " holds infinite dates, which Spark does not have; replace them by NA.")
    }
  }
}

write_view <- function(conn, table, value, append, field.types) {
  if (length(name_parts(table, quote_mark(conn))) != 1) fail("A temporary table of Spark is in no schema; give its name alone.")
  if (!is.null(field.types)) fail("field.types is for a table; a temporary table of Spark has the types of the data frame.")
  send_rows(conn, table, columns_to_send(conn, value), nrow(value), list(view = TRUE, replace = !append))
}

# Writes the rows beside a table that exists, and replaces it when all are there.
replace_table <- function(conn, table, value, found, field.types) {
  new <- if (found) name_beside(conn, table) else table
  create_for(conn, DBI::SQL(new), value, field.types, temporary = FALSE)
  done <- FALSE
  on.exit(if (!done && dbIsValid(conn)) dbExecute(conn, paste("DROP TABLE", new)))
  append_rows(conn, new, value)
  if (found) {
    dbRemoveTable(conn, DBI::SQL(table))
    dbExecute(conn, paste("ALTER TABLE", new, "RENAME TO", table))
  }
  done <- TRUE
}

# A name in the same schema; `table` may be SQL() without quotes.
name_beside <- function(conn, table) {
  parts <- name_parts(table, quote_mark(conn))
  parts[length(parts)] <- paste0(parts[length(parts)], "_rc2_new")
  paste(dbQuoteIdentifier(conn, parts), collapse = ".")
}

# A temporary table is a view of no rows, to which rows can be appended.
setMethod("sqlCreateTable", "SparkConnection", function(con, table, fields, row.names = NA, temporary = FALSE, ...) {
  if (!temporary) return(callNextMethod())
  if (is.data.frame(fields)) fields <- dbDataType(con, DBI::sqlRownamesToColumn(fields, row.names))
  columns <- paste0("CAST(NULL AS ", fields, ") AS ", dbQuoteIdentifier(con, names(fields)), collapse = ",\n  ")
  DBI::SQL(paste0("CREATE TEMPORARY VIEW ", table_name(con, table), " AS SELECT\n  ", columns, "\nWHERE FALSE"))
})
