# dplyr on Spark: a translation with R's meaning, which also works with a dbplyr that has none for Spark. Spark 4 refuses
# what has no answer, such as a division by zero, where R gives Inf, NaN or NA; the translation gives R's answer.

spark_translation <- function(con) {
  sql <- sql_templates(con, TYPES_OF_SPARK)
  nulls <- function(order) nulls_last(order, ascending_too = TRUE)
  any_order <- dbplyr::sql("1") # Spark numbers rows only in an order
  scalar <- c(translate_numbers(sql, spark_whole(sql)), translate_text(sql, spark_regex(sql), spark_text(sql)),
    translate_times(sql, spark_clock(sql)), spark_conversions(sql))
  scalar[names(spark_numbers(sql))] <- spark_numbers(sql)
  over <- over_groups(con, nulls)
  summaries <- c(translate_summaries(sql, identity), spark_summaries(sql, identity), spark_picks(sql))
  windows <- c(translate_summaries(sql, over), translate_windows(sql, con, nulls, any_order), spark_summaries(sql, over))
  dbplyr::sql_variant(
    dbplyr::sql_translator(.funs = scalar, .parent = dbplyr::base_scalar),
    dbplyr::sql_translator(.funs = summaries, .parent = dbplyr::base_agg),
    dbplyr::sql_translator(.funs = windows, .parent = dbplyr::base_win))
}

# Rounds a double; FLOOR and CEIL of Spark give BIGINT, which has no NaN, no Inf and fewer digits.
spark_whole <- function(sql) function(x, name) {
  if (name == "round") return(sql("RINT(CAST({x} AS {double}))"))
  name <- dbplyr::sql(name)
  sql("CASE WHEN ABS({x}) < 1000000000000000 THEN CAST({name}({x}) AS {double}) ELSE CAST({x} AS {double}) END")
}

# An integer that overflows is NA, as in R; numbers without L are doubles in R, which do not.
spark_numbers <- function(sql) {
  is_double <- function(x, y) is_number(x) || is_number(y)
  divisor <- function(y) if (is.numeric(y) && isTRUE(y != 0)) sql("{y}") else sql("NULLIF({y}, 0)")
  remainder <- function(x, y) { # Spark's has the sign of x
    rest <- sql("{x} % {y}")
    sql("CASE WHEN {rest} <> 0 AND ({rest} < 0) <> ({y} < 0) THEN {rest} + {y} ELSE {rest} END")
  }
  plain <- arithmetic(sql)
  list(
    `+` = function(x, y) if (missing(y) || is_double(x, y)) plain$`+`(x, y) else sql("TRY_ADD({x}, {y})"),
    `-` = function(x, y) if (missing(y) || is_double(x, y)) plain$`-`(x, y)
    else if (inherits(x, "Date") || inherits(y, "Date")) sql("DATEDIFF({x}, {y})") else sql("TRY_SUBTRACT({x}, {y})"),
    `*` = function(x, y) if (is_double(x, y)) plain$`*`(x, y) else sql("TRY_MULTIPLY({x}, {y})"),
    `%%` = function(x, y) remainder(x, divisor(y)),
    `%/%` = function(x, y) {
      y <- divisor(y)
      rest <- remainder(x, y)
      sql("RINT(({x} - {rest}) / {y})")
    },
    runif = function(n, min = 0, max = 1) {
      random <- spark_random()
      sql("{min} + {random} * ({max} - {min})")
    },
    bitwXor = function(x, y) sql("{x} ^ {y}"),
    bitwShiftL = function(a, n) sql("SHIFTLEFT({a}, {n})"), bitwShiftR = function(a, n) sql("SHIFTRIGHT({a}, {n})"))
}

# Letters are those of all languages, and classes have Java's names.
java_pattern <- function(pattern) {
  if (!is_text(pattern)) return(pattern)
  classes <- c(space = "\\\\s", digit = "\\\\d", alpha = "\\\\p{Alpha}", alnum = "\\\\p{Alnum}", upper = "\\\\p{Upper}",
    lower = "\\\\p{Lower}", punct = "\\\\p{Punct}", blank = "\\\\p{Blank}", cntrl = "\\\\p{Cntrl}", xdigit = "\\\\p{XDigit}")
  for (name in names(classes)) pattern <- gsub(paste0("\\[:", name, ":\\]"), classes[[name]], pattern)
  if (startsWith(pattern, "(?i)")) paste0("(?iuU)", substring(pattern, 5))
  else if (grepl("\\\\[wWdDsSbBp]", pattern)) paste0("(?U)", pattern) else pattern
}

