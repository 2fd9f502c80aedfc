# R's types in the services, by the kinds of column_kind().

DATABASE_TYPES <- list(
  Rc2PostgresConnection = c(logical = "BOOLEAN", integer = "INTEGER", integer64 = "BIGINT", double = "DOUBLE PRECISION",
    character = "TEXT", Date = "DATE", POSIXct = "TIMESTAMPTZ", hms = "TIME", duration = "INTERVAL", raw = "BYTEA",
    list = "%s[]"),
  SparkConnection = c(logical = "BOOLEAN", integer = "INT", integer64 = "BIGINT", double = "DOUBLE", character = "STRING",
    Date = "DATE", POSIXct = "TIMESTAMP", hms = "INTERVAL DAY TO SECOND", duration = "INTERVAL DAY TO SECOND", raw = "BINARY",
    list = "ARRAY<%s>", struct = "STRUCT<%s>", map = "MAP<STRING, %s>"))

setMethod("dbDataType", "Rc2DBIConnection", function(dbObj, obj, ...) database_type(obj, DATABASE_TYPES[[class(dbObj)]]))

database_type <- function(obj, types, name = NULL) {
  if (is.data.frame(obj)) {
    return(stats::setNames(vapply(seq_along(obj), function(i) database_type(obj[[i]], types, names(obj)[[i]]), ""), names(obj)))
  }
  kind <- kind_in(types, obj, name)
  if (!grepl("%s", types[[kind]], fixed = TRUE)) return(types[[kind]])
  cells <- unname(unclass(Filter(Negate(is.null), obj)))
  sprintf(types[[kind]], switch(kind,
    list = database_type(common_vector(checked_cells(cells, name)), types, name),
    map = database_type(one_of_each(unlist(cells, recursive = FALSE)), types, name),
    struct = struct_fields(cells, types, name)))
}

struct_fields <- function(cells, types, name) {
  fields <- vapply(names(cells[[1]]), function(field) {
    type <- database_type(one_of_each(lapply(cells, `[[`, field)), types, paste0(name, "$", field))
    paste0("`", gsub("`", "``", field, fixed = TRUE), "`: ", type)
  }, "")
  paste(fields, collapse = ", ")
}

# The kind of a column, which the service must have a type for.
kind_in <- function(types, column, name) {
  kind <- column_kind(column, name)
  if (kind %in% names(types)) kind else checked_cells(column, name)
}

without_as_is <- function(obj) {
  class(obj) <- setdiff(class(obj), "AsIs")
  obj
}

# Times of day are from 0 to 24 hours; longer and negative differences are intervals.
is_time_of_day <- function(obj) {
  units(obj) <- "secs"
  all(is.na(obj) | (as.numeric(obj) >= 0 & as.numeric(obj) <= 86400))
}
