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
