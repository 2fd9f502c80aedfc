# Summaries and window functions with R's meaning, for PostgreSQL and Spark.
#
# A service's own function leaves out missing values; R does so only with na.rm = TRUE. `over` makes a window function of an
# aggregate, and is identity() for summarise().

translate_summaries <- function(sql, over) c(
  numeric_summaries(sql, over), logical_summaries(sql, over), paired_summaries(sql, over))

# NULL where a value is missing, unless na.rm
unless_missing <- function(sql, over, x, value, na.rm) {
  if (isTRUE(na.rm)) return(value)
  rows <- over(counted_rows(sql, x))
  values <- over(sql("COUNT({x})"))
  sql("CASE WHEN {rows} = {values} THEN {value} END")
}

# x[condition] in a summary. A row whose condition is missing has a missing value, as in R.
subset_of <- function(sql) function(x, i) {
  with_rows(sql("CASE WHEN {i} THEN {x} END"), sql("CASE WHEN {i} IS NOT FALSE THEN 1 END"))
}

# A value that counts only in the rows where `rows` is not NULL.
with_rows <- function(value, rows) structure(value, rows = rows)

is_subset <- function(x) !is.null(attr(x, "rows"))

# How many rows a summary of x has.
counted_rows <- function(sql, x) {
  rows <- attr(x, "rows")
  if (is.null(rows)) sql("COUNT(*)") else sql("COUNT({rows})")
}

refuse_subset <- function(x, functions) {
  if (is_subset(x)) fail(functions, " in a database needs a column, not a part of it such as x[y > 1]; filter() the rows first.")
}

# TRUE counts as 1
countable <- function(sql, x, call) if (is_logical_call(call)) sql("CAST({x} AS {integer})") else x

numeric_summaries <- function(sql, over) {
  plain <- function(template) function(x, na.rm = FALSE) {
    x <- countable(sql, x, substitute(x))
    unless_missing(sql, over, x, over(sql(template)), na.rm)
  }
  c(list(
    sum = function(x, na.rm = FALSE) {
      x <- countable(sql, x, substitute(x))
      total <- over(sql("SUM({x})"))
      unless_missing(sql, over, x, sql("COALESCE({total}, 0)"), na.rm)
    },
    mean = function(x, na.rm = FALSE, ...) {
      x <- countable(sql, x, substitute(x))
      average <- over(sql("AVG(CAST({x} AS {double}))"))
      unless_missing(sql, over, x, sql("COALESCE({average}, {nan})"), na.rm)
    }),
    min = plain("MIN({x})"), max = plain("MAX({x})"),
    sd = plain("STDDEV_SAMP(CAST({x} AS {double}))"), var = plain("VAR_SAMP(CAST({x} AS {double}))"))
}

# any() is TRUE for one TRUE even if others are missing, and NA where the missing ones decide
logical_summaries <- function(sql, over) {
  decided <- function(template, decisive, otherwise) function(x, na.rm = FALSE) {
    found <- over(sql(template))
    if (isTRUE(na.rm)) return(sql(paste0("COALESCE({found}, ", otherwise, ")")))
    rest <- unless_missing(sql, over, x, sql(otherwise), FALSE)
    sql(paste0("CASE WHEN {found} = ", decisive, " THEN ", decisive, " ELSE {rest} END"))
  }
  list(any = decided("BOOL_OR({x})", "TRUE", "FALSE"), all = decided("BOOL_AND({x})", "FALSE", "TRUE"))
}

# `quantiles` gives a service's quantile for one probability.
quantile_summaries <- function(sql, quantiles) list(
  median = function(x, na.rm = FALSE) quantiles(x, 0.5, na.rm),
  quantile = function(x, probs, na.rm = FALSE, ...) quantiles(x, one_probability(probs), na.rm),
  IQR = function(x, na.rm = FALSE, ...) {
    upper <- quantiles(x, 0.75, na.rm)
    lower <- quantiles(x, 0.25, na.rm)
    sql("{upper} - {lower}")
  })

one_probability <- function(probs) {
  if (!is.numeric(probs) || length(probs) != 1) fail("quantile() in a database gives one value; give one number as probs.")
  probs
}

paired_summaries <- function(sql, over) {
  paired <- function(name) function(x, y, use = "everything") {
    value <- over(sql(paste0(name, "(CAST({y} AS {double}), CAST({x} AS {double}))")))
    if (!use %in% c("everything", "all.obs")) return(value)
    rows <- over(counted_rows(sql, x))
    pairs <- over(sql(paste0("REGR_COUNT(CAST({y} AS {double}), CAST({x} AS {double}))")))
    sql("CASE WHEN {rows} = {pairs} THEN {value} END")
  }
  list(
    cor = paired("CORR"), cov = paired("COVAR_SAMP"),
    weighted.mean = function(x, w, ..., na.rm = FALSE) {
      total <- over(sql("SUM({x} * CAST({w} AS {double}))"))
      weights <- over(sql("SUM(CASE WHEN {x} IS NOT NULL THEN {w} END)"))
      product <- sql("{x} * {w}")
      # a weight that is missing makes the mean missing, also with na.rm
      if (isTRUE(na.rm)) product <- with_rows(product, sql("CASE WHEN {x} IS NOT NULL THEN 1 END"))
      unless_missing(sql, over, product, sql("COALESCE({total} / NULLIF({weights}, 0), {nan})"), FALSE)
    })
}

# Window functions. `nulls` is nulls_last() as the service needs it, `any_order` what numbers rows in no order.
translate_windows <- function(sql, con, nulls, any_order = NULL) {
  window <- function(expression, order = NULL, frame = NULL, partition = dbplyr::win_current_group()) {
    if (!is.null(order) && length(order)) order <- nulls(dbplyr::sql(as.character(order)))
    dbplyr::win_over(expression, partition = partition, order = order, frame = frame, con = con)
  }
  c(ranks(sql, window, any_order), cumulative(sql, window), offsets(sql, window))
}

