ATTACH_TIMEOUT <- 120 # seconds that a service may take to start; PostgreSQL takes none, Spark up to ten on two cores

rc2_connect <- function(service) {
  check_inside_rc2()
  if (!is.character(service) || length(service) != 1 || is.na(service)) {
    fail("The service must be one name, such as rc2_connect(\"flights\"); rc2_services() lists them.")
  }
  attached <- attachment(service)
  if (is.null(attached)) attached <- attach_and_wait(service)
  if (!identical(attached$kind, "postgres")) {
    fail("The service ", service, " is of the kind ", attached$kind, "; rc2_", attached$kind, "() connects to it.")
  }
  with_readable_errors(connect_postgres(service))
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
  if (!identical(entry$state, "starting")) message("Attaching ", service, " (", entry$granted[[1]], ") to this server.")
  attach_service(service, entry$granted[[1]])
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

connect_postgres <- function(service) {
  if (requireNamespace("RPostgres", quietly = TRUE)) {
    return(DBI::dbConnect(RPostgres::Postgres(), service = service, bigint = "numeric"))
  }
  connection <- DBI::dbConnect(RPostgreSQL::PostgreSQL(), dbname = paste0("service=", service))
  new("Rc2Connection", connection)
}

# RPostgreSQL's connection, whose errors are the database's message alone, and with the second edition of dbplyr's interface.
setClass("Rc2Connection", contains = "PostgreSQLConnection")

setMethod("dbSendQuery", c("Rc2Connection", "character"), function(conn, statement, ...) {
  with_readable_errors(callNextMethod())
})

# RPostgreSQL's method prints the error, warns and returns NULL
setMethod("dbGetQuery", c("Rc2Connection", "character"), function(conn, statement, ...) {
  result <- dbSendQuery(conn, statement, ...)
  on.exit(dbClearResult(result))
  dbFetch(result, n = -1)
})

setMethod("dbExecute", c("Rc2Connection", "character"), function(conn, statement, ...) {
  with_readable_errors(callNextMethod())
})

dbplyr_edition.Rc2Connection <- function(con) 2L
