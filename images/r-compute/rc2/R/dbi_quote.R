# How names stand in SQL, and values in PostgreSQL's.

# What stands around a name.
setGeneric("quote_mark", function(conn) standardGeneric("quote_mark"))

setMethod("quote_mark", "Rc2DBIConnection", function(conn) "\"")

setMethod("dbQuoteIdentifier", c("Rc2DBIConnection", "character"), function(conn, x, ...) {
  if (anyNA(x)) fail("A name cannot be NA.")
  mark <- quote_mark(conn)
  quoted <- paste0(mark, gsub(mark, strrep(mark, 2), enc2utf8(x), fixed = TRUE), mark)
  DBI::SQL(if (length(x)) quoted else character(), names = names(x))
})

setMethod("dbQuoteIdentifier", c("Rc2DBIConnection", "SQL"), function(conn, x, ...) x)

setMethod("dbQuoteIdentifier", c("Rc2DBIConnection", "Id"), function(conn, x, ...) {
  DBI::SQL(paste(dbQuoteIdentifier(conn, unname(unlist(x@name))), collapse = "."))
})

setMethod("dbUnquoteIdentifier", c("Rc2DBIConnection", "SQL"), function(conn, x, ...) {
  lapply(stats::setNames(as.character(x), names(x)), function(name) {
    parts <- name_parts(name, quote_mark(conn))
    if (!length(parts) || length(parts) > 3) fail("This is not a name that SQL knows: ", name, ".")
    do.call(DBI::Id, stats::setNames(as.list(parts), utils::tail(c("catalog", "schema", "table"), length(parts))))
  })
})

# The parts of a name such as "a b".c
name_parts <- function(name, mark = "\"") {
  pattern <- gsub("'", mark, "^('(?:[^']|'')*'|[^'.]+)(?:\\.|$)", fixed = TRUE)
  parts <- character()
  while (nzchar(name)) {
    found <- regmatches(name, regexpr(pattern, name, perl = TRUE))
    if (!length(found)) return(character())
    rest <- substring(name, nchar(found) + 1)
    if (endsWith(found, ".") && !nzchar(rest)) return(character())
    part <- sub("\\.$", "", found)
    if (startsWith(part, mark)) part <- gsub(strrep(mark, 2), mark, substr(part, 2, nchar(part) - 1), fixed = TRUE)
    parts <- c(parts, part)
    name <- rest
  }
  parts
}

setMethod("dbQuoteString", c("Rc2PostgresConnection", "character"), function(conn, x, ...) {
  DBI::SQL(quoted_text(x), names = names(x))
})

# For the class of all connections this and the method for all text would be equally near.
setMethod("dbQuoteString", c("Rc2PostgresConnection", "SQL"), function(conn, x, ...) x)

quoted_text <- function(x, type = "") {
  if (!length(x)) return(character())
  x <- enc2utf8(as.character(x))
  ifelse(is.na(x), paste0("NULL", type), paste0("'", gsub("'", "''", x, fixed = TRUE), "'", type))
}

setMethod("dbQuoteLiteral", "Rc2PostgresConnection", function(conn, x, ...) {
  if (is(x, "SQL")) return(x)
  if (inherits(x, "AsIs")) x <- without_as_is(x)
  DBI::SQL(literal(x), names = names(x))
})

literal <- function(x) {
  if (is.factor(x)) quoted_text(x)
  else if (inherits(x, "POSIXt")) quoted_text(instant_text(as.POSIXct(x)), "::timestamptz")
  else if (inherits(x, "Date")) quoted_text(date_text(x), "::date")
  else if (inherits(x, "difftime")) quoted_text(seconds_text(x), if (is_time_of_day(x)) "::interval::time" else "::interval")
  else if (inherits(x, "integer64")) number_text(bit64::as.character.integer64(x), is.na(x), "::int8")
  else if (is.list(x)) vapply(x, raw_literal, "")
  else switch(typeof(x), logical = ifelse(is.na(x), "NULL::bool", as.character(x)), integer = number_text(x, is.na(x), ""),
    double = double_literal(x), character = quoted_text(x), raw = raw_literal(x),
    fail("PostgreSQL has no type for ", class(x)[[1]], "; convert it."))
}

number_text <- function(x, missing, type) ifelse(missing, paste0("NULL", type), paste0(as.character(x), type))

raw_literal <- function(x) {
  if (is.null(x)) return("NULL")
  if (!is.raw(x)) fail("PostgreSQL has no literal for a list of ", class(x)[[1]], "; give the values one by one.")
  paste0("'\\x", paste(as.character(x), collapse = ""), "'::bytea")
}

double_literal <- function(x) {
  ifelse(is.na(x) & !is.nan(x), "NULL::float8", ifelse(is.finite(x), double_text(x),
    paste0("'", ifelse(is.nan(x), "NaN", ifelse(x > 0, "Infinity", "-Infinity")), "'::float8")))
}

# The shortest text that is the same double again.
double_text <- function(x) {
  text <- formatC(x, digits = 15, width = 1, format = "g")
  inexact <- suppressWarnings(as.numeric(text)) != x
  inexact <- inexact & !is.na(inexact)
  text[inexact] <- formatC(x[inexact], digits = 17, width = 1, format = "g")
  text
}

instant_text <- function(x) {
  seconds <- as.numeric(x)
  if (!length(seconds)) return(character())
  whole <- floor(seconds)
  text <- paste0(format(.POSIXct(whole, "UTC"), "%Y-%m-%d %H:%M:%S", tz = "UTC"),
    sub("^0", "", formatC(round((seconds - whole) * 1e6) / 1e6, digits = 6, format = "f")), "+00")
  infinite_text(text, seconds)
}

date_text <- function(x) infinite_text(format(x, "%Y-%m-%d"), as.numeric(x))

infinite_text <- function(text, numbers) {
  text[is.na(numbers)] <- NA
  text[is.infinite(numbers)] <- ifelse(numbers[is.infinite(numbers)] > 0, "infinity", "-infinity")
  text
}

seconds_text <- function(x) {
  units(x) <- "secs"
  if (!length(x)) return(character())
  ifelse(is.na(x), NA, paste(formatC(as.numeric(x), digits = 6, format = "f"), "seconds"))
}
