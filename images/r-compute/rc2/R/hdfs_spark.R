# Files of HDFS as tables of Spark. Spark itself reads and writes them, as the user; no row comes to R.

SPARK_FORMATS <- c(parquet = "", csv = "header 'true', inferSchema 'true'", json = "", orc = "")

hdfs_tbl <- function(service, con, path, format = NULL) {
  check_reaches(con, service)
  if (is.null(format)) format <- tolower(tools::file_ext(path))
  if (!nzchar(format)) format <- "parquet"
  if (!format %in% names(SPARK_FORMATS)) {
    fail("Spark cannot tell what ", path, " holds; give format, one of ", paste(names(SPARK_FORMATS), collapse = ", "), ".")
  }
  options <- paste(c(paste("path", spark_file(con, hdfs_path(service, path), is_pattern = TRUE)),
    Filter(nzchar, SPARK_FORMATS[[format]])), collapse = ", ")
  view <- basename(tempfile("rc2_hdfs_"))
  dbExecute(con, paste0("CREATE TEMPORARY VIEW ", view, " USING ", format, " OPTIONS (", options, ")"))
  dplyr::tbl(con, view)
}

# The rows of a lazy table, as a folder of Parquet files. It gets its name when Spark has written all of them.
write_from_spark <- function(service, data, path, overwrite) {
  con <- dbplyr::remote_con(data)
  check_reaches(con, service)
  write_complete(service, path, overwrite, function(draft) {
    dbExecute(con, paste("INSERT OVERWRITE DIRECTORY", spark_file(con, draft), "USING parquet", dbplyr::sql_render(data)))
    # a rename does not replace a folder with files
    if (overwrite && hdfs_exists(service, path)) hdfs_rm(service, path, recursive = TRUE)
  })
}

# The address of a path as text of SQL. Where Spark reads, it would take some characters of a name for a pattern.
spark_file <- function(con, path, is_pattern = FALSE) {
  if (is_pattern) path <- gsub("([][*?{}\\\\])", "\\\\\\1", path)
  as.character(dbQuoteString(con, paste0("webhdfs://rc2", path)))
}

check_reaches <- function(con, service) {
  if (!is(con, "SparkConnection")) {
    fail("The table must be one of Spark: tbl() takes con <- rc2_spark() and a path, such as tbl(con, \"flights.parquet\").")
  }
  spark <- con@state$service
  if (!identical(attachment(spark)$settings$hdfs, service)) {
    fail("The service ", spark, " does not read ", service, "; an operator can name it in the field hdfs of its entry.")
  }
}
