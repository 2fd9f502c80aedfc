# DBI's methods for tables.

# Visible tables by their name alone: those of the schemas in search_path, and temporary ones.
VISIBLE_TABLES <- "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_table_is_visible(c.oid)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND (has_table_privilege(c.oid, 'SELECT') OR pg_has_role(c.relowner, 'USAGE'))
ORDER BY c.relname"

setMethod("dbListTables", "Rc2PostgresConnection", function(conn, ...) dbGetQuery(conn, VISIBLE_TABLES)$name)

setMethod("dbListObjects", c("Rc2PostgresConnection", "ANY"), function(conn, prefix = NULL, ...) {
  if (!is.null(prefix)) return(objects_in(conn, prefix))
  schemas <- dbGetQuery(conn, "SELECT nspname AS name FROM pg_namespace WHERE has_schema_privilege(oid, 'USAGE')
    AND nspname NOT LIKE 'pg\\_%' ORDER BY nspname")$name
  tables <- lapply(dbListTables(conn), function(name) DBI::Id(table = name))
  object_table(c(tables, lapply(schemas, function(name) DBI::Id(schema = name))), length(tables))
})

objects_in <- function(conn, prefix) {
  if (!is(prefix, "Id")) prefix <- dbUnquoteIdentifier(conn, prefix)[[1]]
  schema <- utils::tail(as.character(unlist(prefix@name)), 1)
  names <- dbGetQuery(conn, "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = $1 AND has_table_privilege(c.oid, 'SELECT')
    ORDER BY c.relname", params = list(schema))$name
  object_table(lapply(names, function(name) DBI::Id(schema = schema, table = name)), length(names))
}

object_table <- function(objects, tables) {
  frame <- data.frame(row.names = seq_along(objects))
  frame$table <- objects
  frame$is_prefix <- seq_along(objects) > tables
  frame
}

# The name as it stands in SQL; text and Id are names, SQL is quoted already.
table_name <- function(conn, name) {
  if (!is.character(name) && !is(name, "Id")) fail("A table's name must be text, Id() or SQL().")
  if (length(name) != 1 && !is(name, "Id")) fail("A table's name must be one text, or Id(schema = ..., table = ...).")
  enc2utf8(as.character(dbQuoteIdentifier(conn, name)))
}

setMethod("dbExistsTable", c("Rc2PostgresConnection", "ANY"), function(conn, name, ...) {
  found <- dbGetQuery(conn, "SELECT to_regclass($1) IS NOT NULL AS found", params = list(table_name(conn, name)))
  found$found
})

setMethod("dbExistsTable", c("Rc2DBIConnection", "Id"), function(conn, name, ...) {
  dbExistsTable(conn, dbQuoteIdentifier(conn, name))
})

setMethod("dbListFields", c("Rc2DBIConnection", "ANY"), function(conn, name, ...) {
  names(dbGetQuery(conn, paste("SELECT * FROM", table_name(conn, name), "LIMIT 0")))
})

setMethod("dbListFields", c("Rc2DBIConnection", "character"), function(conn, name, ...) {
  names(dbGetQuery(conn, paste("SELECT * FROM", table_name(conn, name), "LIMIT 0")))
})

setMethod("dbReadTable", c("Rc2DBIConnection", "character"), function(conn, name, ..., row.names = FALSE, check.names = TRUE) {
  check_flag(check.names, "check.names")
  check_row_names(row.names)
  data <- dbGetQuery(conn, paste("SELECT * FROM", table_name(conn, name)))
  data <- DBI::sqlColumnToRownames(data, row.names)
  if (check.names) names(data) <- make.names(names(data), unique = TRUE)
  data
})

setMethod("dbReadTable", c("Rc2DBIConnection", "Id"), function(conn, name, ...) {
  dbReadTable(conn, dbQuoteIdentifier(conn, name), ...)
})

setMethod("dbRemoveTable", c("Rc2PostgresConnection", "character"),
  function(conn, name, ..., temporary = FALSE, fail_if_missing = TRUE) {
    table <- table_name(conn, name)
    if (temporary) table <- paste0("pg_temp.", dbQuoteIdentifier(conn, utils::tail(name_parts(table), 1)))
    dbExecute(conn, paste("DROP", kind_of_table(conn, table), if (!fail_if_missing) "IF EXISTS", table))
    invisible(TRUE)
  })

setMethod("dbRemoveTable", c("Rc2DBIConnection", "Id"), function(conn, name, ...) {
  dbRemoveTable(conn, dbQuoteIdentifier(conn, name), ...)
})

kind_of_table <- function(conn, table) {
  kind <- dbGetQuery(conn, "SELECT relkind::text AS kind FROM pg_class WHERE oid = to_regclass($1)", params = list(table))$kind
  switch(c(kind, "r")[[1]], v = "VIEW", m = "MATERIALIZED VIEW", f = "FOREIGN TABLE", "TABLE")
}

check_flag <- function(value, name) {
  if (!is.logical(value) || length(value) != 1 || is.na(value)) fail(name, " must be TRUE or FALSE.")
}

check_row_names <- function(row.names) {
  if (is.null(row.names) || identical(row.names, NA)) return()
  if (length(row.names) != 1 || is.na(row.names) || !(is.logical(row.names) || is.character(row.names))) {
    fail("row.names must be TRUE, FALSE, NA or the name of a column.")
  }
}
