# R's values in Spark's SQL.

setMethod("quote_mark", "SparkConnection", function(conn) "`")

setMethod("dbQuoteString", c("SparkConnection", "character"), function(conn, x, ...) {
  DBI::SQL(spark_quoted(x), names = names(x))
})

setMethod("dbQuoteString", c("SparkConnection", "SQL"), function(conn, x, ...) x)

# A backslash escapes in Spark.
spark_quoted <- function(x) {
  if (!length(x)) return(character())
  escaped <- gsub("'", "\\'", gsub("\\", "\\\\", enc2utf8(as.character(x)), fixed = TRUE), fixed = TRUE)
  ifelse(is.na(x), "NULL", paste0("'", escaped, "'"))
}

setMethod("dbQuoteLiteral", "SparkConnection", function(conn, x, ...) {
  if (is(x, "SQL")) return(x)
  if (inherits(x, "AsIs")) x <- without_as_is(x)
  DBI::SQL(spark_literal(x), names = names(x))
})

spark_literal <- function(x) {
  if (is.factor(x)) spark_quoted(as.character(x))
  else if (inherits(x, "POSIXt")) typed_text("TIMESTAMP", sub("\\+00$", "Z", instant_text(as.POSIXct(x))))
  else if (inherits(x, "Date")) typed_text("DATE", date_text(x))
  else if (inherits(x, "difftime")) typed_text("INTERVAL", sub(" seconds", "", seconds_text(x)), " SECOND")
  else if (inherits(x, "integer64")) ifelse(is.na(x), "CAST(NULL AS BIGINT)", paste0(bit64::as.character.integer64(x), "L"))
  else if (is.list(x)) vapply(x, spark_raw, "")
  else switch(typeof(x), logical = ifelse(is.na(x), "CAST(NULL AS BOOLEAN)", as.character(x)),
    integer = ifelse(is.na(x), "CAST(NULL AS INT)", as.character(x)), double = spark_double(x), character = spark_quoted(x),
    raw = spark_raw(x), fail("Spark has no type for ", class(x)[[1]], "; convert it."))
}

typed_text <- function(type, text, after = "") {
  if (length(text)) ifelse(is.na(text), "NULL", paste0(type, " '", text, "'", after)) else character()
}

spark_double <- function(x) {
  ifelse(is.na(x) & !is.nan(x), "CAST(NULL AS DOUBLE)", ifelse(is.finite(x), paste0(double_text(x), "D"),
    paste0("CAST('", ifelse(is.nan(x), "NaN", ifelse(x > 0, "Infinity", "-Infinity")), "' AS DOUBLE)")))
}

spark_raw <- function(x) {
  if (is.null(x)) return("NULL")
  if (!is.raw(x)) fail("Spark has no literal for a list of ", class(x)[[1]], "; give the values one by one.")
  paste0("X'", paste(as.character(x), collapse = ""), "'")
}
