# Files of HDFS and of S3 stores as tables of Spark. Spark itself reads and writes them, as the user; no row comes to R.

SPARK_FORMATS <- c(parquet = "", csv = "header 'true', inferSchema 'true'", json = "", orc = "")

# The address of an absolute path, as Spark knows it.
spark_address <- function(store, path) UseMethod("spark_address")

spark_address.rc2_store_hdfs <- function(store, path) paste0("webhdfs://rc2", path)

spark_address.rc2_store_s3 <- function(store, path) {
  paste0("s3a://", store_settings(store)$bucket, "/", s3_key(store, path))
}

files_tbl <- function(store, con, path, format = NULL) {
  check_reaches(con, store)
  if (is.null(format)) format <- tolower(tools::file_ext(path))
  if (!nzchar(format)) format <- "parquet"
  if (!format %in% names(SPARK_FORMATS)) {
    fail("Spark cannot tell what ", path, " holds; give format, one of ", paste(names(SPARK_FORMATS), collapse = ", "), ".")
  }
  options <- paste(c(paste("path", spark_file(con, store, store_path(store, path), is_pattern = TRUE)),
    Filter(nzchar, SPARK_FORMATS[[format]])), collapse = ", ")
  view <- basename(tempfile("rc2_files_"))
  dbExecute(con, paste0("CREATE TEMPORARY VIEW ", view, " USING ", format, " OPTIONS (", options, ")"))
  dplyr::tbl(con, view)
}

# The rows of a lazy table, as a folder of Parquet files. It gets its name when Spark has written all of them; a new one of an
# S3 store is written under its name, as its files are there only when Spark has written all of them.
write_from_spark <- function(store, data, path, overwrite) {
  con <- dbplyr::remote_con(data)
  check_reaches(con, store)
  write_complete(store, path, overwrite, is_folder = TRUE, write = function(place) {
    is_written <- FALSE
    on.exit(if (!is_written && place == store_path(store, path)) try(remove_in(store, place, TRUE), silent = TRUE))
    address <- spark_file(con, store, place)
    dbExecute(con, paste("INSERT OVERWRITE DIRECTORY", address, "USING parquet", dbplyr::sql_render(data)))
    is_written <- TRUE
  })
}

# The address of a path as text of SQL. Where Spark reads, it would take some characters of a name for a pattern.
spark_file <- function(con, store, path, is_pattern = FALSE) {
  if (is_pattern) path <- gsub("([][*?{}\\\\])", "\\\\\\1", path)
  as.character(dbQuoteString(con, spark_address(store, path)))
}

check_reaches <- function(con, store) {
  if (!is(con, "SparkConnection")) {
    fail("The table must be one of Spark: tbl() takes con <- rc2_spark() and a path, such as tbl(con, \"flights.parquet\").")
  }
  spark <- con@state$service
  field <- sub("rc2_store_", "", class(store), fixed = TRUE)
  if (!identical(attachment(spark)$settings[[field]], store$service)) {
    fail("The service ", spark, " does not read ", store$service, "; an operator can name it in the field ", field,
      " of its entry.")
  }
}
