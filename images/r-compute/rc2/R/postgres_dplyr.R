# dplyr on PostgreSQL: dbplyr's own translation, with R's meaning where PostgreSQL has another.

postgres_translation <- function(con) {
  base <- dbplyr_method("sql_translation", "PqConnection")(con)
  sql <- sql_templates(con, TYPES_OF_POSTGRES)
  nulls <- function(order) nulls_last(order, ascending_too = FALSE)
  scalar <- c(translate_numbers(sql, postgres_whole(sql)), translate_text(sql, postgres_regex(sql), postgres_text(sql)),
    translate_times(sql, postgres_clock(sql)), postgres_numbers(sql), postgres_conversions(sql))
  summaries <- c(translate_summaries(sql, identity), postgres_summaries(sql))
  windows <- c(translate_summaries(sql, over_groups(con, nulls)), translate_windows(sql, con, nulls), postgres_windows(sql, con))
  dbplyr::sql_variant(
    dbplyr::sql_translator(.funs = scalar, .parent = base$scalar),
    dbplyr::sql_translator(.funs = summaries, .parent = base$aggregate),
    dbplyr::sql_translator(.funs = windows, .parent = base$window))
}

# Rounds to a whole number: FLOOR, CEIL, or half to even as R
postgres_whole <- function(sql) function(x, name) {
  name <- dbplyr::sql(toupper(name))
  sql("{name}(CAST({x} AS {double}))")
}

# %% has the sign of the divisor. NUMERIC is exact for all integers, and PostgreSQL has no remainder of doubles.
postgres_numbers <- function(sql) {
  exact <- function(x) sql("CAST({x} AS NUMERIC)")
  divisor <- function(y) if (is.numeric(y) && isTRUE(y != 0)) exact(y) else sql("NULLIF(CAST({y} AS NUMERIC), 0)")
  remainder <- function(x, y) sql("MOD(MOD({x}, {y}) + {y}, {y})")
  list(
    runif = function(n, min = 0, max = 1) sql("{min} + RANDOM() * ({max} - {min})"),
    `%%` = function(x, y) {
      rest <- remainder(exact(x), divisor(y))
      sql("CAST({rest} AS {double})")
    },
    `%/%` = function(x, y) {
      x <- exact(x)
      y <- divisor(y)
      rest <- remainder(x, y)
      sql("CAST(DIV({x} - {rest}, {y}) AS {double})")
    })
}

postgres_regex <- function(sql) {
  # \b is a backspace in PostgreSQL, \y the edge of a word
  known <- function(pattern) if (is_text(pattern)) gsub("\\\\B", "\\\\Y", gsub("\\\\b", "\\\\y", pattern)) else pattern
  list(
    detect = function(x, p) {
      pattern <- if (p$fixed) p$pattern else known(p$pattern)
      if (p$fixed) sql("STRPOS({x}, {pattern}) > 0") else sql("{x} ~ {pattern}")
    },
    replace = function(x, p, replacement, all) {
      pattern <- p$pattern
      if (p$fixed && all) return(sql("REPLACE({x}, {pattern}, {replacement})"))
      if (p$fixed) {
        pattern <- escape_regex(pattern)
        replacement <- gsub("\\", "\\\\", replacement, fixed = TRUE)
      }
      pattern <- known(pattern)
      flags <- if (all) "g" else ""
      sql("REGEXP_REPLACE({x}, {pattern}, {replacement}, {flags})")
    },
    extract = function(x, p) {
      pattern <- paste0("(", known(if (p$fixed) escape_regex(p$pattern) else p$pattern), ")")
      dbplyr::sql(paste0("(", sql("REGEXP_MATCH({x}, {pattern})"), ")[1]"))
    },
    part = function(x, p, i) {
      pattern <- known(if (p$fixed) escape_regex(p$pattern) else p$pattern)
      parts <- sql("REGEXP_SPLIT_TO_ARRAY({x}, {pattern})")
      if (i < 0) i <- sql("CARDINALITY({parts}) + 1 + {i}")
      dbplyr::sql(paste0("(", parts, ")[", sql("{i}"), "]"))
    },
    count = function(x, p) {
      pattern <- known(if (p$fixed) escape_regex(p$pattern) else p$pattern)
      sql("CASE WHEN {x} IS NOT NULL THEN (SELECT CAST(COUNT(*) AS {integer}) FROM REGEXP_MATCHES({x}, {pattern}, 'g')) END")
    })
}

