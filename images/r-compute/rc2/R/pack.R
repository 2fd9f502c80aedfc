# Turns the columns of a data frame into buffers that the Python side uses without a conversion.

pack <- function(column, name) {
  column <- without_class(column)
  pack_as(column, column_kind(column, name), name)
}

# A column, or a part of one, whose class without_class() has replaced.
pack_as <- function(column, kind, name) {
  if (kind == "raw") return(pack_raw(column))
  if (kind == "list") return(pack_list(column, name))
  if (kind == "struct") return(pack_struct(column, name))
  if (kind == "map") return(pack_map(column, name))
  column <- as.vector(unclass(column))
  if (kind == "character") return(pack_text(column))
  values <- if (kind %in% c("logical", "integer")) as.integer(column) else as.double(column)
  list(kind = kind, missing = missing_in(column, kind), data = writeBin(values, raw(), endian = "little"))
}

# One byte for each value, or none if no value is missing. The bits of an integer64 are stored in a double.
missing_in <- function(column, kind) {
  if (kind == "integer64" || !anyNA(column)) return(raw())
  as.raw(if (kind == "double") is.na(column) & !is.nan(column) else is.na(column))
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

column_kind <- function(column, name = NULL) {
  if (inherits(column, "AsIs")) column <- without_as_is(column)
  if (is.factor(column)) return("character")
  if (inherits(column, "POSIXlt")) return("POSIXct")
  for (class in c("Date", "POSIXct", "integer64")) if (inherits(column, class)) return(class)
  if (inherits(column, "difftime")) return(if (is_time_of_day(column)) "hms" else "duration")
  if (is_raw_list(column)) return("raw")
  if (is.list(column) && !is.data.frame(column) && holds_named_lists(column)) return(if (is_uniform(column)) "struct" else "map")
  known <- c("logical", "integer", "double", "character", "list")
  if (!typeof(column) %in% known || !is.null(dim(column))) {
    fail("A table has no type for ", named_column(name), ", which is of type ", typeof(column), "; convert or drop it.")
  }
  typeof(column)
}

named_column <- function(name) if (is.null(name)) "this value" else paste("the column", name)

is_raw_list <- function(column) {
  is.raw(column) || is.list(column) && !is.data.frame(column) &&
    (inherits(column, "blob") || all(vapply(column, function(cell) is.null(cell) || is.raw(cell), NA)))
}

# The bytes of all texts, each with a zero behind it, which no text of R holds; paste() takes ten times as long.
pack_text <- function(column) {
  missing <- missing_in(column, "character")
  column <- enc2utf8(column)
  if (length(missing)) column[is.na(column)] <- ""
  list(kind = "character", missing = missing, data = writeBin(column, raw(), useBytes = TRUE))
}

pack_raw <- function(column) {
  if (is.raw(column)) column <- list(column)
  missing <- vapply(column, is.null, NA)
  data <- unlist(unclass(column)[!missing], use.names = FALSE)
  list(kind = "raw", missing = as.raw(missing), sizes = writeBin(lengths(column), raw(), endian = "little"),
    data = if (is.null(data)) raw() else data)
}

# A struct is a list with the same names in each row, a map one with others.
holds_named_lists <- function(column) {
  is_named <- function(cell) is.list(cell) && !is.data.frame(cell) && length(names(cell)) == length(cell) && all(nzchar(names(cell)))
  any(lengths(column) > 0) && all(vapply(column, function(cell) is.null(cell) || is_named(cell), NA))
}

is_uniform <- function(column) length(unique(lapply(Filter(Negate(is.null), column), names))) == 1

pack_struct <- function(column, name) {
  missing <- vapply(column, is.null, NA)
  cells <- unclass(column)[!missing]
  rows <- ifelse(missing, NA, cumsum(!missing))
  names <- names(cells[[1]])
  fields <- lapply(names, function(field) pack(one_of_each(lapply(cells, `[[`, field))[rows], paste0(name, "$", field)))
  list(kind = "struct", missing = as.raw(missing), names = enc2utf8(names), fields = fields)
}

pack_map <- function(column, name) {
  missing <- vapply(column, is.null, NA)
  cells <- unname(unclass(column)[!missing])
  keys <- as.character(unlist(lapply(cells, names)))
  list(kind = "map", missing = as.raw(missing), sizes = writeBin(lengths(column, use.names = FALSE), raw(), endian = "little"),
    keys = pack(keys, name), items = pack(one_of_each(unlist(cells, recursive = FALSE, use.names = FALSE)), name))
}

# The values of a field or of the entries of maps as a column: single ones as a vector, others as a list of vectors.
one_of_each <- function(values) {
  values <- lapply(values, function(value) if (is.null(value)) NA else value)
  if (all(lengths(values) == 1)) common_vector(values) else values
}

pack_list <- function(column, name) {
  column <- unname(unclass(column))
  missing <- vapply(column, is.null, NA)
  cells <- checked_cells(lapply(column[!missing], without_class), name)
  list(kind = "list", missing = as.raw(missing), sizes = writeBin(lengths(column), raw(), endian = "little"),
    data = pack(common_vector(cells), name))
}

checked_cells <- function(cells, name) {
  if (all(vapply(cells, is.atomic, NA))) return(cells)
  fail("A table has no type for ", named_column(name), "; a list column must hold vectors of one type.")
}

# All cells of a list column as one vector.
common_vector <- function(cells) {
  values <- if (length(cells)) unname(do.call(c, lapply(cells, without_class)))
  if (is.null(values)) logical() else values
}
