# dplyr pipelines whose answer must be the same for data frames, on PostgreSQL and on Spark. `t` is a table of measures, `u` one
# of groups. The order of rows counts only within in_order().

measures <- data.frame(
  id = 1:14,
  g = c("a", "a", "a", "b", "b", "b", "c", "c", NA, NA, "d", "e", "e", "e"),
  i = c(5L, -5L, 7L, NA, 0L, 3L, -7L, 12L, 1L, NA, 2147483647L, 100L, -100L, 42L),
  j = c(2L, 2L, -2L, 3L, 3L, NA, 4L, 5L, 7L, 1L, 1L, 7L, 7L, -5L),
  z = c(0, 1, 2, 0, NA, 4, 0, 1, 2, 3, 0, 1, 2, 0),
  x = c(0.5, 1.5, 2.5, -0.5, -1.5, NA, 2.675, 0.15, 1e-9, 1234.5678, -2.25, 3, 0, 1e6),
  p = c(1, 2, 4, 8, 16, NA, 0.5, 0.25, 10, 100, 1000, 3, 7, 11),
  f = c(TRUE, FALSE, NA, TRUE, TRUE, TRUE, FALSE, FALSE, NA, NA, TRUE, FALSE, TRUE, NA),
  s = c("Zürich", "zürich 100%", "a_b", "axb", "ab.c", "", NA, "50% off", "back\\slash", "it's", "Straße 12", "ÄÖÜ äöü", "tab\there",
    "aa bb  cc"),
  v = c("1", "1.75", "-2.5", "abc", "", " 7 ", NA, "1e3", "2.25", "TRUE", "0", "12abc", "-0.5", ".5"),
  w = c("alpha", "beta", "alphabet", "ALPHA", "Beta blocker", "gamma", "  padded ", "delta", "eps-ilon", "zeta", "eta", "theta", NA, "iota"),
  d = as.Date(c("2024-01-01", "2024-02-29", "2024-03-31", "2024-10-27", "2023-12-31", NA, "2024-07-15", "2025-01-05", "1999-12-31",
    "2024-03-30", "2024-04-01", "2020-02-29", "2024-12-30", "2026-06-07")),
  h = as.POSIXct(c("2024-01-01 00:30:15", "2024-03-31 00:59:59", "2024-03-31 01:00:00", "2024-10-27 00:30:00", "2024-10-27 01:30:00",
    NA, "2024-07-15 12:34:56", "2024-12-31 23:30:00", "1999-12-31 22:00:00", "2024-03-30 23:15:00", "2024-06-30 22:05:00",
    "2020-02-29 08:00:00", "2024-11-01 17:45:30", "2023-05-05 05:05:05"), tz = "UTC"),
  stringsAsFactors = FALSE)
attr(measures$h, "tzone") <- Sys.getenv("TZ")

groups <- data.frame(
  g = c("a", "b", "b", NA, "f"), label = c("Alpha", "Beta 1", "Beta 2", "Unknown", "Empty"), weight = c(1.5, 2, 2.5, 0, NA),
  stringsAsFactors = FALSE)

in_order <- function(pipeline) structure(pipeline, in_order = TRUE)

