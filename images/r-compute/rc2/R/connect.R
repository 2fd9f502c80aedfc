ATTACH_TIMEOUT <- 120 # seconds that a service may take to start; PostgreSQL takes none, Spark up to ten on two cores

rc2_connect <- function(service, new = FALSE, bigint = c("integer64", "integer", "numeric", "character"),
                        numeric = c("double", "character")) {
  bigint <- match.arg(bigint)
  numeric <- match.arg(numeric)
  attached <- attached_service(service, "rc2_connect(\"flights\")")
  if (!attached$kind %in% names(CONNECTION_CLASSES)) fail("The service ", service, " is no database; use ", attached$r_code)
  class <- CONNECTION_CLASSES[[attached$kind]]
  if (!new && is_alive(live_connections[[service]])) {
    return(new(class, state = live_connections[[service]], bigint = bigint, numeric = numeric))
  }
  connection <- new_connection(class, attached$kind, service, bigint, numeric)
  if (!new) live_connections[[service]] <- connection@state
  connection
}

# Spark starts in the background while R is already usable, so the first call may have to wait for it.
rc2_spark <- function(service = "spark", ...) {
  connection <- rc2_connect(service, ...)
  if (is(connection, "SparkConnection")) return(connection)
  fail("The service ", service, " is no Spark; rc2_connect(\"", service, "\") connects to it.")
}

CONNECTION_CLASSES <- c(postgres = "Rc2PostgresConnection", spark = "SparkConnection")

# The connections that rc2_connect() hands out again, by service.
live_connections <- new.env(parent = emptyenv())

is_alive <- function(state) {
  if (is.null(state) || !is_current(state) || state$pid != Sys.getpid()) return(FALSE)
  tryCatch(call_data("check", state$id)$alive, rc2_error = function(error) FALSE)
}

# The attachment of the service that a user names, attached now if it is not yet.
attached_service <- function(service, example) {
  check_inside_rc2()
  if (!is.character(service) || length(service) != 1 || is.na(service)) {
    fail("The service must be one name, such as ", example, "; rc2_services() lists them.")
  }
  attached <- attachment(service)
  if (is.null(attached)) attach_and_wait(service) else attached
}

attachment <- function(service) {
  entry <- requested(service)
  if (identical(entry$state, "attached")) entry
}

# Attaches a granted service that was not requested at the start, and waits for its files.
attach_and_wait <- function(service) {
  entries <- ask_broker("api/services")$services
  entry <- Filter(function(entry) identical(entry$service, service), entries)
  if (!length(entry)) fail("There is no service ", service, " on this hub; rc2_services() lists them.")
  entry <- entry[[1]]
  if (!length(entry$granted)) fail(service, ": you have no grant for this service; ask ", entry$contact, ".")
  # what was requested at the start, and could not be attached then, keeps its level
  level <- if (entry$level %in% entry$granted) entry$level else entry$granted[[1]]
  if (!identical(entry$state, "starting")) message("Attaching ", service, " (", level, ") to this server.")
  attach_service(service, level)
  await_attached(service)
}

await_attached <- function(service) {
  deadline <- Sys.time() + ATTACH_TIMEOUT
  while (Sys.time() < deadline) {
    entry <- requested(service)
    if (identical(entry$state, "attached")) return(entry)
    if (identical(entry$state, "failed")) fail(entry$message)
    Sys.sleep(0.02)
  }
  fail(service, " was attached, but did not start in ", ATTACH_TIMEOUT, " seconds; try again in a moment.")
}
