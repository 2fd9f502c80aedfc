# Reads and writes the sample database with the data process and with RPostgreSQL in turn. Prints the names of the tasks, or the
# seconds of one of them, as JSON: data.R [<task>]
library(rc2)
ours <- rc2_connect("flights")
theirs <- DBI::dbConnect(RPostgreSQL::PostgreSQL(), dbname = "service=flights")
PAIRS <- 5
SLOW <- c("1e6 x 10 mixed into R" = 2) # pairs of a task for which RPostgreSQL takes 20 seconds of a core
SELECTS <- 200
rows <- DBI::dbGetQuery(ours, "SELECT * FROM flights LIMIT 100000")

seconds <- function(code) {
  gc()
  system.time(code)[["elapsed"]]
}

read <- function(query) function(con) seconds(DBI::dbGetQuery(con, query))

write <- function(con) {
  took <- seconds(DBI::dbWriteTable(con, "bench_rows", rows, row.names = FALSE))
  count <- DBI::dbGetQuery(con, "SELECT count(*)::int AS n FROM bench_rows")$n
  stopifnot(count == nrow(rows))
  DBI::dbRemoveTable(con, "bench_rows")
  took
}

# The clock of R has milliseconds.
select <- function(con) seconds(for (i in seq_len(SELECTS)) DBI::dbGetQuery(con, "SELECT 1")) / SELECTS

measure <- function(name) {
  task <- tasks[[name]]
  task(ours)
  task(theirs)
  pairs <- replicate(if (name %in% names(SLOW)) SLOW[[name]] else PAIRS, c(ours = task(ours), theirs = task(theirs)))
  list(ours = pairs["ours", ], theirs = pairs["theirs", ])
}

tasks <- list(
  "flights into R" = read("SELECT * FROM flights"),
  "1e6 x 10 mixed into R" = read("SELECT * FROM mixed"),
  "1e5 rows written" = write,
  "select 1" = select
)
arguments <- commandArgs(TRUE)
cat(jsonlite::toJSON(digits = 6, if (length(arguments)) measure(arguments[[1]]) else names(tasks)))
