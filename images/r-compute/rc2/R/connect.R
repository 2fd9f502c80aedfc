PATIENCE <- 120 # seconds that a service may take to come up; PostgreSQL takes none, Spark up to ten here

rc2_connect <- function(service) {
  inside_rc2()
  if (!is.character(service) || length(service) != 1 || is.na(service)) {
    fail("The service must be one name, such as rc2_connect(\"flights\"); rc2_services() lists them.")
  }
  here <- attachment(service)
  if (is.null(here)) here <- attach_now(service)
  if (!identical(here$kind, "postgres")) {
    fail("The service ", service, " is of the kind ", here$kind, "; rc2_", here$kind, "() connects to it.")
  }
  with_readable_errors(connect(service))
}

attachment <- function(service) {
  here <- asked_for(service)
  if (identical(here$state, "attached")) here
}

# Attaches a service that may be used but was not asked for at the start, and waits for its files.
attach_now <- function(service) {
  entries <- ask_broker("api/services")$services
  entry <- Filter(function(one) identical(one$service, service), entries)
  if (!length(entry)) fail("There is no service ", service, " on this hub; rc2_services() lists them.")
  entry <- entry[[1]]
  if (!length(entry$granted)) fail(service, ": you have no grant for this service; ask ", entry$contact, ".")
  if (!identical(entry$state, "starting")) message("Attaching ", service, " (", entry$granted[[1]], ") to this server.")
  attach_service(service, entry$granted[[1]])
  await_attached(service)
}

await_attached <- function(service) {
  deadline <- Sys.time() + PATIENCE
  while (Sys.time() < deadline) {
    here <- asked_for(service)
    if (identical(here$state, "attached")) return(here)
    if (identical(here$state, "failed")) fail(here$why)
    Sys.sleep(0.02)
  }
  fail(service, " was attached, but did not come up; try again in a moment.")
}

connect <- function(service) {
  if (requireNamespace("RPostgres", quietly = TRUE)) {
    return(DBI::dbConnect(RPostgres::Postgres(), service = service, bigint = "numeric"))
  }
  connection <- DBI::dbConnect(RPostgreSQL::PostgreSQL(), dbname = paste0("service=", service))
  new("Rc2Connection", connection)
}

# RPostgreSQL's connection, with errors that are the database's own sentence, and of dbplyr's present interface.
setClass("Rc2Connection", contains = "PostgreSQLConnection")

setMethod("dbSendQuery", c("Rc2Connection", "character"), function(conn, statement, ...) {
  with_readable_errors(callNextMethod())
})

# RPostgreSQL's own prints the error, warns and returns NULL
setMethod("dbGetQuery", c("Rc2Connection", "character"), function(conn, statement, ...) {
  result <- dbSendQuery(conn, statement, ...)
  on.exit(dbClearResult(result))
  dbFetch(result, n = -1)
})

setMethod("dbExecute", c("Rc2Connection", "character"), function(conn, statement, ...) {
  with_readable_errors(callNextMethod())
})

dbplyr_edition.Rc2Connection <- function(con) 2L