postgres_clock <- function(sql) list(
  part = function(x, part) {
    part <- dbplyr::sql(part)
    dbplyr::sql(paste0("CAST(EXTRACT(", part, " FROM ", sql("{x}"), ") AS INTEGER)"))
  },
  second = function(x) sql("CAST(EXTRACT(SECOND FROM {x}) AS {double})"),
  isoyear = function(x) sql("CAST(EXTRACT(ISOYEAR FROM {x}) AS {integer})"),
  weekday = function(x) sql("CAST(EXTRACT(ISODOW FROM {x}) AS {integer})"),
  letters = c(Y = "YYYY", y = "YY", m = "MM", d = "DD", H = "HH24", I = "HH12", M = "MI", S = "SS", p = "AM", j = "DDD",
    b = "Mon", B = "FMMonth", a = "Dy", A = "FMDay"),
  quoted = function(text) paste0("\"", gsub("([\"\\\\])", "\\\\\\1", text), "\""),
  text = function(x, format) sql("TO_CHAR({x}, {format})"),
  is_time = function(x) sql("CAST(PG_TYPEOF({x}) AS {text}) <> 'date'"),
  truncate = function(x, unit) sql("DATE_TRUNC({unit}, {x})"),
  epoch = function(x) sql("CAST(EXTRACT(EPOCH FROM {x}) AS {double})"),
  interval = function(count, unit) {
    name <- dbplyr::sql(c(second = "secs", minute = "mins", hour = "hours", day = "days", month = "months")[[unit]])
    count <- sql("CAST({count} AS {integer})")
    dbplyr::sql(paste0("MAKE_INTERVAL(", name, " => ", count, ")"))
  })

# The text of each value as R writes it
postgres_text <- function(sql) function(x) {
  if (is_text(x)) return(sql("{x}"))
  sql(paste(
    "CASE CAST(PG_TYPEOF({x}) AS {text}) WHEN 'boolean' THEN UPPER(CAST({x} AS {text}))",
    "WHEN 'timestamp with time zone' THEN REGEXP_REPLACE(CAST({x} AS {text}), '[-+][0-9:]+$', '')",
    "ELSE CAST({x} AS {text}) END"))
}

NUMBER_PATTERN <- "^\\s*([-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][-+]?[0-9]+)?|NaN|-?Inf(?:inity)?)\\s*$"

# Through text, which is the same for all types, and NA for a text that is no number
postgres_conversions <- function(sql) {
  number <- function(x) {
    if (is_text(x)) return(suppressWarnings(as.numeric(x)))
    pattern <- NUMBER_PATTERN
    sql(paste(
      "COALESCE(CAST(SUBSTRING(CAST({x} AS {text}) FROM {pattern}) AS {double}), CASE CAST(PG_TYPEOF({x}) AS {text})",
      "WHEN 'boolean' THEN CAST(CAST(CAST({x} AS {text}) AS BOOLEAN) AS INTEGER)",
      "WHEN 'date' THEN EXTRACT(EPOCH FROM CAST(CAST({x} AS {text}) AS DATE)) / 86400",
      "WHEN 'timestamp with time zone' THEN EXTRACT(EPOCH FROM CAST(CAST({x} AS {text}) AS {time})) END)"))
  }
  whole <- function(type) function(x) {
    value <- number(x)
    sql(paste0("CAST(TRUNC({value}) AS ", type, ")"))
  }
  list(
    as.numeric = number, as.double = number, as.integer = whole("INTEGER"), as.character = postgres_text(sql),
    as.integer64 = function(x) sql("CAST(TRUNC(CAST(CAST({x} AS {text}) AS NUMERIC)) AS {bigint})"),
    as.logical = function(x) {
      value <- number(x)
      sql(paste("CASE WHEN CAST({x} AS {text}) IN ('TRUE', 'true', 'T', 'True') THEN TRUE",
        "WHEN CAST({x} AS {text}) IN ('FALSE', 'false', 'F', 'False') THEN FALSE",
        "WHEN CAST(PG_TYPEOF({x}) AS {text}) <> 'text' THEN {value} <> 0 END"))
    })
}

