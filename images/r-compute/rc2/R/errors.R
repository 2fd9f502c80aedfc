# Errors of this package are of class rc2_error, and their message is one sentence that says what to do.

fail <- function(...) {
  stop(structure(class = c("rc2_error", "error", "condition"), list(message = paste0(...), call = NULL)))
}

# The database's message, without the text that the driver adds to it.
database_message <- function(message) {
  message <- sub(".*ERROR:[[:space:]]*", "", message)
  message <- sub("^.*?FATAL:[[:space:]]*", "", message, perl = TRUE)
  trimws(sub("\n\\)[[:space:]]*$", "", message))
}

with_readable_errors <- function(code) {
  tryCatch(code, error = function(error) fail(database_message(conditionMessage(error))))
}
