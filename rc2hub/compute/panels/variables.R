# The variables of R for the panel Environment of JupyterLab. The panel opens a comm; after each cell R sends what changed.
# ASCII only.

most_variables <- 5000L # that are sent
comm <- NULL
seen <- new.env() # name to value: a value that R has replaced is another object
sent <- new.env() # name to description

# A comm of the panel; the one of another window is closed.
opened <- function(new, message) {
  if (!requireNamespace("rlang", quietly = TRUE)) {
    new$send(list(problem = "The panel needs the R package rlang; install it, and restart R."))
    return()
  }
  if (!is.null(comm)) comm$close()
  forget()
  comm <<- new
  comm$on_close(function() {
    comm <<- NULL
    forget()
  })
  comm$on_msg(function(message) {
    rm(list = intersect(message$remove, ls(globalenv())), envir = globalenv())
    send_changes()
  })
  send_changes(always = TRUE)
}

forget <- function() {
  rm(list = ls(seen, all.names = TRUE), envir = seen)
  rm(list = ls(sent, all.names = TRUE), envir = sent)
}

send_changes <- function(always = FALSE) {
  found <- changes()
  if (always || length(found$variables) || length(found$gone)) comm$send(found)
}

# What is new or changed, and what is gone. Values are looked up one by one, and a large one is given to no function that
# could keep it: R copies a value that has two references before it changes it, so the next cell would be slower.
changes <- function() {
  env <- globalenv()
  names <- ls(env, sorted = FALSE)
  total <- length(names)
  if (total > most_variables) names <- utils::head(sort(names, method = "radix"), most_variables)
  untouched <- are_unevaluated(names)
  variables <- lapply(names[untouched], function(name) unless_sent(name, "not evaluated", list(), ""))
  is_same <- rlang::is_reference
  for (name in names[!untouched]) {
    value <- get(name, envir = env, inherits = FALSE)
    before <- seen[[name]]
    if (!is.null(before) && is_same(value, before)) next
    mark <- mark_of(value)
    if (is.list(mark) && identical(mark, before)) next
    assign(name, mark, envir = seen)
    variables[[length(variables) + 1L]] <- unless_sent(
      name, class(value)[[1L]], extents(value), beginning(value), is_table(value) || is_lazy(value))
  }
  value <- NULL # closures keep this frame
  gone <- setdiff(ls(sent, all.names = TRUE, sorted = FALSE), names)
  rm(list = gone, envir = sent)
  rm(list = intersect(gone, ls(seen, all.names = TRUE, sorted = FALSE)), envir = seen)
  list(variables = Filter(length, variables), gone = as.list(valid(gone)), total = total)
}

# A description of the variable, or nothing if the panel has the same one.
unless_sent <- function(name, type, size, text, is_viewed = FALSE) {
  size <- lapply(size, as.numeric)
  description <- list(
    name = valid(name), type = valid(type), size = size, value = valid(shortened(text)), table = is_viewed)
  if (identical(description, sent[[name]])) return(NULL)
  assign(name, description, envir = sent)
  description
}

# What tells later whether the description of a value is still right. A vector or a function becomes another object when it
# changes, so it is its own mark. A large vector has none, as a reference would have R copy it before a change. What is in
# a list is not described, so its mark is what is around that.
mark_of <- function(value) {
  if (is.list(value)) {
    shape <- attributes(value)[c("names", "class", "dim")]
    c(shape, length_of(value), if (is_table(value)) .row_names_info(value, 2L))
  } else if (!is.atomic(value) || length_of(value) <= large) {
    value
  }
}

after_cell$variables <<- function() if (!is.null(comm)) send_changes()
targets$rc2.variables <<- opened