postgres_summaries <- function(sql) {
  quantiles <- function(x, probs, na.rm) {
    value <- sql("PERCENTILE_CONT({probs}) WITHIN GROUP (ORDER BY CAST({x} AS {double}))")
    unless_missing(sql, identity, x, value, na.rm)
  }
  picked <- function(place) function(x, order_by = NULL, ...) {
    refuse_subset(x, "first(), last() or nth()")
    dbplyr::sql(paste0("(ARRAY_AGG(", sql("{x}"), " ORDER BY ", ordered_by(order_by), "))[", place, "]"))
  }
  c(quantile_summaries(sql, quantiles), list(
    n_distinct = function(..., na.rm = FALSE) {
      columns <- list(...)
      x <- columns[[1]]
      if (length(columns) > 1) return(distinct_rows(sql, columns))
      if (isTRUE(na.rm)) return(sql("COUNT(DISTINCT {x})"))
      rows <- counted_rows(sql, x)
      sql("COUNT(DISTINCT {x}) + CASE WHEN {rows} > COUNT({x}) THEN 1 ELSE 0 END")
    },
    first = picked("1"), last = picked("COUNT(*)"),
    nth = function(x, n, order_by = NULL, ...) picked(as.integer(n))(x, order_by),
    str_flatten = function(string, collapse = "", ...) {
      unless_missing(sql, identity, string, sql("STRING_AGG(CAST({string} AS {text}), {collapse})"), FALSE)
    }))
}

distinct_rows <- function(sql, columns) {
  lapply(columns, refuse_subset, "n_distinct() of several columns")
  values <- vapply(columns, function(column) as.character(sql("{column}")), "")
  dbplyr::sql(paste0("COUNT(DISTINCT ROW(", paste(values, collapse = ", "), "))"))
}

ordered_by <- function(order_by) {
  if (is.null(order_by)) {
    fail("Rows in a database have no order: first(), last() and nth() in summarise() need order_by.")
  }
  nulls_last(dbplyr::sql(as.character(order_by)), ascending_too = FALSE)
}

postgres_windows <- function(sql, con) {
  needs_summary <- function(name) function(...) {
    fail(name, "() in mutate() or filter() is not to be had in PostgreSQL; compute it by summarise() and join.")
  }
  list(
    median = needs_summary("median"), quantile = needs_summary("quantile"), IQR = needs_summary("IQR"),
    # the highest rank counts the values, the missing one among them
    n_distinct = function(x, na.rm = FALSE) {
      refuse_subset(x, "n_distinct() in mutate() or filter()")
      in_groups <- function(expression, order = NULL) {
        dbplyr::win_over(expression, partition = dbplyr::win_current_group(), order = order, con = con)
      }
      up <- in_groups(sql("DENSE_RANK()"), sql("{x}"))
      down <- in_groups(sql("DENSE_RANK()"), dbplyr::sql(paste(sql("{x}"), "DESC")))
      if (!isTRUE(na.rm)) return(sql("{up} + {down} - 1"))
      missing <- in_groups(sql("MAX(CASE WHEN {x} IS NULL THEN 1 ELSE 0 END)"))
      sql("{up} + {down} - 1 - {missing}")
    })
}

# Rows without a value come last in both directions, as in R.
postgres_query_select <- function(con, select, from, ..., order_by = NULL) {
  order_by <- nulls_last(order_by, ascending_too = FALSE)
  dbplyr_method("sql_query_select", "DBIConnection")(con, select, from, ..., order_by = order_by)
}
