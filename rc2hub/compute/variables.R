# The variables of R for the panel Environment of JupyterLab. The panel opens a comm; after each cell R sends what changed.
# Without an open panel a cell costs two function calls. site_profile.R runs this file in each kernel. ASCII only.

most_variables <- 5000L # that are sent
large <- 1e5 # elements
shown <- 6L # elements, or names of a list's, at the beginning of a value
comm <- NULL
seen <- new.env() # name to value: a value that R has replaced is another object
sent <- new.env() # name to description

# IRkernel calls evaluate() for each cell, and before that once for the text "stop()". It stores its comm manager here.
install <- function() {
  imports <- parent.env(asNamespace("IRkernel"))
  evaluate <- imports$evaluate
  unlockBinding("evaluate", imports)
  imports$evaluate <- function(input, ...) {
    if (!is.null(comm) && !identical(input, "stop()")) on.exit(try(send_changes(), silent = TRUE))
    evaluate(input, ...)
  }
  lockBinding("evaluate", imports)
  manager <- NULL
  makeActiveBinding("comm_manager", function(value) {
    if (!missing(value)) {
      manager <<- value
      manager$register_target("rc2.variables", opened)
    }
    manager
  }, asNamespace("IRkernel")$runtime_env)
}

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
  if (total > most_variables) names <- utils::head(sort(names), most_variables)
  untouched <- rlang::env_binding_are_active(env, names) | rlang::env_binding_are_lazy(env, names)
  variables <- lapply(names[untouched], function(name) unless_sent(name, "not evaluated", list(), ""))
  is_same <- rlang::is_reference
  for (name in names[!untouched]) {
    value <- get(name, envir = env, inherits = FALSE)
    before <- seen[[name]]
    if (!is.null(before) && is_same(value, before)) next
    mark <- mark_of(value)
    if (is.list(mark) && identical(mark, before)) next
    assign(name, mark, envir = seen)
    variables[[length(variables) + 1L]] <- unless_sent(name, class(value)[[1L]], extents(value), beginning(value))
  }
  value <- NULL # closures keep this frame
  gone <- setdiff(ls(sent, all.names = TRUE, sorted = FALSE), names)
  rm(list = gone, envir = sent)
  rm(list = intersect(gone, ls(seen, all.names = TRUE, sorted = FALSE)), envir = seen)
  list(variables = Filter(length, variables), gone = as.list(valid(gone)), total = total)
}

# A description of the variable, or nothing if the panel has the same one.
unless_sent <- function(name, type, size, text) {
  size <- lapply(size, as.numeric)
  description <- list(name = valid(name), type = valid(type), size = size, value = valid(shortened(text)))
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

# The functions below call no methods of a value: those can be the user's, can fail, and can ask a database.
extents <- function(value) {
  if (is_table(value)) return(list(.row_names_info(value, 2L), length_of(value)))
  if (is.null(value) || !(is.atomic(value) || is.list(value) || is.expression(value))) return(list())
  dim <- attr(value, "dim", exact = TRUE)
  as.list(if (is.null(dim)) length_of(value) else dim)
}

beginning <- function(value) {
  if (is.function(value)) return(sprintf("function(%s)", paste(names(formals(args(value))), collapse = ", ")))
  if (is.list(value)) return(with_ellipsis(attr(value, "names", exact = TRUE), length_of(value), ", "))
  if (!is.atomic(value) || is.null(value)) return("")
  first <- .subset(value, seq_len(min(length_of(value), shown)))
  kept <- attributes(value)[c("class", "tzone", "units")]
  if (inherits(value, "factor")) first <- attr(value, "levels")[first]
  with_ellipsis(formatted(first, kept), length_of(value), " ")
}

# tryCatch() keeps the frame that calls it, so that frame must not have the value.
formatted <- function(first, kept) tryCatch(format_elements(first, kept), error = function(condition) "")

format_elements <- function(first, kept) {
  if ("factor" %in% kept$class) return(first)
  if (is.character(first)) return(encodeString(shortened(valid(first)), quote = "\""))
  if ("Date" %in% kept$class) return(format.Date(structure(first, class = "Date")))
  if ("POSIXct" %in% kept$class) return(format.POSIXct(.POSIXct(first, kept$tzone), usetz = TRUE))
  if ("integer64" %in% kept$class) { # its bits are no numbers of R
    return(if (isNamespaceLoaded("bit64")) as.character(structure(first, class = "integer64")) else "")
  }
  paste0(format(first, digits = 5L, trim = TRUE), if ("difftime" %in% kept$class) paste0(" ", kept$units))
}

with_ellipsis <- function(texts, length, separator) {
  text <- paste(utils::head(texts, shown), collapse = separator)
  if (length > shown && nzchar(text)) paste0(text, separator, "\u2026") else text
}

is_table <- function(value) is.list(value) && inherits(value, "data.frame")

length_of <- function(value) {
  plain <- !is.object(value) || inherits(value, c("factor", "Date", "POSIXct", "difftime", "integer64"))
  if (plain) length(value) else length(unclass(value))
}

shortened <- function(texts) {
  long <- !is.na(texts) & nchar(texts, "bytes") > 80L
  if (any(long)) texts[long] <- paste0(substr(texts[long], 1L, 79L), "\u2026")
  texts
}

# JSON is UTF-8; other bytes are shown as <e9>.
valid <- function(texts) {
  texts <- enc2utf8(as.character(texts))
  wrong <- !validUTF8(texts)
  if (any(wrong)) texts[wrong] <- iconv(texts[wrong], "UTF-8", "UTF-8", sub = "byte")
  texts
}

install()
