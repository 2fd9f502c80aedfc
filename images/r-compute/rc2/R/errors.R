# Errors of this package are of class rc2_error, and their message is one sentence that says what to do.

fail <- function(..., lost = FALSE) {
  stop(structure(class = c("rc2_error", "error", "condition"), list(message = paste0(...), call = NULL, lost = lost)))
}

# An error of a service, with its SQLSTATE where it has one.
fail_data <- function(message, sqlstate = NULL, position = NULL, detail = NULL, hint = NULL, lost = FALSE, ...) {
  if (lost) message <- lost_connection(message)
  text <- c(message, if (length(detail)) paste0("Detail: ", detail), if (length(hint)) paste0("Hint: ", hint))
  stop(structure(class = c("rc2_error", "error", "condition"), list(message = paste(text, collapse = "\n"), call = NULL,
    sqlstate = sqlstate, position = position, detail = detail, hint = hint, lost = lost)))
}

lost_connection <- function(message) {
  paste0("The connection is lost, and rc2_connect() opens a new one if you still have a grant; the service reported: ", message)
}

# Adds the line of the statement in which an error is, with a mark below its place.
with_position <- function(statement, code) {
  tryCatch(code, rc2_error = function(error) {
    if (length(error$position)) error$message <- paste0(error$message, "\n", marked_line(statement, error$position))
    stop(error)
  })
}

marked_line <- function(statement, position) {
  before <- substr(statement, 1, position - 1)
  start <- max(c(0, gregexpr("\n", before, fixed = TRUE)[[1]])) + 1
  line <- sub("\n.*", "", substr(statement, start, nchar(statement)))
  width <- max(position - start, 0)
  if (width > 60) {
    line <- paste0("...", substr(line, width - 40, nchar(line)))
    width <- width - 40 + 4 # the line starts 40 characters before the place
  }
  paste0(substr(line, 1, 120), "\n", strrep(" ", width), "^")
}
