# Fits lm() to each of 1 000 groups of 1 000 rows, on Spark's executors and by split() and lapply(); prints the seconds as JSON.
suppressMessages({ library(rc2); library(dplyr) })
con <- rc2_spark()
query <- "SELECT CAST(id % 1000 AS INT) AS g, rand(1) AS x, rand(2) AS y FROM range(1000000)"
table <- compute(tbl(con, sql(query)))
rows <- as.data.frame(collect(table))
line <- function(rows) data.frame(slope = coef(lm(y ~ x, rows))[["x"]])
seconds <- function(code) { gc(); system.time(code)[["elapsed"]] }

ours <- function() collect(rc2_spark_apply(table, line, group_by = "g"))
theirs <- function() lapply(split(rows, rows$g), line)
stopifnot(all.equal(arrange(ours(), g)$slope, unlist(theirs(), use.names = FALSE)))
pairs <- replicate(5, c(ours = seconds(ours()), theirs = seconds(theirs())))
cat(jsonlite::toJSON(list("lm() for 1 000 groups of 1 000 rows" = list(ours = pairs["ours", ], theirs = pairs["theirs", ])), digits = 4))
