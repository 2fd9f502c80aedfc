# Reads a million rows from Spark as a data.frame, with the data process and with pandas and reticulate; prints the seconds as JSON.
library(rc2)
con <- rc2_spark()
session <- rc2_spark_session(con)
query <- "SELECT id, CAST(id % 100 AS INT) AS k, rand(1) AS x, CAST(id AS STRING) AS s FROM range(1000000)"
seconds <- function(code) { gc(); system.time(code)[["elapsed"]] }

tasks <- list(
  "1e6 x 4 rows into R" = list(
    ours = function() DBI::dbGetQuery(con, query),
    theirs = function() session$sql(query)$toPandas()
  )
)
measured <- lapply(tasks, function(task) {
  task$ours(); task$theirs()
  pairs <- replicate(7, c(ours = seconds(task$ours()), theirs = seconds(task$theirs())))
  list(ours = pairs["ours", ], theirs = pairs["theirs", ])
})
cat(jsonlite::toJSON(measured, digits = 4))
