# dplyr pipelines whose answer must be the same for data frames, on PostgreSQL and on Spark: what they compute with, and what is
# known to differ. The pipelines are in files beside this one, pipelines_*.R: functions of `t`, the measures, and `u`, the groups.
# The order of rows counts only within in_order().

measures <- data.frame(
  id = 1:14,
  g = c("a", "a", "a", "b", "b", "b", "c", "c", NA, NA, "d", "e", "e", "e"),
  i = c(5L, -5L, 7L, NA, 0L, 3L, -7L, 12L, 1L, NA, 2147483647L, 100L, -100L, 42L),
  j = c(2L, 2L, -2L, 3L, 3L, NA, 4L, 5L, 7L, 1L, 1L, 7L, 7L, -5L),
  z = c(0, 1, 2, 0, NA, 4, 0, 1, 2, 3, 0, 1, 2, 0),
  x = c(0.5, 1.5, 2.5, -0.5, -1.5, NA, 2.675, 0.15, 1e-9, 1234.5678, -2.25, 3, 0, 1e6),
  p = c(1, 2, 4, 8, 16, NA, 0.5, 0.25, 10, 100, 1000, 3, 7, 11),
  f = c(TRUE, FALSE, NA, TRUE, TRUE, TRUE, FALSE, FALSE, NA, NA, TRUE, FALSE, TRUE, NA),
  s = c(
    "Zürich", "zürich 100%", "a_b", "axb", "ab.c", "", NA, "50% off", "back\\slash", "it's", "Straße 12", "ÄÖÜ äöü",
    "tab\there", "aa bb  cc"),
  v = c("1", "1.75", "-2.5", "abc", "", " 7 ", NA, "1e3", "2.25", "TRUE", "0", "12abc", "-0.5", ".5"),
  w = c(
    "alpha", "beta", "alphabet", "ALPHA", "Beta blocker", "gamma", "  padded ", "delta", "eps-ilon", "zeta", "eta",
    "theta", NA, "iota"),
  d = as.Date(c(
    "2024-01-01", "2024-02-29", "2024-03-31", "2024-10-27", "2023-12-31", NA, "2024-07-15", "2025-01-05", "1999-12-31",
    "2024-03-30", "2024-04-01", "2020-02-29", "2024-12-30", "2026-06-07")),
  h = as.POSIXct(c(
    "2024-01-01 00:30:15", "2024-03-31 00:59:59", "2024-03-31 01:00:00", "2024-10-27 00:30:00", "2024-10-27 01:30:00",
    NA, "2024-07-15 12:34:56", "2024-12-31 23:30:00", "1999-12-31 22:00:00", "2024-03-30 23:15:00", "2024-06-30 22:05:00",
    "2020-02-29 08:00:00", "2024-11-01 17:45:30", "2023-05-05 05:05:05"), tz = "UTC"),
  stringsAsFactors = FALSE)
attr(measures$h, "tzone") <- Sys.getenv("TZ")

groups <- data.frame(
  g = c("a", "b", "b", NA, "f"),
  label = c("Alpha", "Beta 1", "Beta 2", "Unknown", "Empty"),
  weight = c(1.5, 2, 2.5, 0, NA),
  stringsAsFactors = FALSE)

in_order <- function(pipeline) structure(pipeline, in_order = TRUE)

pipelines <- list()

# Pipelines whose answer differs, each with its row in docs/dplyr.md
of_both <- c(
  "modulo by zero is NA" = "modulo by zero",
  "NaN is not missing" = "NaN",
  "a round number as text" = "a number as text",
  "the greatest of nothing" = "max() and min() of nothing",
  "the time an hour later across DST" = "hours() and months()",
  "a month later" = "hours() and months()",
  "floor_date of a date" = "floor_date() of a date",
  "ceiling_date to the hour when the clock goes back" = "ceiling_date() when the clock goes back",
  "left join, missing keys match" = "missing keys in joins",
  "a wide table" = "pivot_wider() of missing values")
differences <- list(
  postgres = c(of_both,
    "a ratio of sums" = "integer overflow",
    "an integer that overflows in addition" = "integer overflow",
    "an integer that overflows in multiplication" = "integer overflow",
    "exp of a large number" = "a double too large",
    "a date plus a period" = "a date plus days()",
    "the median in groups of rows" = "median() in mutate()"),
  spark = c(of_both,
    "title case" = "str_to_title()",
    "columns of dates subtracted" = "dates subtracted",
    "a date as a number" = "as.numeric() of a date",
    "constants" = "a column of NA"))
