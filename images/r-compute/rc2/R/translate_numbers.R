# Numbers and logic with R's meaning, for PostgreSQL and Spark. `sql` fills in the templates of a service; `whole` rounds by
# a function of the service.

translate_numbers <- function(sql, whole) {
  c(arithmetic(sql), logic(sql), rounding(sql, whole), logarithms(sql), extremes(sql), recoding(sql))
}

arithmetic <- function(sql) list(
  `/` = function(x, y) {
    if (is.numeric(y) && isTRUE(y != 0)) return(sql("CAST({x} AS {double}) / {y}"))
    # x * Infinity is R's answer for a zero: Inf, -Inf or NaN
    sql("COALESCE(CAST({x} AS {double}) / NULLIF({y}, 0), {x} * ({inf} + {y}))")
  },
  `+` = function(x, y) if (missing(y)) sql("{x}") else sql("{x} + {y}"),
  `-` = function(x, y) if (missing(y)) negative(sql, x) else sql("{x} - {y}"),
  # a double, as R's numbers without L are; R has no overflow for them
  `*` = function(x, y) {
    if (is_number(x)) x <- sql("CAST({x} AS {double})")
    if (is_number(y)) y <- sql("CAST({y} AS {double})")
    sql("{x} * {y}")
  },
  `^` = function(x, y) {
    if (is.numeric(y) && isTRUE(y == 0)) return(sql("CAST(1 AS {double})"))
    power <- sql("POWER(CAST({x} AS {double}), {y})")
    if (is.numeric(y) && isTRUE(y > 0 && y == trunc(y))) return(power)
    # NA^0 and 1^NA are 1
    one <- if (is.numeric(y)) sql("FALSE") else sql("{y} = 0 OR {x} = 1")
    sql("CASE WHEN {one} THEN 1 WHEN {x} = 0 AND {y} < 0 THEN {inf} WHEN {x} < 0 AND {y} <> FLOOR({y}) THEN {nan} ELSE {power} END")
  })

# A number without L, which is a double in R
is_number <- function(x) is.double(x) && !is.object(x)

negative <- function(sql, x) if (is.numeric(x)) -x else sql("-{x}")

logic <- function(sql) list(
  xor = function(x, y) sql("{x} <> {y}"),
  `[` = subset_of(sql),
  `%in%` = function(x, table) is_one_of(sql, x, table),
  is.nan = function(x) sql("COALESCE(CAST({x} AS {double}) = {nan}, FALSE)"),
  is.finite = function(x) sql("COALESCE(ABS(CAST({x} AS {double})) < {inf}, FALSE)"),
  is.infinite = function(x) sql("COALESCE(ABS(CAST({x} AS {double})) = {inf}, FALSE)"),
  near = function(x, y, tol = .Machine$double.eps^0.5) sql("ABS({x} - {y}) < {tol}"),
  between = function(x, left, right) sql("{x} BETWEEN {left} AND {right}"))

# Never NA: R's %in% is FALSE for a missing value. The comparison stays at the top, where an index can serve it.
is_one_of <- function(sql, x, table) {
  if (inherits(table, c("sql", "ident"))) {
    if (!startsWith(table, "(")) table <- dbplyr::sql(paste0("(", table, ")"))
    return(dbplyr::sql(paste0("(", sql("{x}"), " IS NOT NULL AND ", sql("{x}"), " IN ", table, ")")))
  }
  missing <- sql("{x} IS NULL")
  values <- as.list(table[!is.na(table)])
  if (!length(values)) return(if (anyNA(table)) missing else sql("FALSE"))
  texts <- vapply(values, function(value) as.character(sql("{value}")), "")
  values <- dbplyr::sql(paste0("(", paste(texts, collapse = ", "), ")"))
  found <- dbplyr::sql(paste0(sql("{x}"), " IN ", values))
  if (anyNA(table)) sql("({x} IS NULL OR {found})") else sql("({x} IS NOT NULL AND {found})")
}

rounding <- function(sql, whole) list(
  round = function(x, digits = 0L) {
    if (!is.numeric(digits)) fail("round() needs a number of digits, not a column.")
    if (digits == 0) whole(x, "round") else nearest(sql, sql("CAST({x} AS {double})"), digits)
  },
  floor = function(x) whole(x, "FLOOR"), ceiling = function(x) whole(x, "CEIL"), ceil = function(x) whole(x, "CEIL"),
  sign = function(x) sql("SIGN({x})"),
  trunc = function(x, ...) {
    up <- whole(x, "CEIL")
    down <- whole(x, "FLOOR")
    sql("CASE WHEN {x} < 0 THEN {up} ELSE {down} END")
  })

