# DBI's methods for connections.

rc2_driver <- function() new("Rc2Driver")

setMethod("show", "Rc2Driver", function(object) cat("<Rc2Driver>\n"))

setMethod("dbConnect", "Rc2Driver", function(drv, service, ...) rc2_connect(service, ..., new = TRUE))

setMethod("dbCanConnect", "Rc2Driver", function(drv, ...) {
  tryCatch(dbDisconnect(dbConnect(drv, ...)), error = function(error) FALSE)
})

setMethod("dbIsValid", "Rc2Driver", function(dbObj, ...) TRUE)

setMethod("dbUnloadDriver", "Rc2Driver", function(drv, ...) invisible(TRUE))

setMethod("dbGetInfo", "Rc2Driver", function(dbObj, ...) {
  version <- utils::packageVersion("rc2")
  list(driver.version = version, client.version = version)
})

setMethod("dbDataType", "Rc2Driver", function(dbObj, obj, ...) database_type(obj, DATABASE_TYPES$Rc2PostgresConnection))

setMethod("dbIsValid", "Rc2DBIConnection", function(dbObj, ...) {
  is_current(dbObj@state) && dbObj@state$pid == Sys.getpid()
})

setMethod("dbDisconnect", "Rc2DBIConnection", function(conn, ...) {
  if (!dbIsValid(conn)) {
    warning("This connection is closed already.", call. = FALSE)
    return(invisible(FALSE))
  }
  if (is_open(conn@state$result)) warning("The result of an earlier query was still open; it is closed, too.", call. = FALSE)
  if (transaction_status(conn) != "idle") warning("The open transaction was rolled back.", call. = FALSE)
  close_result(conn@state$result)
  conn@state$valid <- FALSE
  data_process$tokens[[as.character(conn@state$id)]] <- NULL
  post("close", list(connection = conn@state$id))
  invisible(TRUE)
})

setMethod("dbGetInfo", "Rc2DBIConnection", function(dbObj, ...) {
  info <- dbObj@state$info
  list(dbname = info$dbname, db.version = info$server_version, username = info$username, role = info$role, host = NA,
    port = NA, service = dbObj@state$service)
})

setMethod("show", "Rc2DBIConnection", function(object) {
  state <- object@state
  cat("<", class(object), "> ", state$service, sep = "")
  if (!dbIsValid(object)) cat(" (closed)")
  else cat(": database ", state$info$dbname, " as ", state$info$role, expiry_of(state$service), sep = "")
  cat("\n")
})

expiry_of <- function(service) {
  expires_at <- tryCatch(requested(service)$expires_at, error = function(error) NULL)
  if (length(expires_at)) paste0(", until ", sub("T", " ", substr(expires_at, 1, 16))) else ""
}

# idle, intrans, inerror, active or unknown
transaction_status <- function(conn) {
  post("status", list(connection = connection_id(conn)))$status
}

setGeneric("has_transactions", function(conn) standardGeneric("has_transactions"))

setMethod("has_transactions", "Rc2DBIConnection", function(conn) TRUE)

in_transaction <- function(conn) !transaction_status(conn) %in% c("idle", "unknown")

setMethod("dbBegin", "Rc2DBIConnection", function(conn, ..., name = NULL) {
  if (!is.null(name)) return(savepoint(conn, "SAVEPOINT", name))
  if (in_transaction(conn)) fail("A transaction is open already; end it with dbCommit() or dbRollback().")
  dbExecute(conn, "BEGIN")
  invisible(TRUE)
})

setMethod("dbCommit", "Rc2DBIConnection", function(conn, ..., name = NULL) {
  if (!is.null(name)) return(savepoint(conn, "RELEASE SAVEPOINT", name))
  status <- transaction_status(conn)
  if (status == "idle") fail("No transaction is open; dbBegin() starts one.")
  if (status == "inerror") fail("An earlier statement of this transaction failed, so it cannot be committed; call dbRollback().")
  dbExecute(conn, "COMMIT")
  invisible(TRUE)
})

setMethod("dbRollback", "Rc2DBIConnection", function(conn, ..., name = NULL) {
  if (!is.null(name)) return(savepoint(conn, "ROLLBACK TO SAVEPOINT", name))
  if (!in_transaction(conn)) fail("No transaction is open; dbBegin() starts one.")
  dbExecute(conn, "ROLLBACK")
  invisible(TRUE)
})

savepoint <- function(conn, verb, name) {
  dbExecute(conn, paste(verb, dbQuoteIdentifier(conn, name)))
  invisible(TRUE)
}

# Runs code so that all of its changes are made, or none.
atomically <- function(conn, code) {
  if (!has_transactions(conn)) return(code)
  name <- if (in_transaction(conn)) "rc2_write"
  dbBegin(conn, name = name)
  done <- FALSE
  on.exit(if (!done && dbIsValid(conn)) {
    dbRollback(conn, name = name)
    if (!is.null(name)) dbCommit(conn, name = name)
  })
  result <- code
  dbCommit(conn, name = name)
  done <- TRUE
  result
}
