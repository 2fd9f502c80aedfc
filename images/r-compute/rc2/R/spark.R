# Spark: a DBI connection, and the Python client that it uses.

rc2_spark <- function(service = "spark", bigint = c("numeric", "integer64")) {
  attached <- spark_attachment(service)
  client <- spark_client()
  python <- client$Connection(attached$settings$gateway, time_zone())
  connection <- new("SparkConnection", state = list2env(list(python = python, valid = TRUE, service = service)),
    bigint = match.arg(bigint))
  run_job(python$check())
  connection
}

rc2_spark_session <- function(connection = rc2_spark()) {
  connection@state$python$session
}

# The name of R's time zone. Sys.timezone() needs systemd, which containers do not have.
time_zone <- function() {
  zone <- Sys.getenv("TZ")
  if (!nzchar(zone)) zone <- sub("^.*/zoneinfo/", "", normalizePath("/etc/localtime", mustWork = FALSE))
  if (zone %in% OlsonNames()) zone else "UTC"
}

# Spark starts in the background while R is already usable, so the first call may have to wait for it.
spark_attachment <- function(service) {
  check_inside_rc2()
  attached <- attachment(service)
  if (is.null(attached)) attached <- attach_and_wait(service)
  if (!identical(attached$kind, "spark")) {
    fail("The service ", service, " is of the kind ", attached$kind, "; rc2_connect(\"", service, "\") connects to it.")
  }
  attached
}

# R can hold only one Python; the client needs an environment with versions that work together.
spark_client <- function() {
  if (!requireNamespace("reticulate", quietly = TRUE)) {
    fail("Spark needs the R package reticulate; an operator has to install it.")
  }
  client_python <- Sys.getenv("RC2_DATA_PYTHON")
  if (!file.exists(client_python)) fail("Spark's Python client is not installed here; an operator has to install it.")
  if (reticulate::py_available() && !same_file(reticulate::py_config()$python, client_python)) {
    fail("This R already uses another Python, and it can use only one; restart the kernel and call rc2_spark() first.")
  }
  # reticulate warns about files in the working directory
  suppressWarnings({
    if (!reticulate::py_available()) reticulate::use_python(client_python, required = TRUE)
    reticulate::import_from_path("rc2_spark", system.file("python", package = "rc2"), delay_load = FALSE)
  })
}

same_file <- function(one, other) identical(dirname(normalizePath(dirname(one))), dirname(normalizePath(dirname(other))))

PROGRESS_BAR_DELAY <- 2 # seconds

# Waits for a job of the Python client. An interrupt of R, such as Jupyter's stop button, cancels it in Spark.
run_job <- function(job) {
  finished <- FALSE
  bar <- NULL
  on.exit({
    if (!finished) job$cancel()
    if (!is.null(bar)) close(bar)
  })
  started <- Sys.time()
  while (!job$wait(0.2)) {
    if (Sys.time() - started > PROGRESS_BAR_DELAY && interactive_output() && job$tasks > 0) {
      if (is.null(bar)) bar <- utils::txtProgressBar(style = 3)
      utils::setTxtProgressBar(bar, job$tasks_done / job$tasks)
    }
  }
  finished <- TRUE
  if (nzchar(job$note)) message(job$note)
  if (nzchar(job$error)) fail_spark(job$error)
  job$value
}

interactive_output <- function() interactive() || isTRUE(getOption("jupyter.in_kernel"))

fail_spark <- function(message) {
  stop(structure(class = c("spark_error", "rc2_error", "error", "condition"), list(message = message, call = NULL)))
}