spark_regex <- function(sql) list(
  detect = function(x, p) {
    pattern <- if (p$fixed) p$pattern else java_pattern(p$pattern)
    if (p$fixed) sql("CONTAINS({x}, {pattern})") else sql("{x} RLIKE {pattern}")
  },
  replace = function(x, p, replacement, all) {
    pattern <- p$pattern
    if (p$fixed && all) return(sql("REPLACE({x}, {pattern}, {replacement})"))
    replacement <- if (p$fixed) gsub("([\\\\$])", "\\\\\\1", replacement) else java_replacement(replacement, if (all) 0 else 1)
    pattern <- if (p$fixed) escape_regex(pattern) else java_pattern(pattern)
    if (!all) {
      # Spark replaces every match; one that begins with the start of the text can be only the first
      flags <- regmatches(pattern, regexpr("^(\\(\\?[a-zA-Z]+\\))?", pattern))
      pattern <- paste0(flags, "^((?s:.*?))(?:", shifted_references(substring(pattern, nchar(flags) + 1)), ")")
      replacement <- paste0("$1", replacement)
    }
    sql("REGEXP_REPLACE({x}, {pattern}, {replacement})")
  },
  extract = function(x, p) {
    pattern <- if (p$fixed) escape_regex(p$pattern) else java_pattern(p$pattern)
    sql("REGEXP_SUBSTR({x}, {pattern})")
  },
  count = function(x, p) {
    pattern <- if (p$fixed) escape_regex(p$pattern) else java_pattern(p$pattern)
    sql("REGEXP_COUNT({x}, {pattern})")
  },
  part = function(x, p, i) {
    pattern <- if (p$fixed) escape_regex(p$pattern) else java_pattern(p$pattern)
    sql("TRY_ELEMENT_AT(SPLIT({x}, {pattern}, -1), {i})")
  })

# \1 is $1 in Java
java_replacement <- function(text, shift) {
  text <- gsub("$", "\\$", text, fixed = TRUE)
  for (group in 9:0) text <- gsub(paste0("\\\\", group), paste0("${", group + shift, "}"), text)
  gsub("\\$\\{([0-9]+)\\}", "$\\1", text)
}

shifted_references <- function(pattern) {
  for (group in 8:1) pattern <- gsub(paste0("\\\\", group), paste0("\\\\", group + 1L), pattern)
  pattern
}

spark_clock <- function(sql) list(
  part = function(x, part) dbplyr::sql(paste0("CAST(EXTRACT(", part, " FROM ", sql("{x}"), ") AS INT)")),
  second = function(x) sql("CAST(EXTRACT(SECOND FROM {x}) AS {double})"),
  isoyear = function(x) sql("CAST(EXTRACT(YEAROFWEEK FROM {x}) AS {integer})"),
  weekday = function(x) sql("CAST(EXTRACT(DAYOFWEEK_ISO FROM {x}) AS {integer})"),
  letters = c(Y = "yyyy", y = "yy", m = "MM", d = "dd", H = "HH", I = "hh", M = "mm", S = "ss", p = "a", j = "DDD",
    b = "MMM", B = "MMMM", a = "E", A = "EEEE"),
  quoted = function(text) paste0("'", gsub("'", "''", text), "'"),
  text = function(x, format) sql("DATE_FORMAT({x}, {format})"),
  is_time = function(x) sql("TYPEOF({x}) <> 'date'"),
  truncate = function(x, unit) sql("DATE_TRUNC({unit}, {x})"),
  # days between dates are of 24 hours, whatever the zone
  epoch = function(x) sql(paste(
    "CASE WHEN TYPEOF({x}) = 'date' THEN UNIX_DATE(CAST({x} AS DATE)) * CAST(86400 AS {double})",
    "ELSE UNIX_MICROS(CAST({x} AS {time})) / CAST(1000000 AS {double}) END")),
  interval = function(count, unit) {
    place <- c(month = 2, day = 4, hour = 5, minute = 6, second = 7)[[unit]]
    count <- as.character(if (unit == "second") sql("{count}") else sql("CAST({count} AS {integer})"))
    dbplyr::sql(paste0("MAKE_INTERVAL(", paste(c(rep("0", place - 1), count), collapse = ", "), ")"))
  })

