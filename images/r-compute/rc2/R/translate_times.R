# Dates and times with the meaning of lubridate, for PostgreSQL and Spark. `clock` are a service's own functions: part,
# label, truncate, epoch, interval and their like.

translate_times <- function(sql, clock) {
  c(parts_of_time(sql, clock), steps_of_time(sql, clock), spans_of_time(sql, clock), moments(sql),
    translate_dates(sql, clock))
}

# Text of the call itself is read by R, with the zone given there.
moments <- function(sql) {
  as_date <- function(x, ...) if (is_text(x)) as.Date(x, ...) else sql("CAST({x} AS DATE)")
  list(
    as.Date = as_date, as_date = as_date,
    as.POSIXct = function(x, tz = "", ...) {
      if (is_text(x)) return(as.POSIXct(x, tz = tz, ...))
      if (nzchar(tz)) fail("as.POSIXct() of a column reads the time in R's zone; tz cannot be given.")
      sql("CAST({x} AS {time})")
    },
    as_datetime = function(x, ...) {
      if (is_text(x)) return(as.POSIXct(x, tz = "UTC"))
      fail("as_datetime() of a column is not to be had in a database; as.POSIXct() reads the time in R's zone.")
    })
}

# An instant with its zone and six digits of a second
escape_instant <- function(type) function(con, x) {
  texts <- paste0("CAST('", format(as.POSIXct(x), "%Y-%m-%d %H:%M:%OS6", tz = "UTC"), "+00:00' AS ", type, ")")
  dbplyr::sql(ifelse(is.na(x), "NULL", texts))
}

escape_day <- function(con, x) dbplyr::sql(ifelse(is.na(x), "NULL", paste0("DATE '", format(x, "%Y-%m-%d"), "'")))

parts_of_time <- function(sql, clock) {
  part <- function(name) function(x) clock$part(x, name)
  list(
    year = part("YEAR"), day = part("DAY"), mday = part("DAY"), yday = part("DOY"), hour = part("HOUR"),
    minute = part("MINUTE"), isoweek = part("WEEK"),
    second = function(x) clock$second(x),
    isoyear = function(x) clock$isoyear(x),
    week = function(x) {
      day <- clock$part(x, "DOY")
      sql("CAST(FLOOR(({day} - 1) / 7.0) + 1 AS {integer})")
    },
    month = function(x, label = FALSE, abbr = TRUE) {
      if (isTRUE(label)) time_text(clock, x, if (abbr) "%b" else "%B") else clock$part(x, "MONTH")
    },
    wday = function(x, label = FALSE, abbr = TRUE, week_start = getOption("lubridate.week.start", 7)) {
      if (isTRUE(label)) return(time_text(clock, x, if (abbr) "%a" else "%A"))
      day <- clock$weekday(x)
      shift <- 7L - as.integer(week_start)
      sql("({day} + {shift}) % 7 + 1")
    },
    quarter = function(x, with_year = FALSE, ...) {
      quarter <- clock$part(x, "QUARTER")
      if (!isTRUE(with_year)) return(quarter)
      year <- clock$part(x, "YEAR")
      sql("{year} + {quarter} / CAST(10 AS {double})")
    },
    semester = function(x, with_year = FALSE) {
      month <- clock$part(x, "MONTH")
      sql("CASE WHEN {month} <= 6 THEN 1 WHEN {month} > 6 THEN 2 END")
    })
}

# floor_date() for a unit such as "week" or "15 minutes"
steps_of_time <- function(sql, clock) list(
  floor_date = function(x, unit = "seconds", week_start = getOption("lubridate.week.start", 7)) {
    step <- time_step(unit)
    if (step$name == "week" && step$count == 1) return(floor_week(sql, clock, x, as.integer(week_start)))
    if (step$count == 1) return(clock$truncate(x, step$name))
    larger <- c(second = "minute", minute = "hour", hour = "day", month = "year")
    if (!step$name %in% names(larger)) fail("floor_date() cannot make steps of several ", step$name, "s in a database.")
    floor_steps(sql, clock, x, step$name, step$count, larger[[step$name]])
  })

# "15 minutes" as their count and name
time_step <- function(unit) {
  words <- strsplit(trimws(unit), " +")[[1]]
  count <- if (length(words) == 2) suppressWarnings(as.integer(words[[1]])) else 1L
  name <- sub("^min$", "minute", sub("^sec$", "second", sub("s$", "", words[[length(words)]])))
  known <- c("second", "minute", "hour", "day", "week", "month", "quarter", "year")
  if (is.na(count) || count < 1 || !name %in% known) fail("floor_date() does not know the unit ", unit, " in a database.")
  list(count = count, name = name)
}

# The services' weeks start on Monday
floor_week <- function(sql, clock, x, week_start) {
  days <- (8L - week_start) %% 7L
  if (!days) return(clock$truncate(x, "week"))
  shift <- clock$interval(days, "day")
  monday <- clock$truncate(sql("{x} + {shift}"), "week")
  sql("{monday} - {shift}")
}

floor_steps <- function(sql, clock, x, name, step, larger) {
  start <- clock$truncate(x, larger)
  first <- as.integer(name == "month")
  count <- clock$part(x, toupper(name))
  steps <- sql("CAST(FLOOR(({count} - {first}) / CAST({step} AS {double})) AS {integer}) * {step}")
  span <- clock$interval(steps, name)
  sql("{start} + {span}")
}

# An interval of so many units, which the services have as days or months where they lack the unit.
span_of <- function(sql, clock, count, unit) {
  factor <- c(week = 7L, quarter = 3L, year = 12L)
  if (!unit %in% names(factor)) return(clock$interval(count, unit))
  times <- factor[[unit]]
  clock$interval(sql("{count} * {times}"), if (unit == "week") "day" else "month")
}

seconds_between <- function(sql, clock, from, to) {
  from <- clock$epoch(from)
  to <- clock$epoch(to)
  sql("{to} - {from}")
}

spans_of_time <- function(sql, clock) {
  span <- function(unit) function(x = 1) span_of(sql, clock, x, unit)
  list(
    seconds = span("second"), minutes = span("minute"), hours = span("hour"), days = span("day"), weeks = span("week"),
    months = span("month"), years = span("year"),
    difftime = function(time1, time2, tz, units = "auto") {
      lengths <- c(secs = 1, mins = 60, hours = 3600, days = 86400, weeks = 604800)
      if (!units %in% names(lengths)) {
        fail("difftime() in a database needs units = \"secs\", \"mins\", \"hours\", \"days\" or \"weeks\".")
      }
      seconds <- seconds_between(sql, clock, time2, time1)
      length <- lengths[[units]]
      sql("{seconds} / CAST({length} AS {double})")
    },
    today = function(...) sql("CURRENT_DATE"),
    now = function(...) sql("CURRENT_TIMESTAMP"),
    Sys.Date = function() sql("CURRENT_DATE"),
    Sys.time = function() sql("CURRENT_TIMESTAMP"))
}
