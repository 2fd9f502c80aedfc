# DBI's methods for Spark; dbplyr translates for the class "Spark SQL".

setClass("Spark SQL", representation("VIRTUAL"))

setClass("SparkConnection", contains = c("DBIConnection", "Spark SQL"),
  slots = list(state = "environment", bigint = "character"))

setClass("SparkResult", contains = "DBIResult",
  slots = list(state = "environment", connection = "SparkConnection", sql = "character"))

python_of <- function(connection) {
  if (!connection@state$valid) fail("This connection is closed; call rc2_spark() for a new one.")
  connection@state$python
}

setMethod("dbSendQuery", c("SparkConnection", "character"), function(conn, statement, ...) {
  rows <- run_job(python_of(conn)$query(as.character(statement)))
  new("SparkResult", state = list2env(list(rows = rows, valid = TRUE, fetched = 0)), connection = conn,
    sql = as.character(statement))
})

setMethod("dbSendStatement", c("SparkConnection", "character"), function(conn, statement, ...) {
  dbSendQuery(conn, statement, ...)
})

setMethod("dbFetch", "SparkResult", function(res, n = -1, ...) {
  if (!res@state$valid) fail("This result is cleared; send the query again.")
  count <- if (n < 0 || is.infinite(n)) -1L else as.integer(n)
  bytes <- run_job(python_of(res@connection)$fetch(res@state$rows, count, res@connection@bigint))
  data <- unserialize(bytes)
  res@state$fetched <- res@state$fetched + nrow(data)
  data
})

setMethod("dbHasCompleted", "SparkResult", function(res, ...) res@state$rows$finished)

setMethod("dbClearResult", "SparkResult", function(res, ...) {
  res@state$rows <- NULL
  res@state$valid <- FALSE
  invisible(TRUE)
})

setMethod("dbIsValid", "SparkResult", function(dbObj, ...) dbObj@state$valid)

setMethod("dbGetStatement", "SparkResult", function(res, ...) res@sql)

setMethod("dbGetRowCount", "SparkResult", function(res, ...) res@state$fetched)

setMethod("dbGetRowsAffected", "SparkResult", function(res, ...) NA_integer_) # Spark does not report it

setMethod("dbColumnInfo", "SparkResult", function(res, ...) {
  columns <- res@state$rows$columns
  data.frame(name = vapply(columns, `[[`, "", 1), type = vapply(columns, `[[`, "", 2))
})

setMethod("dbIsValid", "SparkConnection", function(dbObj, ...) dbObj@state$valid)

setMethod("dbDisconnect", "SparkConnection", function(conn, ...) {
  if (conn@state$valid) conn@state$python$close()
  conn@state$valid <- FALSE
  invisible(TRUE)
})

setMethod("dbGetInfo", "SparkConnection", function(dbObj, ...) {
  list(dbname = dbObj@state$service, db.version = dbGetQuery(dbObj, "SELECT version() AS v")$v, username = "", host = "",
    port = NA)
})

setMethod("show", "SparkConnection", function(object) {
  cat("<SparkConnection> ", object@state$service, if (!object@state$valid) " (closed)", "\n", sep = "")
})

setMethod("dbListTables", "SparkConnection", function(conn, ...) dbGetQuery(conn, "SHOW TABLES")$tableName)

setMethod("dbExistsTable", c("SparkConnection", "character"), function(conn, name, ...) {
  tolower(name) %in% tolower(dbListTables(conn))
})

setMethod("dbListFields", c("SparkConnection", "character"), function(conn, name, ...) {
  result <- dbSendQuery(conn, paste("SELECT * FROM", dbQuoteIdentifier(conn, name)))
  on.exit(dbClearResult(result))
  dbColumnInfo(result)$name
})

setMethod("dbQuoteIdentifier", c("SparkConnection", "character"), function(conn, x, ...) {
  DBI::SQL(paste0("`", gsub("`", "``", x, fixed = TRUE), "`"))
})

setMethod("dbQuoteString", c("SparkConnection", "character"), function(conn, x, ...) { # a backslash escapes in Spark
  escaped <- gsub("'", "\\'", gsub("\\", "\\\\", x, fixed = TRUE), fixed = TRUE)
  DBI::SQL(ifelse(is.na(x), "NULL", paste0("'", escaped, "'")))
})

setMethod("dbRemoveTable", c("SparkConnection", "character"), function(conn, name, ...) {
  views <- dbGetQuery(conn, "SHOW VIEWS")
  type <- if (tolower(name) %in% tolower(views$viewName)) "VIEW" else "TABLE"
  dbExecute(conn, paste("DROP", type, dbQuoteIdentifier(conn, name)))
  invisible(TRUE)
})

setMethod("dbWriteTable", c("SparkConnection", "character", "data.frame"),
  function(conn, name, value, temporary = TRUE, overwrite = FALSE, append = FALSE, ...) {
    columns <- unname(Map(pack, as.list(value), names(value)))
    mode <- if (overwrite) "overwrite" else if (append) "append" else "error"
    run_job(python_of(conn)$write(name, as.list(names(value)), columns, temporary, mode))
    invisible(TRUE)
  })

# Methods of dbplyr that its translation for Spark lacks: a temporary table is a view, and tables are not analysed.
spark_dbplyr_edition <- function(con) 2L

spark_db_connection_describe <- function(con, ...) "Spark"

spark_db_copy_to <- function(con, table, values, ..., overwrite = FALSE, temporary = TRUE) {
  dbWriteTable(con, as.character(table), values, temporary = temporary, overwrite = overwrite)
  table
}

spark_sql_query_save <- function(con, sql, name, temporary = TRUE, ...) {
  command <- if (temporary) "CREATE OR REPLACE TEMPORARY VIEW" else "CREATE TABLE"
  dbplyr::sql(paste(command, dbplyr::as.sql(name, con), "AS", sql))
}

spark_sql_table_analyze <- function(con, table, ...) NULL

spark_db_analyze <- function(con, table, ...) NULL