over_groups <- function(con, nulls) function(expression) {
  frame <- dbplyr::win_current_frame()
  order <- if (!is.null(frame)) nulls(dbplyr::win_current_order())
  dbplyr::win_over(expression, partition = dbplyr::win_current_group(), order = order, frame = frame, con = con)
}

order_or_current <- function(order) {
  if (is.null(order)) order <- dbplyr::win_current_order()
  if (!length(order)) {
    fail("Rows in a database have no order: lag(), lead(), first(), last(), nth() and cumsum() need arrange() or order_by.")
  }
  order
}

# Missing values have no rank
ranks <- function(sql, window, any_order) {
  rank <- function(name) function(order = NULL) ranked(sql, window, sql(paste0(name, "()")), order, any_order)
  list(
    row_number = rank("ROW_NUMBER"), min_rank = rank("RANK"), dense_rank = rank("DENSE_RANK"),
    rank = function(x, na.last = TRUE, ties.method = "average") rank_of_base(sql, window, x, na.last, ties.method),
    top_n_rank = function(n, wt) {
      order <- if (is.numeric(n) && n < 0) wt else sql("{wt} DESC")
      place <- ranked(sql, window, sql("RANK()"), order, any_order)
      most <- if (is.numeric(n)) abs(n) else n
      sql("{place} <= {most}")
    },
    percent_rank = rank("PERCENT_RANK"), cume_dist = rank("CUME_DIST"),
    ntile = function(order = NULL, n) {
      n <- as.integer(n)
      ranked(sql, window, sql("NTILE({n})"), order, any_order)
    })
}

ranked <- function(sql, window, rank, order, any_order) {
  if (is.null(order)) {
    current <- dbplyr::win_current_order()
    return(window(rank, if (length(current)) current else any_order))
  }
  x <- dbplyr::sql(sub(" DESC$", "", as.character(order)))
  present <- sql("{x} IS NOT NULL")
  partition <- dbplyr::sql(c(as.character(dbplyr::win_current_group()), paste0("(", present, ")")))
  value <- window(rank, order, partition = partition)
  sql("CASE WHEN {present} THEN {value} END")
}

# R's own rank(): equal values share a place, and missing values are last.
rank_of_base <- function(sql, window, x, na.last, ties.method) {
  ties <- ties.method[[1]]
  if (!(isTRUE(na.last) || identical(na.last, "keep")) || !ties %in% c("average", "min", "max", "first")) {
    fail("rank() in a database has na.last = TRUE or \"keep\", and ties.method = \"average\", \"min\", \"max\" or \"first\".")
  }
  x <- dbplyr::sql(as.character(x))
  value <- dbplyr::sql(sub(" DESC$", "", x))
  groups <- as.character(dbplyr::win_current_group())
  first <- ranked(sql, window, sql(if (ties == "first") "ROW_NUMBER()" else "RANK()"), x, NULL)
  equal <- window(sql("COUNT(*)"), partition = dbplyr::sql(c(groups, value)))
  place <- switch(ties, max = sql("{first} + {equal} - 1"),
    average = sql("{first} + ({equal} - 1) / CAST(2 AS {double})"), first)
  if (!isTRUE(na.last)) return(place)
  present <- window(sql("COUNT({value})"))
  missing <- window(sql("ROW_NUMBER()"), value, partition = dbplyr::sql(c(groups, sql("({value} IS NULL)"))))
  sql("CASE WHEN {value} IS NULL THEN {present} + {missing} ELSE {place} END")
}

# A missing value makes all later ones missing
cumulative <- function(sql, window) {
  running <- function(template) function(x, order = NULL) {
    x <- countable(sql, x, substitute(x))
    over <- function(expression) window(expression, order_or_current(order), c(-Inf, 0))
    unless_missing(sql, over, x, over(sql(template)), FALSE)
  }
  running_logical <- function(template, decisive, otherwise) function(x) {
    over <- function(expression) window(expression, order_or_current(NULL), c(-Inf, 0))
    found <- over(sql(template))
    rest <- unless_missing(sql, over, x, sql(otherwise), FALSE)
    sql(paste0("CASE WHEN {found} = ", decisive, " THEN ", decisive, " ELSE {rest} END"))
  }
  list(
    cumsum = running("SUM({x})"), cummean = running("AVG(CAST({x} AS {double}))"), cummin = running("MIN({x})"),
    cummax = running("MAX({x})"), cumany = running_logical("BOOL_OR({x})", "TRUE", "FALSE"),
    cumall = running_logical("BOOL_AND({x})", "FALSE", "TRUE"))
}

offsets <- function(sql, window) {
  shifted <- function(name) function(x, n = 1L, default = NA, order_by = NULL) {
    n <- as.integer(n)
    call <- if (length(default) == 1 && is.na(default)) paste0(name, "({x}, {n})") else paste0(name, "({x}, {n}, {default})")
    window(sql(call), order_or_current(order_by))
  }
  picked <- function(template) function(x, order_by = NULL, ...) {
    refuse_subset(x, "first(), last() or nth()")
    window(sql(template), order_or_current(order_by), c(-Inf, Inf))
  }
  list(
    lag = shifted("LAG"), lead = shifted("LEAD"), first = picked("FIRST_VALUE({x})"), last = picked("LAST_VALUE({x})"),
    nth = function(x, n, order_by = NULL, ...) {
      n <- as.integer(n)
      window(sql("NTH_VALUE({x}, {n})"), order_or_current(order_by), c(-Inf, Inf))
    })
}
