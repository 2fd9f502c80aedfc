# What runs in the R of an executor, which does not have this package: these functions go there with those that they use.

# Answers requests until the pipe ends. `sent` is the list that has this function.
serve_session <- function(from, to, sent) {
  answer <- function(content) {
    content <- serialize(content, NULL, xdr = FALSE, version = 2)
    writeBin(as.double(length(content)), to)
    writeBin(content, to)
    flush(to)
  }
  problem <- prepare_session(sent)
  if (length(problem)) return(answer(list(refused = problem)))
  answer(list(ready = TRUE))
  while (!is.null(request <- tryCatch(unserialize(from), error = function(error) NULL))) {
    answer(answered(sent, request))
    request <- NULL
  }
}

# The session as f needs it; a sentence if a package is missing.
prepare_session <- function(sent) {
  .libPaths(c(sent$libraries, .libPaths())) # on one machine the user's own packages are there, too
  Sys.setenv(TZ = sent$zone)
  for (package in sent$classes) requireNamespace(package, quietly = TRUE)
  for (package in sent$packages) {
    found <- suppressPackageStartupMessages(suppressWarnings(
      require(package, character.only = TRUE, quietly = TRUE, warn.conflicts = FALSE)))
    if (!found) {
      return(paste0("The executors of Spark lack the R package ", package, ", which f uses; an operator can add it to ",
        "their image."))
    }
  }
  list2env(sent$globals, globalenv())
  NULL
}

answered <- function(sent, request) {
  set.seed(request$seed)
  warned <- character()
  note <- function(warning) {
    warned <<- c(warned, conditionMessage(warning))
    invokeRestart("muffleWarning")
  }
  tryCatch({
    value <- withCallingHandlers(sent$work(sent, request), warning = note,
      message = function(message) invokeRestart("muffleMessage"))
    c(value, list(warning = enc2utf8(c(warned, "")[[1]])))
  }, error = function(error) list(error = enc2utf8(conditionMessage(error))))
}

# Rows of a table: f of a data frame, and packed columns of what it returns.
work_on_rows <- function(sent, request) {
  rows <- request$rows
  keys <- lapply(sent$keys, function(name) rows[[name]][[1]])
  given <- c(list(rows), sent$context, keys)
  value <- do.call(sent$f, given[seq_len(min(length(given), sent$arguments))])
  value <- without_keys(checked_frame(value), sent$keys, rows)
  check_finite(value)
  list(names = enc2utf8(names(value)), rows = nrow(value),
    columns = unname(lapply(seq_along(value), function(i) pack(value[[i]], names(value)[[i]]))))
}

checked_frame <- function(value) {
  if (!is.data.frame(value)) {
    stop("it has to return a data frame, such as data.frame(x = 1), and returned a value of class ", class(value)[[1]])
  }
  twice <- names(value)[duplicated(names(value))]
  if (length(twice)) stop("the result has two columns of the name ", twice[[1]])
  value
}

# The columns by which the rows are grouped come from the group.
without_keys <- function(value, keys, rows) {
  for (name in intersect(keys, names(value))) {
    if (!all(as.character(value[[name]]) %in% as.character(rows[[name]][1]))) {
      stop("the result has other values in the column ", name, ", by which the rows are grouped")
    }
  }
  value[setdiff(names(value), keys)]
}

# An element of a list, in R's own serialization.
work_on_element <- function(sent, request) {
  list(value = serialize(do.call(sent$f, c(list(unserialize(request$value)), sent$more)), NULL))
}
