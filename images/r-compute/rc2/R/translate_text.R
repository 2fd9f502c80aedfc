# Text with the meaning of stringr and R, for PostgreSQL and Spark. `regex` are a service's own functions for patterns
# (detect, replace, extract, count), which take a pattern as as_pattern() makes it; `as_text` is its as.character().

translate_text <- function(sql, regex, as_text) {
  c(patterns(sql, regex), base_patterns(sql, regex), characters(sql, regex), pasted(sql, as_text),
    list(sprintf = function(fmt, ...) filled_format(sql, as_text, fmt, list(...))))
}

# fixed("a.b") and regex("a", ignore_case = TRUE) within a call
modifiers <- list(
  fixed = function(pattern, ignore_case = FALSE) as_pattern(pattern, fixed = TRUE, ignore_case = ignore_case),
  coll = function(pattern, ignore_case = FALSE, ...) as_pattern(pattern, fixed = TRUE, ignore_case = ignore_case),
  regex = function(pattern, ignore_case = FALSE, ...) as_pattern(pattern, ignore_case = ignore_case))

as_pattern <- function(pattern, fixed = FALSE, ignore_case = FALSE) {
  if (inherits(pattern, "rc2_pattern")) return(pattern)
  if (inherits(pattern, "stringr_pattern") || inherits(pattern, "pattern")) { # made outside of the call
    options <- attr(pattern, "options")
    fixed <- inherits(pattern, c("stringr_fixed", "stringr_coll", "fixed", "coll"))
    ignore_case <- isTRUE(options$case_insensitive) || identical(options$strength, 2L)
    pattern <- as.character(pattern)
  }
  if (fixed && ignore_case) { # as a regular expression, the only way both services have
    pattern <- escape_regex(pattern)
    fixed <- FALSE
  }
  if (ignore_case) {
    if (!is_text(pattern)) fail("ignore_case needs a pattern in text, not a column.")
    pattern <- paste0("(?i)", pattern)
  }
  structure(list(pattern = pattern, fixed = fixed), class = "rc2_pattern")
}

escape_regex <- function(text) gsub("([][{}()+*^$|\\\\?.])", "\\\\\\1", text)

# A pattern that matches only at the start or the end
anchored <- function(pattern, at) {
  pattern <- as_pattern(pattern)
  if (pattern$fixed) return(pattern)
  if (!is_text(pattern$pattern)) fail("The pattern must be text, not a column.")
  flag <- if (startsWith(pattern$pattern, "(?i)")) "(?i)" else ""
  rest <- substring(pattern$pattern, nchar(flag) + 1)
  pattern$pattern <- paste0(flag, if (at == "start") "^", "(", rest, ")", if (at == "end") "$")
  pattern
}

negated <- function(sql, found, negate) if (isTRUE(negate)) sql("NOT {found}") else found

patterns <- function(sql, regex) list(
  fixed = modifiers$fixed, coll = modifiers$coll, regex = modifiers$regex,
  str_detect = function(string, pattern, negate = FALSE) negated(sql, regex$detect(string, as_pattern(pattern)), negate),
  str_starts = function(string, pattern, negate = FALSE) {
    negated(sql, starts(sql, regex, string, anchored(pattern, "start")), negate)
  },
  str_ends = function(string, pattern, negate = FALSE) {
    negated(sql, ends(sql, regex, string, anchored(pattern, "end")), negate)
  },
  str_replace = function(string, pattern, replacement) regex$replace(string, as_pattern(pattern), replacement, all = FALSE),
  str_replace_all = function(string, pattern, replacement) {
    regex$replace(string, as_pattern(pattern), replacement, all = TRUE)
  },
  str_replace_na = function(string, replacement = "NA") sql("COALESCE({string}, {replacement})"),
  str_remove = function(string, pattern) regex$replace(string, as_pattern(pattern), "", all = FALSE),
  str_remove_all = function(string, pattern) regex$replace(string, as_pattern(pattern), "", all = TRUE),
  str_extract = function(string, pattern) regex$extract(string, as_pattern(pattern)),
  str_like = function(string, pattern, ignore_case = TRUE) {
    if (isTRUE(ignore_case)) sql("{string} ILIKE {pattern}") else sql("{string} LIKE {pattern}")
  },
  str_split_i = function(string, pattern, i) {
    if (!is.numeric(i) || length(i) != 1 || i == 0) fail("str_split_i() needs a number that is not 0 as i, not a column.")
    regex$part(string, as_pattern(pattern), as.integer(i))
  },
  str_count = function(string, pattern = "") {
    if (identical(pattern, "")) sql("LENGTH({string})") else regex$count(string, as_pattern(pattern))
  },
  str_squish = function(string) trimmed(regex, regex$replace(string, as_pattern("\\s+"), " ", all = TRUE), "both"))

