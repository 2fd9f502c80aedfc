# Turns the columns of a data frame into buffers that inst/python/rc2_arrow.py uses without a conversion.

pack <- function(column, name) {
  column <- without_class(column)
  kind <- column_kind(column, name)
  if (kind == "list") return(pack_list(column, name))
  missing <- is.na(column) & !(is.double(column) && kind == "double" & is.nan(column))
  if (kind == "character") return(pack_text(column, missing))
  if (kind %in% c("Date", "POSIXct")) missing <- missing | !is.finite(unclass(column))
  values <- if (kind %in% c("logical", "integer")) as.integer(column) else as_double(column)
  list(kind = kind, missing = as.raw(missing), data = writeBin(values, raw(), endian = "little"))
}

# Classes of R that Spark does not have: a factor becomes its labels, a POSIXlt a POSIXct.
without_class <- function(column) {
  if (is.factor(column)) as.character(column)
  else if (inherits(column, "POSIXlt")) as.POSIXct(column)
  else column
}

column_kind <- function(column, name) {
  for (class in c("Date", "POSIXct", "integer64")) if (inherits(column, class)) return(class)
  known <- c("logical", "integer", "double", "character", "list")
  if (!typeof(column) %in% known || !is.null(dim(column))) {
    fail("Spark has no type for the column ", name, ", which is of type ", typeof(column), "; convert or drop it.")
  }
  typeof(column)
}

# The bits of an integer64 are stored in a double; dates and times are numbers of days and seconds.
as_double <- function(column) as.double(unclass(column))

pack_text <- function(column, missing) {
  text <- enc2utf8(as.vector(column))
  text[missing] <- ""
  list(kind = "character", missing = as.raw(missing), sizes = writeBin(nchar(text, "bytes"), raw(), endian = "little"),
    data = charToRaw(paste(text, collapse = "")))
}

pack_list <- function(column, name) {
  missing <- vapply(column, is.null, NA)
  cells <- lapply(unname(column[!missing]), without_class)
  if (!all(vapply(cells, is.atomic, NA))) {
    fail("Spark has no type for the column ", name, "; a list column must hold vectors of one type.")
  }
  values <- if (length(cells)) unname(do.call(c, cells)) else logical()
  list(kind = "list", missing = as.raw(missing), sizes = writeBin(lengths(column), raw(), endian = "little"),
    data = pack(if (is.null(values)) logical() else values, name))
}