# Of the two numbers with so many digits around x the nearer one, as R 4 rounds; of two equally near ones the even.
nearest <- function(sql, x, digits) {
  power <- sql_of_number(10^abs(digits))
  size <- sql("ABS({x})")
  scaled <- dbplyr::sql(paste(size, if (digits > 0) "*" else "/", sql("CAST({power} AS {double})")))
  at <- function(end) dbplyr::sql(paste(end, if (digits > 0) "/" else "*", sql("CAST({power} AS {double})")))
  down <- at(sql("FLOOR({scaled})"))
  up <- at(sql("CEIL({scaled})"))
  even <- sql("FLOOR({scaled}) / 2 = FLOOR(FLOOR({scaled}) / 2)")
  lower <- sql("{size} - {down} < {up} - {size} OR ({size} - {down} = {up} - {size} AND {even})")
  # a number without digits there, NaN and Inf stay as they are
  rounded <- sql("CASE WHEN {lower} THEN {down} ELSE {up} END")
  sql("CASE WHEN {scaled} < CAST(1000000000000000 AS {double}) THEN SIGN({x}) * {rounded} ELSE {x} END")
}

sql_of_number <- function(number) dbplyr::sql(format(number, scientific = FALSE, digits = 16))

logarithms <- function(sql) list(
  sqrt = function(x) sql("CASE WHEN {x} < 0 THEN {nan} ELSE SQRT(CAST({x} AS {double})) END"),
  exp = function(x) sql("EXP(CAST({x} AS {double}))"),
  log = function(x, base = exp(1)) {
    if (identical(base, exp(1))) return(logarithm(sql, x))
    numerator <- logarithm(sql, x)
    if (is.numeric(base)) base <- log(base) else base <- logarithm(sql, base)
    sql("{numerator} / {base}")
  },
  log2 = function(x) { natural <- logarithm(sql, x); base <- log(2); sql("{natural} / {base}") },
  log10 = function(x) { natural <- logarithm(sql, x); base <- log(10); sql("{natural} / {base}") },
  log1p = function(x) logarithm(sql, sql("1 + {x}")),
  expm1 = function(x) sql("EXP(CAST({x} AS {double})) - 1"))

logarithm <- function(sql, x) {
  sql("CASE WHEN {x} > 0 THEN LN(CAST({x} AS {double})) WHEN {x} = 0 THEN -{inf} WHEN {x} < 0 THEN {nan} END")
}

# LEAST and GREATEST leave out missing values, as pmin(na.rm = TRUE) does.
extremes <- function(sql) {
  extreme <- function(name) function(..., na.rm = FALSE) {
    values <- lapply(list(...), function(value) as.character(sql("{value}")))
    found <- dbplyr::sql(paste0(name, "(", paste(values, collapse = ", "), ")"))
    if (isTRUE(na.rm)) return(found)
    complete <- dbplyr::sql(paste(values, "IS NOT NULL", collapse = " AND "))
    sql("CASE WHEN {complete} THEN {found} END")
  }
  list(pmin = extreme("LEAST"), pmax = extreme("GREATEST"))
}

# dplyr's recode(): the new values by name.
recoding <- function(sql) list(
  recode = function(.x, ..., .default = NULL, .missing = NULL) {
    x <- .x
    values <- list(...)
    if (!length(values) || is.null(names(values)) || any(names(values) == "")) {
      fail("recode() in a database needs the new values by name, such as recode(x, a = \"A\").")
    }
    cases <- vapply(names(values), function(name) {
      value <- values[[name]]
      as.character(sql("WHEN {x} = {name} THEN {value}"))
    }, "")
    if (!is.null(missing <- .missing)) cases <- c(cases, as.character(sql("WHEN {x} IS NULL THEN {missing}")))
    rest <- if (is.null(.default)) x else .default
    dbplyr::sql(paste("CASE", paste(cases, collapse = " "), sql("WHEN {x} IS NOT NULL THEN {rest} END")))
  })
