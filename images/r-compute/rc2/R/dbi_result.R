# DBI's methods for queries and their results.

is_open <- function(result) !is.null(result) && result$valid

# Marks a result as closed; the data process ends it with the next statement, or now.
close_result <- function(result, now = FALSE) {
  if (is_open(result)) {
    result$valid <- FALSE
    if (now && !result$complete) call_connection(result$connection, "clear")
  }
}

check_statement <- function(statement) {
  if (!is.character(statement) || length(statement) != 1 || is.na(statement)) fail("The statement must be one text.")
  enc2utf8(as.character(statement))
}

send <- function(conn, statement, params, whole, rows = NULL) {
  statement <- check_statement(statement)
  connection_id(conn)
  if (is_open(conn@state$result)) {
    warning("The result of an earlier query was still open; it is closed now.", call. = FALSE)
    close_result(conn@state$result)
  }
  arguments <- c(list(conn, "send", sql = statement, whole = whole, rows = rows), as_wanted(conn), packed_params(params))
  answer <- with_position(statement, do.call(call_connection, arguments))
  warn_of_lost_digits(conn, answer)
  answer
}

# The parameters as packed columns; one row for each set of values.
packed_params <- function(params) {
  if (is.null(params)) return(list())
  if (!is.null(names(params)) && any(nzchar(names(params)))) {
    fail("The parameters $1, $2 ... have no names; give their values without names.")
  }
  params <- lapply(as.list(params), function(param) if (is.factor(param)) as.character(param) else param)
  sizes <- unique(lengths(params))
  if (length(sizes) > 1) fail("All parameters must have the same number of values.")
  list(columns = unname(lapply(seq_along(params), function(i) pack(params[[i]], paste0("$", i)))))
}

warn_of_lost_digits <- function(conn, answer) {
  if (!isTRUE(answer$lost_digits)) return()
  warning("Some numbers have more digits than R's type holds; rc2_connect(\"", conn@state$service,
    "\", bigint = \"integer64\", numeric = \"character\") keeps them.", call. = FALSE)
}

new_result <- function(conn, statement, answer) {
  state <- list2env(list(connection = conn, sql = as.character(statement), valid = TRUE, complete = answer$complete,
    bound = answer$bound, query = answer$query, affected = answer$affected, columns = answer$columns, fetched = 0,
    has_gap = FALSE), parent = emptyenv())
  conn@state$result <- state
  new("Rc2Result", connection = conn, state = state)
}

setMethod("dbSendQuery", c("Rc2DBIConnection", "character"), function(conn, statement, params = NULL, ..., immediate = FALSE) {
  new_result(conn, statement, send(conn, statement, params, whole = FALSE))
})

setMethod("dbSendStatement", c("Rc2DBIConnection", "character"), function(conn, statement, params = NULL, ..., immediate = FALSE) {
  new_result(conn, statement, send(conn, statement, params, whole = FALSE))
})

# One call for statement, rows and end
setMethod("dbGetQuery", c("Rc2DBIConnection", "character"), function(conn, statement, params = NULL, ..., n = -1L, immediate = FALSE) {
  n <- row_count(n)
  with_progress({
    answer <- send(conn, statement, params, whole = n < 0, rows = n)
    if (!answer$bound) fail("The statement has parameters; give their values with params = list(...).")
    rest_of(conn, answer, n)
  })
})

setMethod("dbExecute", c("Rc2DBIConnection", "character"), function(conn, statement, params = NULL, ..., immediate = FALSE) {
  answer <- send(conn, statement, params, whole = FALSE)
  if (!answer$bound) fail("The statement has parameters; give their values with params = list(...).")
  if (!answer$complete) call_connection(conn, "clear")
  rows_affected(answer)
})

# Spark does not count the rows that a statement changes.
rows_affected <- function(answer) if (is.null(answer$affected)) NA_integer_ else answer$affected

row_count <- function(n) {
  if (!is.numeric(n) || length(n) != 1 || is.na(n) || n < -1 || (is.finite(n) && n != trunc(n))) {
    fail("n must be a whole number of rows, or -1 for all rows.")
  }
  if (is.infinite(n)) -1 else n
}

# All chunks that belong to an answer, as one data frame.
rest_of <- function(conn, answer, n) {
  if (answer$complete) return(answer$data)
  chunks <- new.env(parent = emptyenv())
  chunks$all <- list(unclass(answer$data))
  count <- nrow(answer$data)
  while (!answer$complete && (n < 0 || count < n)) {
    answer <- do.call(call_connection, c(list(conn, "fetch", rows = if (n < 0) -1 else n - count), as_wanted(conn)))
    warn_of_lost_digits(conn, answer)
    chunks$all[[length(chunks$all) + 1]] <- unclass(answer$data)
    count <- count + nrow(answer$data)
    show_rows(count)
  }
  if (!answer$complete && n >= 0 && is.null(conn@state$result)) call_connection(conn, "clear")
  answer <- NULL
  bind_chunks(chunks, count)
}

