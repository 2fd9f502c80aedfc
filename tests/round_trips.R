# Writes random data frames to Spark and reads them back; ?rc2_spark lists the differences that are allowed.
set.seed(2026)
strings <- c("", "a", "é", "日本", "it's \\ \"quoted\"", "\n\t", "NA", "0", "😀", NA)
numbers <- c(0, -0.1, 1e300, -1e-300, pi, NaN, NA, Inf, -Inf, 2^53)
draw <- function(from, n) from[sample.int(length(from), n, replace = TRUE)]

makers <- list(
  logical = function(n) draw(c(TRUE, FALSE, NA), n),
  integer = function(n) draw(c(0L, -1L, .Machine$integer.max, -.Machine$integer.max, NA), n),
  double = function(n) draw(c(numbers, rnorm(5)), n),
  character = function(n) draw(strings, n),
  factor = function(n) factor(draw(strings, n)),
  Date = function(n) as.Date(draw(c(0, -25567, 19000, 40000, NA), n), origin = "1970-01-01"),
  POSIXct = function(n) as.POSIXct(draw(c(0, -1e9, 1.7e9 + 0.25, 1e9 + 0.5, NA), n), origin = "1970-01-01", tz = "UTC"),
  list_of_doubles = function(n) lapply(seq_len(n), function(i) if (runif(1) < 0.2) NULL else draw(numbers, sample(0:3, 1))),
  list_of_strings = function(n) lapply(seq_len(n), function(i) if (runif(1) < 0.2) NULL else draw(strings, sample(0:3, 1)))
)

# Documented: factors come back as labels, times in the time zone of the session.
expected <- function(column) {
  if (is.factor(column)) as.character(column) else if (inherits(column, "POSIXct")) c(unclass(column)) else column
}
received <- function(column) if (inherits(column, "POSIXct")) as.numeric(column) else column
without_names <- function(column) { attributes(column) <- attributes(column)["class"]; column }

same <- function(sent, back) {
  all(mapply(function(s, b) {
    s <- expected(s); b <- received(b)
    if (is.list(s) && !any(lengths(s))) return(identical(lengths(s), lengths(b)))
    identical(without_names(s), without_names(b))
  }, sent, back))
}

round_trip <- function(i) {
  kinds <- makers[sample.int(length(makers), sample(1:5, 1))]
  n <- sample(c(0, 1, 2, 17), 1)
  sent <- as.data.frame(matrix(nrow = n, ncol = 0))
  for (kind in names(kinds)) sent[[kind]] <- kinds[[kind]](n)
  DBI::dbWriteTable(con, "round_trip", sent)
  back <- DBI::dbReadTable(con, "round_trip")
  ok <- identical(names(sent), names(back)) && same(sent, back)
  if (!ok) { message("case ", i); message(paste(utils::capture.output(str(sent), str(back)), collapse = "\n")) }
  ok
}

cat(sum(vapply(1:500, round_trip, NA)), "of 500")
