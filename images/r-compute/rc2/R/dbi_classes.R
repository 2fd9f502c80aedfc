# The classes of DBI, for all services. A service's own class says only what differs.

setClass("Rc2Driver", contains = "DBIDriver")

setClass("Rc2DBIConnection", contains = c("DBIConnection", "VIRTUAL"),
  slots = list(state = "environment", bigint = "character", numeric = "character"))

setClass("Rc2PostgresConnection", contains = "Rc2DBIConnection")

setClass("SparkConnection", contains = "Rc2DBIConnection")

setClass("Rc2Result", contains = "DBIResult", slots = list(connection = "Rc2DBIConnection", state = "environment"))

# The number of an open connection of this R process.
connection_id <- function(conn) {
  state <- conn@state
  if (!is_current(state)) fail("This connection is closed; rc2_connect(\"", state$service, "\") opens a new one.")
  if (state$pid != Sys.getpid()) {
    fail("This connection belongs to another R process; call rc2_connect(\"", state$service, "\") in this one.")
  }
  state$id
}

# A connection that was saved to a file and loaded again is none.
is_current <- function(state) {
  state$valid && (state$pid != Sys.getpid() || identical(data_process$tokens[[as.character(state$id)]], state$token))
}

# A call for a connection, with how it wants its numbers and times.
call_connection <- function(conn, operation, ...) {
  withCallingHandlers(call_data(operation, connection_id(conn), ...), rc2_error = function(error) {
    if (isTRUE(error$lost)) conn@state$valid <- FALSE
  })
}

# The name of R's time zone. Sys.timezone() needs systemd, which containers do not have.
time_zone <- function() {
  zone <- Sys.getenv("TZ")
  if (!nzchar(zone)) zone <- sub("^.*/zoneinfo/", "", normalizePath("/etc/localtime", mustWork = FALSE))
  if (zone %in% OlsonNames()) zone else "UTC"
}

as_wanted <- function(conn) list(bigint = conn@bigint, numeric = conn@numeric, zone = conn@state$zone)

new_connection <- function(class, kind, service, bigint, numeric) {
  zone <- time_zone()
  opened <- open_or_explain(kind, service, zone)
  token <- new.env(parent = emptyenv())
  data_process$tokens[[as.character(opened$id)]] <- token
  state <- list2env(list(id = opened$id, info = opened$info, pid = Sys.getpid(), valid = TRUE, service = service, zone = zone,
    result = NULL, token = token), parent = emptyenv())
  reg.finalizer(state, close_forgotten, onexit = FALSE)
  new(class, state = state, bigint = bigint, numeric = numeric)
}

# A service allows each server a few connections. Those that are forgotten end with the next garbage collection.
open_or_explain <- function(kind, service, zone) {
  is_limit <- function(error) grepl("too many connections", conditionMessage(error), fixed = TRUE)
  try_open <- function(otherwise) tryCatch(open_connection(kind, service, zone), rc2_error = function(error) {
    if (is_limit(error)) otherwise() else stop(error)
  })
  try_open(function() {
    gc(FALSE)
    try_open(function() fail(service, ": all connections that this service allows your server are open, ",
      length(data_process$tokens), " of them in this R; close one with dbDisconnect(con), or restart the kernel of another",
      " notebook."))
  })
}

close_forgotten <- function(state) {
  if (state$valid && state$pid == Sys.getpid()) {
    state$valid <- FALSE
    data_process$tokens[[as.character(state$id)]] <- NULL
    tryCatch(post("close", list(connection = state$id), data_channel(data_process$socket)), error = function(error) NULL)
  }
}