pipelines <- list(
  # numbers
  "an integer divided by an integer" = function(t, u) t %>% transmute(id, r = i / j),
  "integer literals divided" = function(t, u) t %>% transmute(id, r = i / 2L),
  "division by zero" = function(t, u) t %>% transmute(id, r = x / z),
  "zero by zero is NaN" = function(t, u) t %>% filter(id == 1L) %>% transmute(r = z / z),
  "an integer divided by zero" = function(t, u) t %>% transmute(id, r = i / z),
  "division by a literal zero" = function(t, u) t %>% transmute(id, r = x / 0),
  "nested division" = function(t, u) t %>% transmute(id, r = i / j / p),
  "a ratio of sums" = function(t, u) t %>% transmute(id, r = (i + 1L) / (z + 1)),
  "modulo by zero is NA" = function(t, u) t %>% transmute(id, r = x %% z),
  "modulo has the sign of the divisor" = function(t, u) t %>% filter(id != 11L) %>% transmute(id, r = i %% j),
  "modulo by a positive literal" = function(t, u) t %>% transmute(id, r = i %% 3L),
  "modulo by a negative literal" = function(t, u) t %>% transmute(id, r = i %% -3L),
  "modulo of doubles" = function(t, u) t %>% transmute(id, r = x %% 2),
  "modulo of a double by a double" = function(t, u) t %>% transmute(id, r = x %% 0.75),
  "whole division" = function(t, u) t %>% transmute(id, r = i %/% j),
  "whole division by a literal" = function(t, u) t %>% transmute(id, r = i %/% 2L, q = i %/% 100),
  "whole division of doubles" = function(t, u) t %>% transmute(id, r = x %/% 2),
  "addition of integers" = function(t, u) t %>% filter(id != 11L) %>% transmute(id, r = i + j),
  "an integer that overflows in addition" = function(t, u) t %>% transmute(id, r = i + j),
  "an integer that overflows in multiplication" = function(t, u) t %>% transmute(id, r = i * 1000L),
  "an integer times a double does not overflow" = function(t, u) t %>% transmute(id, r = i * 1000),
  "an integer plus a double" = function(t, u) t %>% filter(id != 11L) %>% transmute(id, r = i + 1, q = i - 1.5),
  "negative numbers" = function(t, u) t %>% transmute(id, r = -i, q = -x, m = -(x - 1)),
  "powers" = function(t, u) t %>% transmute(id, r = x^2, q = 2^j),
  "an integer squared" = function(t, u) t %>% transmute(id, r = i^2L),
  "precedence" = function(t, u) t %>% transmute(id, r = (x + z) * p, q = x - (z - p), m = -(x + z)^2),
  "rounding of halves" = function(t, u) t %>% transmute(id, r = round(x)),
  "rounding to digits" = function(t, u) t %>% transmute(id, r = round(x, 2), q = round(x, 1)),
  "rounding to hundreds" = function(t, u) t %>% transmute(id, r = round(x, -2), q = round(i, -1)),
  "rounding of a mean" = function(t, u) t %>% group_by(g) %>% summarise(r = round(mean(x, na.rm = TRUE), 1)),
  "floor and ceiling" = function(t, u) t %>% transmute(id, r = floor(x), q = ceiling(x), k = floor(i)),
  "trunc" = function(t, u) t %>% transmute(id, r = trunc(x)),
  "sign and abs" = function(t, u) t %>% transmute(id, r = sign(x), q = abs(x), k = abs(i)),
  "square roots" = function(t, u) t %>% transmute(id, r = sqrt(p), q = sqrt(abs(x))),
  "the square root of a negative number" = function(t, u) t %>% transmute(id, r = sqrt(x)),
  "logarithms" = function(t, u) t %>% transmute(id, r = log(p), q = log10(p), k = log2(p), l = log(p, 3)),
  "the logarithm of zero and less" = function(t, u) t %>% transmute(id, r = log(x), q = log(z)),
  "log1p and exp" = function(t, u) t %>% filter(x < 100) %>% transmute(id, r = log1p(p), q = exp(x)),
  "trigonometry" = function(t, u) t %>% transmute(id, r = sin(x), q = cos(x), k = atan2(x, p)),
  "pmin and pmax" = function(t, u) t %>% transmute(id, r = pmin(x, z), q = pmax(x, z)),
  "pmin and pmax without missing values" = function(t, u) {
    t %>% transmute(id, r = pmin(x, z, na.rm = TRUE), q = pmax(x, z, p, na.rm = TRUE))
  },
  "pmax with a literal" = function(t, u) t %>% transmute(id, r = pmax(x, 0)),
  "bits" = function(t, u) t %>% filter(i >= 0L) %>% transmute(id, a = bitwAnd(i, 6L), o = bitwOr(i, 6L), x = bitwXor(i, 6L)),
  "many digits of a literal" = function(t, u) t %>% transmute(id, r = x + 0.1234567890123456, q = p * 0.30000000000000004),
  "comparison with a literal of many digits" = function(t, u) t %>% filter(x * 2 == 5.35) %>% select(id),
  "is.nan and is.finite" = function(t, u) {
    t %>% filter(!is.na(x), !is.na(z)) %>% mutate(r = x / z) %>% transmute(id, a = is.nan(r), b = is.finite(r), c = is.infinite(r))
  },
  "near" = function(t, u) t %>% transmute(id, r = near(x, 0.5)),

  # conversions
  "text as a number" = function(t, u) t %>% transmute(id, r = as.numeric(v)),
  "text as an integer" = function(t, u) t %>% transmute(id, r = as.integer(v)),
  "a double as an integer" = function(t, u) t %>% transmute(id, r = as.integer(x)),
  "a logical as a number" = function(t, u) t %>% transmute(id, r = as.integer(f), q = as.numeric(f)),
  "an integer as text" = function(t, u) t %>% filter(id != 12L) %>% transmute(id, r = as.character(i)),
  "a double as text" = function(t, u) t %>% filter(p < 1e5) %>% transmute(id, r = as.character(p)),
  "a logical as text" = function(t, u) t %>% transmute(id, r = as.character(f)),
  "a date as text" = function(t, u) t %>% transmute(id, r = as.character(d)),
  "text as a date" = function(t, u) t %>% mutate(r = as.character(d)) %>% transmute(id, r = as.Date(r)),
  "text as a logical" = function(t, u) t %>% transmute(id, r = as.logical(v)),
  "a number as a logical" = function(t, u) t %>% transmute(id, r = as.logical(i), q = as.logical(z)),
  "an integer as a double" = function(t, u) t %>% transmute(id, r = as.numeric(i), q = as.double(j)),

  # logic and missing values
  "filter by equality" = function(t, u) t %>% filter(g == "a"),
  "filter by inequality leaves out missing values" = function(t, u) t %>% filter(g != "a"),
  "filter by several conditions" = function(t, u) t %>% filter(x > 0, i > 0 | f),
  "filter by a logical" = function(t, u) t %>% filter(f),
  "filter by not" = function(t, u) t %>% filter(!f),
  "filter missing values" = function(t, u) t %>% filter(is.na(g) | is.na(x)),
  "%in% is FALSE for a missing value" = function(t, u) t %>% transmute(id, r = g %in% c("a", "b")),
  "%in% with a missing value in the list" = function(t, u) t %>% transmute(id, r = g %in% c("a", NA)),
  "not %in% keeps missing values" = function(t, u) t %>% filter(!(g %in% c("a", "b"))),
  "%in% of numbers" = function(t, u) t %>% filter(i %in% c(5L, 7L, 100L)) %>% select(id, i),
  "%in% of doubles" = function(t, u) t %>% filter(x %in% c(0.5, 2.675)) %>% select(id),
  "%in% one value" = function(t, u) t %>% filter(g %in% "a") %>% select(id),
  "%in% nothing" = function(t, u) {
    none <- character(0)
    t %>% filter(g %in% !!none) %>% select(id)
  },
  "between" = function(t, u) t %>% filter(between(x, 0, 2.5)) %>% select(id, x),
  "if_else" = function(t, u) t %>% transmute(id, r = if_else(x > 1, "big", "small")),
  "if_else with missing" = function(t, u) t %>% transmute(id, r = if_else(f, 1, 2, missing = 3)),
  "ifelse" = function(t, u) t %>% transmute(id, r = ifelse(f, x, p)),
  "case_when" = function(t, u) t %>% transmute(id, r = case_when(x > 100 ~ "large", x > 1 ~ "medium", is.na(x) ~ "none", TRUE ~ "small")),
  "case_when without a match" = function(t, u) t %>% transmute(id, r = case_when(g == "a" ~ 1L, g == "b" ~ 2L)),
  "coalesce" = function(t, u) t %>% transmute(id, r = coalesce(g, "none"), q = coalesce(x, z, 0)),
  "na_if" = function(t, u) t %>% transmute(id, r = na_if(g, "a"), q = na_if(i, 0L)),
  "and, or, not with missing values" = function(t, u) t %>% transmute(id, a = f & (x > 0), o = f | (x > 0), n = !f),
  "xor" = function(t, u) t %>% transmute(id, r = xor(f, id > 5L)),
  "comparison of text" = function(t, u) t %>% filter(w == "beta") %>% select(id),
  "replace_na" = function(t, u) t %>% transmute(id, r = coalesce(f, FALSE)),

  # text
  "text with umlauts is found" = function(t, u) t %>% filter(s == "Zürich") %>% select(id, s),
  "upper and lower case" = function(t, u) t %>% transmute(id, r = toupper(w), q = tolower(w), k = str_to_upper(w), l = str_to_lower(w)),
  "lower case of umlauts" = function(t, u) t %>% filter(id == 12L) %>% transmute(r = tolower(s)),
  "title case" = function(t, u) t %>% transmute(id, r = str_to_title(w)),
  "length of text" = function(t, u) t %>% transmute(id, r = str_length(s)),
  "nchar" = function(t, u) t %>% filter(!is.na(s)) %>% transmute(id, r = nchar(s)),
  "str_detect with a pattern" = function(t, u) t %>% transmute(id, r = str_detect(s, "^[aA]")),
  "str_detect negated" = function(t, u) t %>% transmute(id, r = str_detect(s, "a", negate = TRUE)),
  "str_detect with fixed text" = function(t, u) t %>% transmute(id, r = str_detect(s, fixed("b.c"))),
  "str_detect with LIKE characters" = function(t, u) t %>% transmute(id, r = str_detect(s, fixed("%")), q = str_detect(s, fixed("_"))),
  "str_detect without case" = function(t, u) t %>% transmute(id, r = str_detect(w, regex("ALPHA", ignore_case = TRUE))),
  "str_detect with a backslash" = function(t, u) t %>% transmute(id, r = str_detect(s, "\\\\"), q = str_detect(s, fixed("\\"))),
  "str_detect with classes" = function(t, u) t %>% transmute(id, r = str_detect(s, "\\d+"), q = str_detect(s, "\\s{2}"), k = str_detect(s, "[[:space:]]")),
  "letters of all languages" = function(t, u) {
    t %>% transmute(id, r = str_extract(s, "\\w+"), q = str_detect(s, regex("äöü ÄÖÜ", ignore_case = TRUE)), k = str_extract(s, "[[:alpha:]]+"))
  },
  "a text in several lines of a pattern" = function(t, u) t %>% transmute(id, r = str_detect(s, "tab.here"), q = str_detect(s, "^tab\\shere$")),
  "greedy and lazy patterns" = function(t, u) t %>% transmute(id, r = str_extract(w, "a.*?a"), q = str_extract(w, "a.*a")),
  "look-ahead" = function(t, u) t %>% transmute(id, r = str_extract(w, "al(?=phab)"), q = str_detect(w, "^(?!al)")),
  "the edge of a word" = function(t, u) t %>% transmute(id, r = str_detect(w, "\\bblocker\\b"), q = str_detect(w, "alpha\\b")),
  "grepl is FALSE for a missing text" = function(t, u) t %>% transmute(id, r = grepl("a", w)),
  "grepl fixed and without case" = function(t, u) t %>% transmute(id, r = grepl("b.c", s, fixed = TRUE), q = grepl("ALPHA", w, ignore.case = TRUE)),
  "filter by grepl" = function(t, u) t %>% filter(grepl("^1", v)) %>% select(id),
  "filter by not grepl keeps missing texts" = function(t, u) t %>% filter(!grepl("a", w)) %>% select(id),
  "sub and gsub" = function(t, u) t %>% transmute(id, r = sub("a", "A", w), q = gsub("a", "A", w)),
  "gsub fixed" = function(t, u) t %>% transmute(id, r = gsub(".", "-", s, fixed = TRUE), q = sub(".", "-", s, fixed = TRUE)),
  "gsub with groups" = function(t, u) t %>% transmute(id, r = gsub("(a)(l)", "\\2\\1", w)),
  "str_replace" = function(t, u) t %>% transmute(id, r = str_replace(w, "a", "X"), q = str_replace_all(w, "a", "X")),
  "str_replace with groups" = function(t, u) t %>% transmute(id, r = str_replace(w, "(\\w)(\\w)", "\\2\\1"), q = str_replace_all(w, "(e)", "<\\1>")),
  "str_replace with a dollar" = function(t, u) t %>% transmute(id, r = str_replace(w, "a", "$"), q = str_replace_all(w, "a", "$1")),
  "str_replace fixed" = function(t, u) t %>% transmute(id, r = str_replace(s, fixed("b.c"), "X"), q = str_replace_all(s, fixed("%"), "pct")),
  "str_remove" = function(t, u) t %>% transmute(id, r = str_remove(w, "a"), q = str_remove_all(w, "[aeiou]")),
  "str_extract" = function(t, u) t %>% transmute(id, r = str_extract(s, "[0-9]+"), q = str_extract(w, "(l)(.)")),
  "str_count" = function(t, u) t %>% transmute(id, r = str_count(w, "a"), q = str_count(s, fixed("."))),
  "str_starts and str_ends" = function(t, u) t %>% transmute(id, r = str_starts(w, "al|b"), q = str_ends(w, "a|t"), k = str_starts(s, fixed("a_"))),
  "startsWith and endsWith" = function(t, u) t %>% transmute(id, r = startsWith(s, "a_"), q = endsWith(s, "%")),
  "str_sub" = function(t, u) t %>% transmute(id, r = str_sub(w, 2, 3), q = str_sub(w, -3, -2), k = str_sub(w, 3), l = str_sub(w, 1, -2)),
  "str_sub beyond the end" = function(t, u) t %>% transmute(id, r = str_sub(w, 5, 100), q = str_sub(w, -100, -1)),
  "substr" = function(t, u) t %>% transmute(id, r = substr(s, 1, 2), q = substr(s, 0, 1), k = substr(s, 3, 2)),
  "substring" = function(t, u) t %>% transmute(id, r = substring(w, 2), q = substring(w, 2, 4)),
  "str_trim and trimws" = function(t, u) t %>% transmute(id, r = str_trim(w), q = str_trim(w, "left"), k = trimws(w), l = trimws(w, "right")),
  "str_squish" = function(t, u) t %>% transmute(id, r = str_squish(s)),
  "str_pad" = function(t, u) t %>% transmute(id, r = str_pad(w, 6), q = str_pad(w, 6, "right", "*"), k = str_pad(w, 9, "both")),
  "str_dup" = function(t, u) t %>% filter(!is.na(g)) %>% transmute(id, r = str_dup(g, 3L)),
  "paste writes NA" = function(t, u) t %>% transmute(id, r = paste(g, i), q = paste0(g, "-", s)),
  "paste of numbers" = function(t, u) t %>% filter(p < 1e5) %>% transmute(id, r = paste0("n", id, "/", p)),
  "paste with a separator" = function(t, u) t %>% transmute(id, r = paste(g, w, sep = " / ")),
  "paste of a logical" = function(t, u) t %>% transmute(id, r = paste0(f)),
  "str_c is missing where a part is" = function(t, u) t %>% transmute(id, r = str_c(g, "-", s), q = str_c(g, w, sep = "_")),
  "text that looks like SQL" = function(t, u) t %>% filter(s == "it's") %>% transmute(id, r = paste0(s, "'; --")),

  # dates and times
  "parts of a date" = function(t, u) t %>% transmute(id, y = year(d), m = month(d), k = day(d), q = quarter(d), l = yday(d)),
  "parts of a time" = function(t, u) t %>% transmute(id, y = year(h), m = month(h), k = mday(h), o = hour(h), n = minute(h), s = second(h)),
  "weekday" = function(t, u) t %>% transmute(id, r = wday(d), q = wday(h)),
  "weekday from Monday" = function(t, u) t %>% transmute(id, r = wday(d, week_start = 1), q = wday(d, week_start = 3)),
  "weekday by name" = function(t, u) t %>% transmute(id, r = wday(d, label = TRUE), q = wday(d, label = TRUE, abbr = FALSE)),
  "month by name" = function(t, u) t %>% transmute(id, r = month(d, label = TRUE), q = month(d, label = TRUE, abbr = FALSE)),
  "week and isoweek" = function(t, u) t %>% transmute(id, r = week(d), q = isoweek(d), k = isoyear(d)),
  "quarter with the year, semester" = function(t, u) t %>% transmute(id, r = quarter(d, with_year = TRUE), q = semester(d)),
  "a date plus days" = function(t, u) t %>% transmute(id, r = d + 1, q = d + 7L, k = d - 1),
  "a date plus a column" = function(t, u) t %>% transmute(id, r = d + j),
  "days between dates" = function(t, u) t %>% transmute(id, r = difftime(d, as.Date("2024-03-30"), units = "days")),
  "hours between times across DST" = function(t, u) {
    t %>% transmute(id, r = difftime(h, as.POSIXct("2024-03-30 12:00:00", tz = "Europe/Berlin"), units = "hours"))
  },
  "difftime in minutes" = function(t, u) t %>% transmute(id, r = difftime(h, as.POSIXct("2024-10-26 12:00:00", tz = "UTC"), units = "mins")),
  "filter by a date" = function(t, u) t %>% filter(d >= as.Date("2024-03-01"), d < as.Date("2024-11-01")) %>% select(id, d),
  "filter by a time across DST" = function(t, u) t %>% filter(h >= as.POSIXct("2024-03-31 01:00:00", tz = "UTC")) %>% select(id),
  "filter by a time of another zone" = function(t, u) t %>% filter(h < as.POSIXct("2024-03-31 02:00:00", tz = "Europe/Berlin")) %>% select(id),
  "times stay the same instants" = function(t, u) t %>% select(id, h, d),
  "the time an hour later across DST" = function(t, u) t %>% transmute(id, r = h + hours(1)),
  "floor_date of a time" = function(t, u) {
    t %>% transmute(id, a = floor_date(h, "hour"), b = floor_date(h, "day"), c = floor_date(h, "month"), e = floor_date(h, "year"))
  },
  "floor_date to the week" = function(t, u) t %>% transmute(id, r = floor_date(h, "week"), q = floor_date(h, "week", week_start = 1)),
  "floor_date to minutes" = function(t, u) t %>% transmute(id, r = floor_date(h, "15 minutes"), q = floor_date(h, "30 seconds")),
  "floor_date to several hours" = function(t, u) t %>% filter(month(h) == 7L) %>% transmute(id, r = floor_date(h, "6 hours")),
  "floor_date of a date, as a date" = function(t, u) t %>% transmute(id, r = as.Date(floor_date(d, "month"), tz = "Europe/Berlin")),
  "floor_date of a date" = function(t, u) t %>% transmute(id, r = floor_date(d, "month")),
  "a date plus a period" = function(t, u) t %>% transmute(id, r = d + days(3)),
  "the date of a time" = function(t, u) t %>% transmute(id, r = as_date(h)),
  "summary of dates" = function(t, u) t %>% group_by(g) %>% summarise(a = min(d, na.rm = TRUE), b = max(h, na.rm = TRUE)),
  "counts by month" = function(t, u) t %>% count(y = year(d), m = month(d)),

  # summaries
  "mean, sum, min, max" = function(t, u) {
    t %>% group_by(g) %>% summarise(m = mean(p, na.rm = TRUE), s = sum(p, na.rm = TRUE), a = min(p, na.rm = TRUE), b = max(p, na.rm = TRUE)) %>%
      filter(m < 1e9)
  },
  "summaries with missing values are missing" = function(t, u) {
    t %>% group_by(g) %>% summarise(m = mean(x), s = sum(x), a = min(x), b = max(x), v = sd(x))
  },
  "mean of integers" = function(t, u) t %>% group_by(g) %>% summarise(m = mean(j, na.rm = TRUE)),
  "mean of a comparison" = function(t, u) t %>% group_by(g) %>% summarise(m = mean(x > 0, na.rm = TRUE), n = sum(x > 0, na.rm = TRUE)),
  "sum of missing values" = function(t, u) t %>% summarise(n = sum(is.na(g)), m = mean(is.na(x))),
  "sum of nothing is zero" = function(t, u) t %>% filter(id > 100L) %>% summarise(s = sum(x, na.rm = TRUE), n = n()),
  "mean of nothing is NaN" = function(t, u) t %>% filter(id > 100L) %>% summarise(m = mean(x, na.rm = TRUE)),
  "sum of a group without values" = function(t, u) t %>% filter(id == 6L) %>% group_by(g) %>% summarise(s = sum(x, na.rm = TRUE), m = mean(x, na.rm = TRUE)),
  "sum of integers" = function(t, u) t %>% filter(id != 11L) %>% group_by(g) %>% summarise(s = sum(i, na.rm = TRUE)),
  "sum of integers beyond 32 bits" = function(t, u) t %>% summarise(s = sum(i, na.rm = TRUE)),
  "sd and var" = function(t, u) t %>% group_by(g) %>% summarise(s = sd(p, na.rm = TRUE), v = var(p, na.rm = TRUE)),
  "median" = function(t, u) t %>% group_by(g) %>% summarise(m = median(p, na.rm = TRUE)),
  "median with missing values" = function(t, u) t %>% group_by(g) %>% summarise(m = median(x)),
  "quantiles" = function(t, u) t %>% summarise(a = quantile(p, 0.25, na.rm = TRUE), b = quantile(p, 0.9, na.rm = TRUE)),
  "n_distinct counts the missing value" = function(t, u) t %>% summarise(n = n_distinct(g), m = n_distinct(g, na.rm = TRUE)),
  "n_distinct by group" = function(t, u) t %>% group_by(g) %>% summarise(n = n_distinct(z), m = n_distinct(f)),
  "n_distinct of two columns" = function(t, u) t %>% summarise(n = n_distinct(g, z)),
  "any and all" = function(t, u) t %>% group_by(g) %>% summarise(a = any(f), b = all(f), c = any(f, na.rm = TRUE), e = all(f, na.rm = TRUE)),
  "any and all of comparisons" = function(t, u) t %>% group_by(g) %>% summarise(a = any(x > 2, na.rm = TRUE), b = all(x > 0, na.rm = TRUE)),
  "correlation" = function(t, u) t %>% filter(!is.na(x), !is.na(p)) %>% summarise(r = cor(x, p)),
  "correlation with missing values" = function(t, u) t %>% summarise(r = cor(x, z)),
  "first, last and nth by an order" = function(t, u) {
    t %>% group_by(g) %>% summarise(a = first(w, order_by = id), b = last(w, order_by = id), c = nth(w, 2, order_by = id))
  },
  "count" = function(t, u) t %>% count(g),
  "count sorted" = in_order(function(t, u) t %>% count(g, sort = TRUE) %>% filter(n > 2) %>% arrange(desc(n), g)),
  "count weighted" = function(t, u) t %>% filter(!is.na(z)) %>% count(g, wt = z),
  "count of each group" = function(t, u) t %>% group_by(f) %>% summarise(n = n()),
  "add_count" = function(t, u) t %>% add_count(g) %>% select(id, n),
  "summarise by two groups" = function(t, u) t %>% group_by(g, f) %>% summarise(n = n(), m = mean(p, na.rm = TRUE), .groups = "drop"),
  "summarise across" = function(t, u) t %>% group_by(g) %>% summarise(across(c(x, p), ~ mean(.x, na.rm = TRUE))),
  "summarise across several functions" = function(t, u) t %>% summarise(across(c(z, p), list(m = ~ mean(.x, na.rm = TRUE), s = ~ sum(.x, na.rm = TRUE)))),
  "summarise of an empty table by group" = function(t, u) t %>% filter(id > 100L) %>% group_by(g) %>% summarise(n = n()),
  "filter after a summary" = function(t, u) t %>% group_by(g) %>% summarise(n = n()) %>% filter(n >= 3),
  "str_flatten of one" = function(t, u) t %>% filter(id == 1L) %>% summarise(r = str_flatten(w, "-")),
  "weighted mean by hand" = function(t, u) t %>% filter(!is.na(x), !is.na(p)) %>% group_by(g) %>% summarise(r = sum(x * p) / sum(p)),

  # windows
  "row_number in groups" = function(t, u) t %>% group_by(g) %>% mutate(r = row_number(id)) %>% ungroup() %>% select(id, r),
  "ranks" = function(t, u) t %>% mutate(a = min_rank(z), b = dense_rank(z), c = percent_rank(z), e = cume_dist(z)) %>% select(id, a, b, c, e),
  "ranks downwards" = function(t, u) t %>% mutate(a = min_rank(desc(z)), b = dense_rank(desc(x))) %>% select(id, a, b),
  "ranks in groups" = function(t, u) t %>% group_by(g) %>% mutate(a = min_rank(x)) %>% ungroup() %>% select(id, a),
  "ntile" = function(t, u) t %>% mutate(r = ntile(id, 4)) %>% select(id, r),
  "lag and lead" = function(t, u) t %>% mutate(a = lag(x, order_by = id), b = lead(x, 2, order_by = id)) %>% select(id, a, b),
  "lag with a default" = function(t, u) t %>% mutate(a = lag(z, default = -1, order_by = id)) %>% select(id, a),
  "lag in groups" = function(t, u) t %>% group_by(g) %>% mutate(a = lag(w, order_by = id)) %>% ungroup() %>% select(id, a),
  "difference to the row before" = function(t, u) t %>% mutate(a = p - lag(p, order_by = id)) %>% select(id, a),
  "cumulative sum" = function(t, u) t %>% filter(!is.na(p)) %>% arrange(id) %>% mutate(a = cumsum(p), b = cummax(p), c = cummin(p), e = cummean(p)) %>% select(id, a, b, c, e),
  "cumulative sum after a missing value" = function(t, u) t %>% arrange(id) %>% mutate(a = cumsum(p)) %>% select(id, a),
  "cumulative sum in groups" = function(t, u) t %>% group_by(g) %>% arrange(id) %>% mutate(a = cumsum(z)) %>% ungroup() %>% select(id, a),
  "cumany and cumall" = function(t, u) t %>% arrange(id) %>% mutate(a = cumany(id > 3L), b = cumall(id < 5L)) %>% select(id, a, b),
  "share of the group" = function(t, u) t %>% filter(!is.na(p)) %>% group_by(g) %>% mutate(r = p / sum(p)) %>% ungroup() %>% select(id, r),
  "centred in the group" = function(t, u) t %>% group_by(g) %>% mutate(r = p - mean(p, na.rm = TRUE)) %>% ungroup() %>% select(id, r),
  "mean of a group with missing values" = function(t, u) t %>% group_by(g) %>% mutate(r = mean(x), q = max(x)) %>% ungroup() %>% select(id, r, q),
  "filter by the group's maximum" = function(t, u) t %>% group_by(g) %>% filter(p == max(p, na.rm = TRUE)) %>% ungroup() %>% select(id),
  "filter by the size of the group" = function(t, u) t %>% group_by(g) %>% filter(n() > 2) %>% ungroup() %>% select(id),
  "n_distinct in groups of rows" = function(t, u) t %>% group_by(g) %>% mutate(r = n_distinct(z)) %>% ungroup() %>% select(id, r),
  "first and last in groups" = function(t, u) {
    t %>% group_by(g) %>% mutate(a = first(w, order_by = id), b = last(w, order_by = id), c = nth(w, 2, order_by = id)) %>% ungroup() %>% select(id, a, b, c)
  },
  "slice_min and slice_max" = function(t, u) t %>% slice_max(p, n = 3) %>% select(id),
  "slice_max in groups" = function(t, u) t %>% group_by(g) %>% slice_max(id, n = 1) %>% ungroup() %>% select(id, g),
  "slice_min with ties" = function(t, u) t %>% slice_min(z, n = 2) %>% select(id),
  "sd in groups of rows" = function(t, u) t %>% group_by(g) %>% mutate(r = sd(p, na.rm = TRUE)) %>% ungroup() %>% select(id, r),

  # order
  "arrange puts missing values last" = in_order(function(t, u) t %>% arrange(x) %>% select(id, x)),
  "arrange downwards puts missing values last" = in_order(function(t, u) t %>% arrange(desc(x)) %>% select(id, x)),
  "arrange by two columns" = in_order(function(t, u) t %>% arrange(g, desc(id)) %>% select(id, g)),
  "arrange by an expression" = in_order(function(t, u) t %>% arrange(id %% 3L, desc(id)) %>% select(id)),
  "arrange by a logical" = in_order(function(t, u) t %>% arrange(f, id) %>% select(id, f)),
  "arrange by a date" = in_order(function(t, u) t %>% arrange(desc(d)) %>% select(id, d)),
  "arrange by is.na" = in_order(function(t, u) t %>% arrange(is.na(g), id) %>% select(id)),
  "the first rows by an order" = in_order(function(t, u) t %>% arrange(desc(p)) %>% head(4) %>% select(id)),
  "arrange in lower case" = in_order(function(t, u) t %>% filter(id %in% c(1L, 2L, 3L, 6L, 8L)) %>% arrange(w) %>% select(w)),
  "arrange in both cases" = in_order(function(t, u) t %>% filter(id %in% 1:6) %>% arrange(w) %>% select(w)),

  # joins and sets
  "left join, missing keys match" = function(t, u) t %>% left_join(u, by = "g") %>% select(id, g, label, weight),
  "left join, missing keys never match" = function(t, u) t %>% left_join(u, by = "g", na_matches = "never") %>% select(id, g, label),
  "inner join" = function(t, u) t %>% inner_join(u, by = "g", na_matches = "never") %>% select(id, label),
  "right join" = function(t, u) t %>% right_join(u, by = "g", na_matches = "never") %>% select(g, id, label),
  "full join" = function(t, u) t %>% full_join(u, by = "g", na_matches = "never") %>% select(g, id, label),
  "semi join" = function(t, u) t %>% semi_join(u, by = "g", na_matches = "never") %>% select(id),
  "anti join" = function(t, u) t %>% anti_join(u, by = "g", na_matches = "never") %>% select(id),
  "a join with missing keys that match" = function(t, u) t %>% inner_join(u, by = "g", na_matches = "na") %>% select(id, label),
  "a join of tables with the same names" = function(t, u) t %>% select(id, g, x = p) %>% inner_join(t %>% select(g, x = z), by = "g", na_matches = "never") %>% select(id, x.x, x.y),
  "a join by different names" = function(t, u) t %>% select(id, key = g) %>% inner_join(u, by = c(key = "g"), na_matches = "never"),
  "a summary joined back" = function(t, u) t %>% left_join(t %>% group_by(g) %>% summarise(n = n()), by = "g", na_matches = "na") %>% select(id, n),
  "union" = function(t, u) union(t %>% select(g), u %>% select(g)),
  "union_all" = function(t, u) union_all(t %>% select(g), u %>% select(g)),
  "intersect and setdiff" = function(t, u) intersect(t %>% select(g), u %>% select(g)),
  "setdiff" = function(t, u) setdiff(t %>% select(g), u %>% select(g)),

  # more of the same kinds, combined
  "%in% a range" = function(t, u) t %>% filter(id %in% 3:5) %>% select(id),
  "%in% dates" = function(t, u) t %>% filter(d %in% as.Date(c("2024-01-01", "2020-02-29"))) %>% select(id),
  "distinct with all columns" = function(t, u) t %>% distinct(g, .keep_all = TRUE) %>% select(g),
  "row_number without an order" = function(t, u) t %>% mutate(r = row_number()) %>% summarise(a = max(r), b = min(r)),
  "dates subtracted" = function(t, u) t %>% transmute(id, r = d - as.Date("2024-01-01")),
  "columns of dates subtracted" = function(t, u) t %>% transmute(id, r = as_date(h) - d),
  "columns of dates subtracted, as a number" = function(t, u) t %>% transmute(id, r = as.numeric(as_date(h) - d)),
  "columns of numbers subtracted, as an integer" = function(t, u) t %>% transmute(id, r = as.integer(x - z)),
  "a date difference as a number" = function(t, u) t %>% transmute(id, r = as.numeric(d - as.Date("2024-01-01"))),
  "a date as a number" = function(t, u) t %>% transmute(id, r = as.numeric(d)),
  "filter by today" = function(t, u) t %>% filter(d < Sys.Date() - 30) %>% select(id),
  "nested functions of text" = function(t, u) t %>% transmute(id, r = str_to_upper(str_sub(paste0(w, "-", g), 1, 4))),
  "sum of if_else" = function(t, u) t %>% group_by(g) %>% summarise(r = sum(if_else(x > 1, 1, 0), na.rm = TRUE)),
  "sum of case_when" = function(t, u) t %>% summarise(r = sum(case_when(g %in% c("a", "b") ~ x, TRUE ~ 0), na.rm = TRUE)),
  "sum and mean of a logical column" = function(t, u) t %>% summarise(r = sum(f, na.rm = TRUE), q = mean(f, na.rm = TRUE)),
  "sum of a logical column as integers" = function(t, u) t %>% summarise(r = sum(as.integer(f), na.rm = TRUE), q = mean(as.numeric(f), na.rm = TRUE)),
  "sum of a logical that is computed" = function(t, u) t %>% summarise(r = sum(g == "a" | x > 2, na.rm = TRUE), q = mean(!is.na(f) & f)),
  "the first and last text" = function(t, u) t %>% filter(id < 4L) %>% summarise(a = min(w), b = max(w)),
  "groups by an expression" = function(t, u) t %>% group_by(odd = id %% 2L == 1L) %>% summarise(n = n(), m = mean(z, na.rm = TRUE)),
  "if_any and if_all" = function(t, u) t %>% filter(if_any(c(x, z), ~ .x > 2), if_all(c(x, z), ~ !is.na(.x))) %>% select(id),
  "columns by name" = function(t, u) {
    column <- "x"
    t %>% transmute(id, r = .data[[column]] * 2, q = !!as.name(column) + 1)
  },
  "columns renamed by a function" = function(t, u) t %>% select(id, x) %>% rename_with(toupper),
  "constants" = function(t, u) t %>% transmute(id, a = TRUE, b = NA_character_, c = 1L, e = 2.5, k = "text", o = as.Date("2024-02-29")),
  "a join by two keys" = function(t, u) t %>% select(id, g, z) %>% inner_join(t %>% select(g, z, p), by = c("g", "z"), na_matches = "never"),
  "a join of an integer and a double" = function(t, u) t %>% select(id, g) %>% inner_join(t %>% select(z, w), by = c(id = "z")),
  "a join, then a summary" = function(t, u) {
    t %>% inner_join(u, by = "g", na_matches = "never") %>% group_by(label) %>% summarise(r = sum(p * weight, na.rm = TRUE))
  },
  "a join with a data frame" = function(t, u) {
    t %>% inner_join(data.frame(g = c("a", "c"), k = 1:2), by = "g", copy = TRUE, na_matches = "never") %>% select(id, k)
  },
  "distinct dates" = function(t, u) t %>% summarise(n = n_distinct(year(d)), m = n_distinct(d)),
  "floor_date to the quarter" = function(t, u) t %>% transmute(id, r = floor_date(h, "quarter"), q = floor_date(h, "3 months")),
  "a month later" = function(t, u) t %>% transmute(id, r = h + months(1)),
  "a day later across DST" = function(t, u) t %>% transmute(id, r = h + days(1)),
  "minutes and seconds later" = function(t, u) t %>% filter(id > 10L) %>% transmute(id, r = h + minutes(90), q = h - seconds(30)),
  "a long table" = function(t, u) t %>% select(id, x, p) %>% tidyr::pivot_longer(c(x, p)),
  "a wide table" = function(t, u) {
    t %>% filter(id < 7L) %>% count(g, f) %>% tidyr::pivot_wider(names_from = f, values_from = n, names_prefix = "f_")
  },
  "replace_na in several columns" = function(t, u) t %>% tidyr::replace_na(list(g = "none", z = -1)) %>% select(id, g, z),
  "fill downwards" = function(t, u) {
    if (!is.data.frame(t)) t <- dbplyr::window_order(t, id)
    t %>% tidyr::fill(g, x) %>% select(id, g, x)
  },
  "several steps" = in_order(function(t, u) {
    t %>% filter(!is.na(x)) %>% mutate(k = if_else(x > 0, "up", "down"), y = year(d)) %>% group_by(k) %>%
      summarise(n = n(), m = round(mean(x), 2), last = max(y, na.rm = TRUE)) %>% arrange(desc(n))
  }),
  "a summary of a summary" = function(t, u) t %>% count(g, f) %>% group_by(g) %>% summarise(k = n(), s = sum(n)),
  "a window after a filter after a window" = function(t, u) {
    t %>% group_by(g) %>% mutate(r = row_number(id)) %>% filter(r <= 2L) %>% mutate(k = sum(id)) %>% ungroup() %>% select(id, r, k)
  },
  "unions of joins" = function(t, u) {
    union_all(t %>% inner_join(u, by = "g", na_matches = "never") %>% select(g, label), u %>% select(g, label))
  },
  "text compared with a number's text" = function(t, u) t %>% filter(as.character(id) == "7") %>% select(id),
  "a pattern from a variable" = function(t, u) {
    wanted <- fixed("b.c")
    t %>% filter(str_detect(s, !!wanted)) %>% select(id)
  },
  "a function with its package" = function(t, u) t %>% transmute(id, r = stringr::str_detect(w, "a"), q = lubridate::year(d), k = dplyr::coalesce(z, 9)),
  "abs, min and max of integers in groups" = function(t, u) {
    t %>% group_by(g) %>% summarise(a = max(abs(j), na.rm = TRUE), b = min(-j, na.rm = TRUE))
  },
  "nothing in one group" = function(t, u) t %>% group_by(g) %>% summarise(n = sum(x > 1e5, na.rm = TRUE)) %>% filter(n == 0),
  "an expression of window and summary" = function(t, u) {
    t %>% filter(!is.na(p)) %>% mutate(r = (p - mean(p)) / sd(p), q = p > median(id)) %>% select(id, r)
  },
  "the median in groups of rows" = function(t, u) t %>% group_by(g) %>% mutate(r = median(p, na.rm = TRUE)) %>% ungroup() %>% select(id, r),

  # columns and rows
  "select and rename" = function(t, u) t %>% select(number = id, starts_with("x"), g) %>% rename(group = g),
  "relocate" = function(t, u) t %>% select(id, g, x) %>% relocate(x),
  "distinct" = function(t, u) t %>% distinct(g),
  "distinct of two columns" = function(t, u) t %>% distinct(g, f),
  "mutate that refers to itself" = function(t, u) t %>% mutate(x = x * 2, y = x + 1) %>% select(id, x, y),
  "a name with blanks and umlauts" = function(t, u) t %>% transmute(id, `größe in m` = x),
  "mutate across" = function(t, u) t %>% mutate(across(c(x, p), ~ round(.x, 1))) %>% select(id, x, p),
  "values from R" = function(t, u) {
    limit <- 2
    t %>% filter(x > !!limit) %>% transmute(id, k = !!limit, s = "é")
  },
  "all columns of all types" = function(t, u) t,
  "an empty answer has its columns" = function(t, u) t %>% filter(id > 100L)
)

# Pipelines whose answer differs, each with its row in docs/dplyr.md
differences <- list(
  postgres = c(
    "a ratio of sums" = "overflow",
    "an integer that overflows in addition" = "overflow",
    "an integer that overflows in multiplication" = "overflow",
    "modulo by zero is NA" = "modulo by zero",
    "the time an hour later across DST" = "hours() across DST",
    "floor_date of a date" = "floor_date() of a date",
    "a date plus a period" = "a date plus a period",
    "left join, missing keys match" = "missing keys in joins"),
  spark = c(
    "modulo by zero is NA" = "modulo by zero",
    "title case" = "title case",
    "the time an hour later across DST" = "hours() across DST",
    "floor_date of a date" = "floor_date() of a date",
    "left join, missing keys match" = "missing keys in joins"))
