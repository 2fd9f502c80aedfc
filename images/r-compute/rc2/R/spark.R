# Spark: a connection that is used like every other of DBI, and the Python client behind it.

rc2_spark <- function(service = "spark", bigint = c("numeric", "integer64")) {
  here <- spark_attachment(service)
  client <- spark_client()
  python <- client$Connection(here$settings$gateway, time_zone())
  connection <- new("SparkConnection", state = list2env(list(python = python, valid = TRUE, service = service)),
    bigint = match.arg(bigint))
  run_job(python$first_answer())
  connection
}

rc2_spark_session <- function(connection = rc2_spark()) {
  connection@state$python$session
}

# The name of R's time zone. Sys.timezone() would ask systemd, which containers lack.
time_zone <- function() {
  zone <- Sys.getenv("TZ")
  if (!nzchar(zone)) zone <- sub("^.*/zoneinfo/", "", normalizePath("/etc/localtime", mustWork = FALSE))
  if (zone %in% OlsonNames()) zone else "UTC"
}

# Spark comes up behind the prompt, so who asks first may have to wait for it.
spark_attachment <- function(service) {
  inside_rc2()
  here <- attachment(service)
  if (is.null(here)) here <- attach_now(service)
  if (!identical(here$kind, "spark")) {
    fail("The service ", service, " is of the kind ", here$kind, "; rc2_connect(\"", service, "\") connects to it.")
  }
  here
}

# One Python in each R; the client needs its own environment, with versions that fit together.
spark_client <- function() {
  if (!requireNamespace("reticulate", quietly = TRUE)) {
    fail("Spark needs the R package reticulate; an operator has to install it.")
  }
  wanted <- Sys.getenv("RC2_SPARK_PYTHON")
  if (!file.exists(wanted)) fail("Spark's Python client is not installed here; an operator has to install it.")
  if (reticulate::py_available() && !same_file(reticulate::py_config()$python, wanted)) {
    fail("This R already uses another Python, and there can be one only; restart the kernel and call rc2_spark() first.")
  }
  # reticulate warns of what it finds in the working directory
  suppressWarnings({
    if (!reticulate::py_available()) reticulate::use_python(wanted, required = TRUE)
    reticulate::import_from_path("rc2_spark", system.file("python", package = "rc2"), delay_load = FALSE)
  })
}

same_file <- function(one, other) identical(dirname(normalizePath(dirname(one))), dirname(normalizePath(dirname(other))))

PATIENT <- 2 # seconds of waiting before a progress bar appears

# Waits for a job of the Python side; R's interrupt, such as Jupyter's stop button, has Spark cancel it.
run_job <- function(job) {
  settled <- FALSE
  bar <- NULL
  on.exit({
    if (!settled) job$cancel()
    if (!is.null(bar)) close(bar)
  })
  began <- Sys.time()
  while (!job$wait(0.2)) {
    if (Sys.time() - began > PATIENT && interactive_output() && job$tasks > 0) {
      if (is.null(bar)) bar <- utils::txtProgressBar(style = 3)
      utils::setTxtProgressBar(bar, job$tasks_done / job$tasks)
    }
  }
  settled <- TRUE
  if (nzchar(job$note)) message(job$note)
  if (nzchar(job$error)) fail_spark(job$error)
  job$value
}

interactive_output <- function() interactive() || isTRUE(getOption("jupyter.in_kernel"))

fail_spark <- function(message) {
  stop(structure(class = c("spark_error", "rc2_error", "error", "condition"), list(message = message, call = NULL)))
}
