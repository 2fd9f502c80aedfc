# PySpark's own session in this R, for those who write Python for Spark.

rc2_spark_session <- function(connection = rc2_spark()) {
  connection_id(connection)
  state <- connection@state
  spark_client()$open_session(state$service, state$info$session_id)
}

# R can hold only one Python; the client needs an environment with versions that work together.
spark_client <- function() {
  if (!requireNamespace("reticulate", quietly = TRUE)) {
    fail("PySpark's session needs the R package reticulate; an operator has to install it.")
  }
  client_python <- data_python()
  if (reticulate::py_available() && !same_file(reticulate::py_config()$python, client_python)) {
    fail("This R already uses another Python, and it can use only one; restart the kernel and call rc2_spark_session() first.")
  }
  # reticulate warns about files in the working directory
  suppressWarnings({
    if (!reticulate::py_available()) reticulate::use_python(client_python, required = TRUE)
    reticulate::import_from_path("rc2_data.spark_session", system.file("python", package = "rc2"), delay_load = FALSE)
  })
}

same_file <- function(one, other) identical(dirname(normalizePath(dirname(one))), dirname(normalizePath(dirname(other))))