# TYPEOF is known before the query runs, so only the branch of the column's type remains
spark_text <- function(sql) function(x) {
  if (is_text(x)) return(sql("{x}"))
  number <- sql("TRY_CAST(CAST({x} AS {text}) AS {double})")
  sql(paste(
    "CASE WHEN TYPEOF({x}) = 'boolean' THEN UPPER(CAST({x} AS {text}))",
    "WHEN TYPEOF({x}) IN ('double', 'float') OR TYPEOF({x}) LIKE 'decimal%' THEN CASE",
    "WHEN ABS({number}) < 1000000000000000 AND {number} = RINT({number}) THEN CAST(CAST({number} AS {bigint}) AS {text})",
    "WHEN ABS({number}) = {inf} THEN REPLACE(CAST({number} AS {text}), 'inity', '') ELSE CAST({number} AS {text}) END",
    "ELSE CAST({x} AS {text}) END"))
}

spark_conversions <- function(sql) {
  # the difference of two dates is an interval; its text has the number of days
  days <- function(x) sql(paste(
    "CASE WHEN TYPEOF({x}) = 'interval day' THEN TRY_CAST(REGEXP_EXTRACT(CAST({x} AS {text}), '-?[0-9]+', 0) AS {double})",
    "WHEN TYPEOF({x}) LIKE 'interval%' THEN RAISE_ERROR('difftime() with units gives the difference of two times')",
    "ELSE TRY_CAST(CAST({x} AS {text}) AS {double}) END"))
  number <- function(x) if (is_difference(substitute(x))) days(x) else sql("TRY_CAST({x} AS {double})")
  list(
    as.numeric = number, as.double = number, as.character = spark_text(sql),
    as.integer = function(x) {
      value <- if (is_difference(substitute(x))) days(x) else sql("TRY_CAST({x} AS {double})")
      sql("TRY_CAST({value} AS {integer})")
    },
    as.integer64 = function(x) sql("TRY_CAST({x} AS {bigint})"),
    as.logical = function(x) sql(paste(
      "CASE WHEN TYPEOF({x}) <> 'string' THEN TRY_CAST({x} AS {boolean})",
      "WHEN CAST({x} AS {text}) IN ('TRUE', 'true', 'T', 'True') THEN TRUE",
      "WHEN CAST({x} AS {text}) IN ('FALSE', 'false', 'F', 'False') THEN FALSE END")))
}

is_difference <- function(call) {
  call <- call_of(call)
  is.call(call) && (identical(call[[1]], quote(`-`)) || identical(call[[1]], quote(`(`)) && is_difference(call[[2]]))
}

# Summaries that Spark also has as window functions
spark_summaries <- function(sql, over) {
  quantiles <- function(x, probs, na.rm) {
    unless_missing(sql, over, x, over(sql("PERCENTILE(CAST({x} AS {double}), {probs})")), na.rm)
  }
  c(quantile_summaries(sql, quantiles), list(
    # a set of structs holds a missing value, too
    n_distinct = function(..., na.rm = FALSE) {
      columns <- list(...)
      if (length(columns) > 1) lapply(columns, refuse_subset, "n_distinct() of several columns")
      values <- paste(vapply(columns, function(column) as.character(sql("{column}")), ""), collapse = ", ")
      item <- dbplyr::sql(if (isTRUE(na.rm)) values else paste0("STRUCT(", values, ")"))
      rows <- attr(columns[[1]], "rows")
      if (!is.null(rows)) item <- sql("CASE WHEN {rows} = 1 THEN {item} END")
      set <- over(sql("COLLECT_SET({item})"))
      sql("SIZE({set})")
    },
    str_flatten = function(string, collapse = "", ...) {
      texts <- over(sql("COLLECT_LIST({string})"))
      unless_missing(sql, over, string, sql("ARRAY_JOIN({texts}, {collapse})"), FALSE)
    }))
}

