# Turns the columns of a data frame into buffers that the Python side uses without a conversion.

pack <- function(column, name) {
  column <- without_class(column)
  kind <- column_kind(column, name)
  if (kind == "raw") return(pack_raw(column))
  if (kind == "list") return(pack_list(column, name))
  missing <- is.na(column) & !(is.double(column) && kind == "double" & is.nan(column))
  if (kind == "character") return(pack_text(column, missing))
  if (kind %in% c("Date", "POSIXct")) missing <- is.na(unclass(column))
  values <- if (kind %in% c("logical", "integer")) as.integer(column) else as_double(column)
  list(kind = kind, missing = as.raw(missing), data = writeBin(values, raw(), endian = "little"))
}

# Classes that have no type in a database: a factor becomes its labels, a POSIXlt a POSIXct, a difference of times seconds.
without_class <- function(column) {
  if (inherits(column, "AsIs")) column <- without_as_is(column)
  if (is.factor(column)) as.character(column)
  else if (inherits(column, "POSIXlt")) as.POSIXct(column)
  else if (inherits(column, "difftime")) in_seconds(column)
  else column
}

in_seconds <- function(column) {
  units(column) <- "secs"
  column
}

column_kind <- function(column, name) {
  for (class in c("Date", "POSIXct", "integer64")) if (inherits(column, class)) return(class)
  if (inherits(column, "difftime")) return(if (is_time_of_day(column)) "hms" else "duration")
  if (is_raw_list(column)) return("raw")
  known <- c("logical", "integer", "double", "character", "list")
  if (!typeof(column) %in% known || !is.null(dim(column))) {
    fail("A table has no type for the column ", name, ", which is of type ", typeof(column), "; convert or drop it.")
  }
  typeof(column)
}

is_raw_list <- function(column) {
  is.raw(column) || is.list(column) && !is.data.frame(column) &&
    (inherits(column, "blob") || all(vapply(column, function(cell) is.null(cell) || is.raw(cell), NA)))
}

# The bits of an integer64 are stored in a double; dates and times are numbers of days and seconds.
as_double <- function(column) as.double(unclass(column))

# The bytes of all texts, each with a zero behind it, which no text of R holds; paste() takes ten times as long.
pack_text <- function(column, missing) {
  text <- enc2utf8(as.vector(column))
  text[missing] <- ""
  list(kind = "character", missing = as.raw(missing), data = writeBin(text, raw(), useBytes = TRUE))
}

pack_raw <- function(column) {
  if (is.raw(column)) column <- list(column)
  missing <- vapply(column, is.null, NA)
  data <- unlist(unclass(column)[!missing], use.names = FALSE)
  list(kind = "raw", missing = as.raw(missing), sizes = writeBin(lengths(column), raw(), endian = "little"),
    data = if (is.null(data)) raw() else data)
}

pack_list <- function(column, name) {
  column <- unname(unclass(column))
  missing <- vapply(column, is.null, NA)
  cells <- lapply(column[!missing], without_class)
  check_cells(cells, name)
  list(kind = "list", missing = as.raw(missing), sizes = writeBin(lengths(column), raw(), endian = "little"),
    data = pack(common_vector(cells), name))
}

check_cells <- function(cells, name) {
  if (!all(vapply(cells, is.atomic, NA))) {
    fail("A table has no type for the column ", name, "; a list column must hold vectors of one type.")
  }
}

# All cells of a list column as one vector.
common_vector <- function(cells) {
  values <- if (length(cells)) unname(do.call(c, lapply(cells, without_class)))
  if (is.null(values)) logical() else values
}
