# Dates and times as text, and rounded up or to the nearest, with the meaning of R and lubridate, for PostgreSQL and Spark.

translate_dates <- function(sql, clock) {
  c(texts_of_time(clock), ends_of_time(sql, clock), calendar(sql, clock), read_times())
}

# The fields of a format, of strftime() and not of SQL; each service has its own letters for them.
TIME_FIELDS <- c("Y", "y", "m", "d", "H", "I", "M", "S", "p", "j", "b", "B", "a", "A")
SHORT_FORMATS <- c(`%F` = "%Y-%m-%d", `%T` = "%H:%M:%S", `%R` = "%H:%M", `%h` = "%b")

texts_of_time <- function(clock) {
  formatted <- function(x, format = "", ...) {
    if (!is_text(format) || !grepl("%", format, fixed = TRUE)) {
      fail("format() in a database is for dates and times, with a format such as \"%Y-%m\"; round() and as.character() are for",
        " numbers.")
    }
    time_text(clock, x, format)
  }
  list(
    format = formatted, strftime = formatted,
    weekdays = function(x, abbreviate = FALSE) time_text(clock, x, if (isTRUE(abbreviate)) "%a" else "%A"))
}

# "%Y-%m" as c("%Y", "-", "%m")
time_fields <- function(format) {
  for (short in names(SHORT_FORMATS)) format <- gsub(short, SHORT_FORMATS[[short]], format, fixed = TRUE)
  parts <- regmatches(format, gregexpr("%.|[^%]+|%$", format))[[1]]
  fields <- parts[startsWith(parts, "%")]
  if (length(unknown <- setdiff(fields, paste0("%", c(TIME_FIELDS, "%"))))) {
    fail("format() in a database does not know ", unknown[[1]], "; it knows ", paste0("%", TIME_FIELDS, collapse = " "), ".")
  }
  parts
}

# A time as text, by the service's letters for each field and its quotes for other text.
time_text <- function(clock, x, format) {
  parts <- time_fields(format)
  is_field <- parts %in% paste0("%", TIME_FIELDS)
  parts[!is_field] <- sub("%%", "%", parts[!is_field], fixed = TRUE)
  parts[is_field] <- clock$letters[substring(parts[is_field], 2)]
  # neighbours in one quotation: two that touch would be a quote in the text
  runs <- cumsum(c(TRUE, is_field[-1] | is_field[-length(is_field)]))
  texts <- tapply(parts, runs, paste, collapse = "")
  literal <- !tapply(is_field, runs, any)
  texts[literal] <- vapply(texts[literal], clock$quoted, "")
  clock$text(x, paste(texts, collapse = ""))
}

ends_of_time <- function(sql, clock) {
  floor_date <- steps_of_time(sql, clock)$floor_date
  later <- function(x, unit) {
    step <- time_step(unit)
    span <- span_of(sql, clock, step$count, step$name)
    sql("{x} + {span}")
  }
  ceiling_date <- function(x, unit = "seconds", change_on_boundary = NULL, week_start = getOption("lubridate.week.start", 7)) {
    start <- floor_date(x, unit, week_start)
    end <- later(start, unit)
    # a date goes to the next start, as lubridate's does
    stays <- if (is.null(change_on_boundary)) clock$is_time(x) else sql("NOT {change_on_boundary}")
    sql("CASE WHEN {x} = {start} AND {stays} THEN {start} ELSE {end} END")
  }
  list(ceiling_date = ceiling_date,
    round_date = function(x, unit = "seconds", week_start = getOption("lubridate.week.start", 7)) {
      start <- floor_date(x, unit, week_start)
      end <- ceiling_date(x, unit, FALSE, week_start)
      after <- seconds_between(sql, clock, start, x)
      before <- seconds_between(sql, clock, x, end)
      sql("CASE WHEN {before} <= {after} THEN {end} ELSE {start} END")
    })
}

calendar <- function(sql, clock) list(
  days_in_month = function(x) {
    month <- clock$interval(1L, "month")
    day <- clock$interval(1L, "day")
    start <- clock$truncate(x, "month")
    clock$part(sql("{start} + {month} - {day}"), "DAY")
  },
  leap_year = function(date) {
    year <- clock$part(date, "YEAR")
    sql("({year} % 4 = 0 AND {year} % 100 <> 0) OR {year} % 400 = 0")
  },
  am = function(x) { hour <- clock$part(x, "HOUR"); sql("{hour} < 12") },
  pm = function(x) { hour <- clock$part(x, "HOUR"); sql("{hour} >= 12") })

# ymd("2024-03-31") in a call: lubridate reads the text.
TIME_READERS <- c("ymd", "ydm", "mdy", "myd", "dmy", "dym", "ym", "my",
  paste0(rep(c("ymd", "mdy", "dmy"), each = 3), c("_hms", "_hm", "_h")))

read_times <- function() {
  reader <- function(name) function(x, ...) {
    if (!is_text(x)) fail(name, "() of a column is not to be had in a database; as.Date() and as.POSIXct() read text as R writes it.")
    getExportedValue("lubridate", name)(x, ...)
  }
  stats::setNames(lapply(TIME_READERS, reader), TIME_READERS)
}
