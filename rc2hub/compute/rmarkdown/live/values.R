# Which values can change in place, so that a comparison with an earlier value shows nothing. ASCII only.

MAX_DEPTH <- 3L
MAX_LENGTH <- 200L # of a list that is searched

# The objects behind a value that change in place: environments, external pointers, connections. R copies all other values
# when they change.
handles_of <- function(x, depth = MAX_DEPTH) {
  if (is.environment(x)) return(if (is_lasting(x)) list() else list(x))
  if (typeof(x) == "externalptr" || inherits(x, "connection")) return(list(x))
  if (inherits(x, "data.table")) return(list(list(attr(x, ".internal.selfref"))))
  if (inherits(x, c("gg", "formula", "lm", "data.frame"))) return(list()) # their environments are not theirs
  if (is.function(x)) return(handles_of_closure(x))
  if (depth == 0L) return(list())
  if (isS4(x)) {
    parts <- lapply(setdiff(methods::slotNames(x), ".Data"), function(name) methods::slot(x, name))
  } else if (is.list(x) && length(x) < MAX_LENGTH) {
    parts <- unclass(x)
  } else {
    return(list())
  }
  unlist(lapply(parts, handles_of, depth - 1L), recursive = FALSE)
}

# An environment that no chunk makes: the workspace, packages, and what ggplot2 keeps in its objects.
is_lasting <- function(x) {
  identical(x, globalenv()) || identical(x, baseenv()) || identical(x, emptyenv()) || isNamespace(x) ||
    startsWith(environmentName(x), "package:") || inherits(x, "ggproto")
}

# What a function of the document keeps between its calls: the environment in which another function made it.
handles_of_closure <- function(x) {
  where <- environment(x)
  if (is.null(where) || is_lasting(where) || !identical(topenv(where), globalenv())) list() else list(where)
}

share_handle <- function(a, b) {
  for (x in a) for (y in b) if (identical(x, y, extptr.as.ref = TRUE)) return(TRUE)
  FALSE
}

# Whether the chunk that made the value makes a new one when it runs again: a connection to a database stays the same one.
can_be_made_again <- function(handles) all(vapply(handles, function(x) is.environment(x) || is.list(x), NA))
