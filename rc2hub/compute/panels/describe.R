# Describes values for the panels. The functions call no methods of a value: those can be the user's, can fail, and can ask a
# database. ASCII only.

large <- 1e5 # elements
shown <- 6L # elements, or names of a list's, at the beginning of a value

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

# Which of these variables are active bindings or promises: reading one would run the user's code.
are_unevaluated <- function(names) {
  rlang::env_binding_are_active(globalenv(), names) | rlang::env_binding_are_lazy(globalenv(), names)
}

type_of <- function(column) valid(class(column)[[1L]])

is_table <- function(value) is.list(value) && inherits(value, "data.frame")

is_lazy <- function(value) is.list(value) && inherits(value, "tbl_lazy")

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
