# Writes random data frames to a service and reads them back: round_trips.R <service> <kind> <how many> <rows> ...
# ?rc2_connect lists the differences that are allowed.
set.seed(2026)
arguments <- commandArgs(TRUE)
trips <- as.integer(arguments[[3]])
sizes <- as.integer(arguments[-(1:3)])
con <- rc2::rc2_connect(arguments[[1]])
is_spark <- arguments[[2]] == "spark"
strings <- c("", "a", "é", "日本", "it's \\ \"quoted\" $1 %_", "\n\t", "NA", "NULL", "0", "😀", NA)
numbers <- c(0, -0.1, 1e300, -1e-300, pi, pi * 1e10, .Machine$double.eps, NaN, NA, Inf, -Inf, 2^53, 5e-324)
draw <- function(from, n) from[sample.int(length(from), n, replace = TRUE)]
cells <- function(n, make) lapply(seq_len(n), function(i) if (runif(1) < 0.2) NULL else make(sample(0:3, 1)))
instants <- c(0, -1e9, 1.7e9 + 0.25, 1e9 + 0.5, 1720000000.123456, 1711846800, -62135596800, 253402300799, if (!is_spark) c(Inf, -Inf), NA)
days <- c(0, -25567, 19000, 40000, -719162, if (!is_spark) c(-719529, Inf, -Inf), NA)

makers <- list(
  logical = function(n) draw(c(TRUE, FALSE, NA), n),
  integer = function(n) draw(c(0L, -1L, .Machine$integer.max, -.Machine$integer.max, NA), n),
  double = function(n) draw(c(numbers, rnorm(5)), n),
  integer64 = function(n) bit64::as.integer64(draw(c("0", "9007199254740993", "-9223372036854775807", NA), n)),
  character = function(n) draw(strings, n),
  factor = function(n) factor(draw(strings, n)),
  Date = function(n) as.Date(draw(days, n), origin = "1970-01-01"),
  POSIXct = function(n) .POSIXct(draw(instants, n), tz = draw(c("UTC", "Europe/Berlin"), 1)),
  POSIXlt = function(n) as.POSIXlt(.POSIXct(draw(c(0, 1e9, NA), n), tz = "America/New_York")),
  hms = function(n) hms::hms(draw(c(0, 1, 86399, 0.25, NA), n)),
  difftime = function(n) as.difftime(draw(c(0, 0.5, 23, NA), n), units = "hours"),
  blob = function(n) blob::new_blob(cells(n, function(k) as.raw(sample(0:255, k)))),
  list_of_doubles = function(n) cells(n, function(k) draw(numbers, k)),
  list_of_integers = function(n) cells(n, function(k) draw(c(1L, NA, -5L), k)),
  list_of_strings = function(n) cells(n, function(k) draw(strings, k)),
  list_of_logicals = function(n) cells(n, function(k) draw(c(TRUE, FALSE, NA), k))
)
names_of_columns <- c("a", "A", "my col", "dots.in.name", "it's", "\"quoted\"", "ünïcödé", "😀", "select", "row.names")

# Documented: factors come back as their labels, POSIXct and POSIXlt as the same instants in R's time zone, a difftime of up
# to a day as hms in PostgreSQL; times have microseconds. A list column without any value has no type, and is one of blobs.
# Spark has no infinite dates, and no year 0.
expected <- function(column) {
  if (is.factor(column)) as.character(column)
  else if (inherits(column, "POSIXt")) round(as.numeric(as.POSIXct(column)), 6)
  else if (inherits(column, "difftime")) as.numeric(column, units = "secs")
  else if (inherits(column, "blob")) unclass(column)
  else column
}
received <- function(column) {
  if (inherits(column, "POSIXct")) round(as.numeric(column), 6)
  else if (inherits(column, "difftime")) as.numeric(column)
  else if (inherits(column, "blob")) unclass(column)
  else column
}
plain <- function(column) { attributes(column) <- attributes(column)["class"]; column }

same_column <- function(sent, back) {
  sent <- expected(sent)
  back <- received(back)
  if (is.list(sent) && !any(lengths(sent))) return(identical(lengths(sent), lengths(back)))
  identical(plain(sent), plain(back), num.eq = FALSE)
}

round_trip <- function(i) {
  kinds <- makers[sample.int(length(makers), sample(1:6, 1))]
  n <- draw(sizes, 1)
  sent <- as.data.frame(matrix(nrow = n, ncol = 0))
  for (kind in names(kinds)) sent[[kind]] <- kinds[[kind]](n)
  names(sent) <- sample(names_of_columns, length(sent))
  temporary <- is_spark && i %% 10 > 0 # a table of Spark takes longer, and its name has no blanks
  table <- if (is_spark && !temporary) "round_trip" else paste("round trip.", i %% 7, "'ä\"")
  DBI::dbWriteTable(con, table, sent, overwrite = TRUE, temporary = temporary)
  back <- DBI::dbReadTable(con, table, check.names = FALSE)
  same <- mapply(same_column, sent, back)
  ok <- identical(names(sent), names(back)) && nrow(back) == n && all(same)
  if (!ok) {
    message("case ", i)
    for (j in which(!same)) message(names(kinds)[[j]], "\n", paste(utils::capture.output(dput(sent[[j]]), dput(back[[j]])), collapse = "\n"))
  }
  ok
}

cat(sum(vapply(seq_len(trips), round_trip, NA)), "of", trips, "\n")
