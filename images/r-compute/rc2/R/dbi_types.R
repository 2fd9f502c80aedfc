# R's types in PostgreSQL.

setMethod("dbDataType", "Rc2PostgresConnection", function(dbObj, obj, ...) postgres_type(obj))

postgres_type <- function(obj) {
  if (is.data.frame(obj)) return(vapply(obj, postgres_type, ""))
  if (inherits(obj, "AsIs")) obj <- without_as_is(obj)
  if (is.factor(obj)) "TEXT"
  else if (inherits(obj, "POSIXt")) "TIMESTAMPTZ"
  else if (inherits(obj, "Date")) "DATE"
  else if (inherits(obj, "difftime")) if (is_time_of_day(obj)) "TIME" else "INTERVAL"
  else if (inherits(obj, "integer64")) "BIGINT"
  else if (inherits(obj, "blob")) "BYTEA"
  else switch(typeof(obj), logical = "BOOLEAN", integer = "INTEGER", double = "DOUBLE PRECISION", character = "TEXT",
    raw = "BYTEA", list = list_type(obj), fail("PostgreSQL has no type for ", class(obj)[[1]], "; convert or drop it."))
}

# A list of raw vectors is a column of bytes, other lists are arrays.
list_type <- function(obj) {
  cells <- Filter(Negate(is.null), obj)
  if (!length(cells) || all(vapply(cells, is.raw, NA))) return("BYTEA")
  check_cells(cells, "")
  paste0(postgres_type(common_vector(cells)), "[]")
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