# Column by column, each of which the chunks then lose, so that memory holds the rows about once.
bind_chunks <- function(chunks, rows) {
  bound <- chunks$all[[1]]
  bound <- list(names = names(bound), class = "data.frame", row.names = .set_row_names(rows))
  columns <- vector("list", length(bound$names))
  for (i in rev(seq_along(columns))) {
    parts <- lapply(chunks$all, function(chunk) chunk[[i]])
    chunks$all <- lapply(chunks$all, function(chunk) chunk[seq_len(i - 1)])
    columns[[i]] <- bind_parts(parts)
  }
  attributes(columns) <- bound
  columns
}

bind_parts <- function(parts) {
  if (length(parts) == 1) return(parts[[1]])
  column <- do.call(c, lapply(parts, function(part) as.vector(unclass(part))))
  attributes(column) <- attributes(parts[[1]])
  column
}

check_open <- function(res) {
  if (!res@state$valid) fail("This result is cleared; send the query again.")
}

setMethod("dbFetch", "Rc2Result", function(res, n = -1, ...) {
  check_open(res)
  n <- row_count(n)
  conn <- res@connection
  if (!res@state$bound) fail("The statement has parameters; give their values with dbBind().")
  if (!res@state$query) {
    warning("The statement returns no rows; dbExecute() runs it.", call. = FALSE)
    return(data.frame())
  }
  if (res@state$has_gap) fail("An earlier dbFetch() of this result did not end, and its rows are lost; send the query again.")
  res@state$has_gap <- TRUE # until all rows of this call are there
  with_progress({
    answer <- do.call(call_connection, c(list(conn, "fetch", rows = n), as_wanted(conn)))
    warn_of_lost_digits(conn, answer)
    data <- rest_of(conn, answer, n)
  })
  res@state$has_gap <- FALSE
  res@state$complete <- answer$complete || n < 0
  res@state$fetched <- res@state$fetched + nrow(data)
  data
})

setMethod("dbHasCompleted", "Rc2Result", function(res, ...) {
  check_open(res)
  res@state$complete
})

setMethod("dbClearResult", "Rc2Result", function(res, ...) {
  if (!res@state$valid) {
    warning("This result is cleared already.", call. = FALSE)
    return(invisible(TRUE))
  }
  if (dbIsValid(res@connection)) close_result(res@state, now = TRUE)
  res@state$valid <- FALSE
  res@connection@state$result <- NULL
  invisible(TRUE)
})

setMethod("dbBind", "Rc2Result", function(res, params, ...) {
  check_open(res)
  conn <- res@connection
  if (!length(params)) fail("dbBind() needs a value for each parameter of the statement.")
  if (any(vapply(params, is.factor, NA))) warning("Factors are bound as text.", call. = FALSE)
  packed <- packed_params(params)
  answer <- with_position(res@state$sql, do.call(call_connection, c(list(conn, "bind"), packed, as_wanted(conn))))
  for (name in c("complete", "bound", "query", "affected", "columns")) res@state[[name]] <- answer[[name]]
  res@state$fetched <- 0
  res@state$has_gap <- FALSE
  invisible(res)
})

setMethod("dbIsValid", "Rc2Result", function(dbObj, ...) dbObj@state$valid && dbIsValid(dbObj@connection))

setMethod("dbGetStatement", "Rc2Result", function(res, ...) {
  check_open(res)
  res@state$sql
})

setMethod("dbGetRowCount", "Rc2Result", function(res, ...) {
  check_open(res)
  res@state$fetched
})

setMethod("dbGetRowsAffected", "Rc2Result", function(res, ...) {
  check_open(res)
  rows_affected(res@state)
})

setMethod("dbColumnInfo", "Rc2Result", function(res, ...) {
  check_open(res)
  columns <- res@state$columns
  data.frame(name = as.character(columns$name), type = as.character(columns$type),
    .typname = as.character(columns$database_type), stringsAsFactors = FALSE)
})

setMethod("dbGetInfo", "Rc2Result", function(dbObj, ...) {
  list(statement = dbGetStatement(dbObj), row.count = dbGetRowCount(dbObj), rows.affected = dbGetRowsAffected(dbObj),
    has.completed = dbHasCompleted(dbObj))
})

setMethod("show", "Rc2Result", function(object) {
  cat("<Rc2Result>", if (!dbIsValid(object)) "(closed)", "\n")
  cat("  SQL  ", object@state$sql, "\n", sep = "")
  if (dbIsValid(object)) cat("  Rows ", object@state$fetched, if (!object@state$complete) " so far", "\n", sep = "")
})