starts <- function(sql, regex, string, pattern) {
  if (!pattern$fixed) return(regex$detect(string, pattern))
  start <- pattern$pattern
  sql("LEFT({string}, LENGTH({start})) = {start}")
}

ends <- function(sql, regex, string, pattern) {
  if (!pattern$fixed) return(regex$detect(string, pattern))
  end <- pattern$pattern
  sql("RIGHT({string}, LENGTH({end})) = {end}")
}

# R's own functions; grepl() is FALSE for a missing text
base_patterns <- function(sql, regex) list(
  grepl = function(pattern, x, ignore.case = FALSE, perl = FALSE, fixed = FALSE, useBytes = FALSE) {
    found <- regex$detect(x, as_pattern(pattern, fixed, ignore.case))
    sql("COALESCE({found}, FALSE)")
  },
  sub = function(pattern, replacement, x, ignore.case = FALSE, perl = FALSE, fixed = FALSE, useBytes = FALSE) {
    regex$replace(x, as_pattern(pattern, fixed, ignore.case), replacement, all = FALSE)
  },
  gsub = function(pattern, replacement, x, ignore.case = FALSE, perl = FALSE, fixed = FALSE, useBytes = FALSE) {
    regex$replace(x, as_pattern(pattern, fixed, ignore.case), replacement, all = TRUE)
  },
  startsWith = function(x, prefix) starts(sql, regex, x, as_pattern(prefix, fixed = TRUE)),
  endsWith = function(x, suffix) ends(sql, regex, x, as_pattern(suffix, fixed = TRUE)))

trimmed <- function(regex, string, side) {
  pattern <- c(both = "^\\s+|\\s+$", left = "^\\s+", right = "\\s+$")[[side]]
  regex$replace(string, as_pattern(pattern), "", all = TRUE)
}

characters <- function(sql, regex) list(
  nchar = function(x, type = "chars", ...) sql("LENGTH({x})"),
  str_length = function(string) sql("LENGTH({string})"),
  tolower = function(x) sql("LOWER({x})"),
  toupper = function(x) sql("UPPER({x})"),
  str_to_lower = function(string, locale = "en") sql("LOWER({string})"),
  str_to_upper = function(string, locale = "en") sql("UPPER({string})"),
  str_to_title = function(string, locale = "en") sql("INITCAP({string})"),
  chartr = function(old, new, x) {
    if (!is_text(old) || !is_text(new) || nchar(old) != nchar(new) || grepl("-", paste(old, new))) {
      fail("chartr() in a database needs two texts of the same length, without ranges.")
    }
    sql("TRANSLATE({x}, {old}, {new})")
  },
  str_trim = function(string, side = "both") trimmed(regex, string, side),
  trimws = function(x, which = "both", whitespace = "[ \t\r\n]") trimmed(regex, x, which),
  str_pad = function(string, width, side = "left", pad = " ") padded(sql, string, width, side, pad),
  str_dup = function(string, times) sql("REPEAT({string}, {times})"),
  substr = function(x, start, stop) between_characters(sql, x, start, stop),
  substring = function(text, first, last = 1000000L) between_characters(sql, text, first, last),
  str_sub = function(string, start = 1L, end = -1L) part_of_text(sql, string, start, end))

padded <- function(sql, string, width, side, pad) {
  text <- switch(side,
    left = sql("LPAD({string}, {width}, {pad})"),
    right = sql("RPAD({string}, {width}, {pad})"),
    both = sql("RPAD(LPAD({string}, LENGTH({string}) + ({width} - LENGTH({string})) / 2, {pad}), {width}, {pad})"),
    fail("side must be \"left\", \"right\" or \"both\"."))
  sql("CASE WHEN LENGTH({string}) >= {width} THEN {string} ELSE {text} END")
}