spark_picks <- function(sql) {
  picked <- function(x, order_by, place) {
    refuse_subset(x, "first(), last() or nth()")
    key <- sub(" DESC$", "", ordered_by(order_by))
    descending <- grepl(" DESC", order_by)
    # missing keys come last in both directions
    is_last <- dbplyr::sql(paste(key, if (descending) "IS NOT NULL" else "IS NULL"))
    key <- dbplyr::sql(key)
    items <- sql("ARRAY_SORT(COLLECT_LIST(NAMED_STRUCT('last', {is_last}, 'key', {key}, 'value', {x})))")
    if (descending) items <- sql("REVERSE({items})")
    place <- as.integer(place)
    dbplyr::sql(paste0(sql("TRY_ELEMENT_AT({items}, {place})"), ".value"))
  }
  list(
    first = function(x, order_by = NULL, ...) picked(x, order_by, 1),
    last = function(x, order_by = NULL, ...) picked(x, order_by, -1),
    nth = function(x, n, order_by = NULL, ...) picked(x, order_by, n))
}

# Methods of dbplyr. A temporary table is a view, and tables are not analysed.
spark_methods <- function() list(
  dbplyr_edition = function(con) 2L,
  db_connection_describe = function(con, ...) "Spark",
  sql_translation = spark_translation,
  db_sql_render = render_counted,
  sql_query_select = spark_query_select,
  # dbplyr 2.5 gives the star of SELECT * as SQL
  sql_escape_ident = function(con, x) if (is(x, "SQL")) x else dbQuoteIdentifier(con, x),
  sql_escape_date = escape_day,
  sql_escape_datetime = escape_instant("TIMESTAMP"),
  sql_expr_matches = function(con, x, y, ...) dbplyr::sql(paste(x, "<=>", y)),
  sql_random = spark_random,
  sql_query_update_from = spark_cannot_change,
  sql_query_upsert = spark_cannot_change,
  sql_query_delete = spark_cannot_change,
  dbplyr_fill0 = dbplyr_method("dbplyr_fill0", "PqConnection"),
  db_copy_to = spark_db_copy_to,
  sql_query_save = spark_sql_query_save,
  sql_table_analyze = function(con, table, ...) NULL,
  db_analyze = function(con, table, ...) NULL)

spark_db_copy_to <- function(con, table, values, ..., overwrite = FALSE, temporary = TRUE) {
  name <- quoted_table(con, table)
  if (grepl("^`([^`]|``)+`$", name)) name <- gsub("``", "`", substr(name, 2, nchar(name) - 1), fixed = TRUE)
  if (!overwrite && dbExistsTable(con, name)) fail("The table ", name, " exists already; overwrite = TRUE replaces it.")
  dbWriteTable(con, name, values, temporary = temporary, overwrite = overwrite)
  table
}

# A table's name as it stands in SQL; plain text is a name, too.
quoted_table <- function(con, table) {
  as.character(dbplyr::escape(if (is.object(table)) table else dbplyr::ident(table), con = con))
}

# CACHE computes the rows now; a view alone would compute them at each use.
spark_sql_query_save <- function(con, sql, name, temporary = TRUE, ...) {
  dbplyr::sql(paste(if (temporary) "CACHE TABLE" else "CREATE TABLE", quoted_table(con, name), "AS", sql))
}

# With a seed, so that compute() keeps the numbers: Spark uses cached rows only for a query that gives the same rows again.
spark_random <- function(con) dbplyr::sql(paste0("RAND(", sample.int(.Machine$integer.max, 1), ")"))

spark_cannot_change <- function(con, ...) {
  fail("Spark does not change rows of a table in place; leave in_place = FALSE, and compute() or copy_to() the result.")
}


# Rows without a value come last, as in R; Spark has them first. It takes "FROM t WHERE (f)" for a table named WHERE.
spark_query_select <- function(con, select, from, where = NULL, ..., order_by = NULL) {
  if (length(where)) where <- dbplyr::sql(sub("^\\(*(`[^`]*`|[A-Za-z]+)\\)*$", "\\1 = TRUE", where))
  order_by <- nulls_last(order_by, ascending_too = TRUE)
  dbplyr_method("sql_query_select", "DBIConnection")(con, select, from, where, ..., order_by = order_by)
}