# Characters from start to stop, as R counts them: before the first there is none
between_characters <- function(sql, x, start, stop) {
  if (is.numeric(start) && is.numeric(stop)) {
    start <- max(as.integer(start), 1L)
    length <- max(as.integer(stop) - start + 1L, 0L)
    return(sql("SUBSTR({x}, {start}, {length})"))
  }
  start <- sql("GREATEST({start}, 1)")
  sql("SUBSTR({x}, {start}, GREATEST({stop} - {start} + 1, 0))")
}

# stringr counts from the end where a number is negative
part_of_text <- function(sql, string, start, end) {
  from_end <- function(place) if (place < 0) {
    distance <- as.integer(-place) - 1L
    if (distance) sql("LENGTH({string}) - {distance}") else sql("LENGTH({string})")
  } else as.integer(place)
  if (!is.numeric(start) || !is.numeric(end)) fail("str_sub() needs numbers for start and end, not columns.")
  if (start >= 0 && end >= 0) return(between_characters(sql, string, start, end))
  between_characters(sql, string, from_end(start), from_end(end))
}

# paste() writes NA for a missing value, str_c() and str_flatten() do not
pasted <- function(sql, as_text) {
  joined <- function(values, sep) {
    if ("collapse" %in% names(values)) fail("paste() in a database joins columns; str_flatten() in summarise() joins rows.")
    parts <- vapply(values, as.character, "")
    if (nzchar(sep)) parts <- utils::head(c(rbind(parts, as.character(sql("{sep}")))), -1)
    dbplyr::sql(if (length(parts) > 1) paste0("CONCAT(", paste(parts, collapse = ", "), ")") else parts)
  }
  written <- function(value) {
    if (is_text(value)) return(sql("{value}"))
    text <- as_text(value)
    sql("COALESCE({text}, 'NA')")
  }
  list(
    paste = function(..., sep = " ") joined(lapply(list(...), written), sep),
    paste0 = function(...) joined(lapply(list(...), written), ""),
    str_c = function(..., sep = "") {
      values <- lapply(list(...), function(value) if (is_text(value)) sql("{value}") else as_text(value))
      complete <- dbplyr::sql(paste(vapply(values, as.character, ""), "IS NOT NULL", collapse = " AND "))
      text <- joined(values, sep)
      sql("CASE WHEN {complete} THEN {text} END")
    })
}

# sprintf() for text and whole numbers: decimals of services are rounded in another way than those of C.
filled_format <- function(sql, as_text, fmt, values) {
  if (!is_text(fmt)) fail("sprintf() needs a format in text, not a column.")
  parts <- regmatches(fmt, gregexpr("%%|%[0-9]*[a-zA-Z]|%[^%]?|[^%]+", fmt))[[1]]
  is_field <- grepl("^%0?[0-9]*d$|^%s$", parts)
  if (any(startsWith(parts[!is_field], "%") & parts[!is_field] != "%%")) {
    fail("sprintf() in a database knows %s, %d, %5d, %05d and %%; paste() and round() are for others.")
  }
  if (sum(is_field) != length(values)) fail("sprintf() needs a value for each % of its format, here ", sum(is_field), ".")
  texts <- lapply(sub("%%", "%", parts, fixed = TRUE), function(text) sql("{text}"))
  texts[is_field] <- Map(function(field, value) field_text(sql, as_text, field, value), parts[is_field], values)
  dbplyr::sql(paste0("CONCAT(", paste(vapply(texts, as.character, ""), collapse = ", "), ")"))
}

field_text <- function(sql, as_text, field, value) {
  text <- if (is_text(value)) sql("{value}") else as_text(value)
  text <- sql("COALESCE({text}, 'NA')")
  width <- suppressWarnings(as.integer(gsub("[%sd]", "", field)))
  if (is.na(width)) return(text)
  blanks <- padded(sql, text, width, "left", " ")
  if (!startsWith(field, "%0")) return(blanks)
  zeros <- padded(sql, text, width, "left", "0")
  behind_sign <- padded(sql, sql("SUBSTR({text}, 2)"), width - 1L, "left", "0")
  sql("CASE WHEN {value} < 0 THEN '-' || {behind_sign} WHEN {value} >= 0 THEN {zeros} ELSE {blanks} END")
}

is_text <- function(value) is.character(value) && !inherits(value, c("sql", "ident"))
