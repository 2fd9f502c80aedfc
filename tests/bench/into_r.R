# A million rows of Spark as a data.frame: by rc2, and by pandas and reticulate; prints the seconds as JSON.
library(rc2)
con <- rc2_spark()
session <- rc2_spark_session(con)
query <- "SELECT id, CAST(id % 100 AS INT) AS k, rand(1) AS x, CAST(id AS STRING) AS s FROM range(1000000)"
seconds <- function(code) { gc(); system.time(code)[["elapsed"]] }

arrow <- reticulate::import("rc2_arrow", convert = FALSE)
python <- reticulate::import_main(convert = FALSE)
python$session <- session
reticulate::py_run_string(paste0("table = session.sql('''", query, "''').toArrow()"))

works <- list(
  "1e6 x 4 rows into R" = list(
    ours = function() DBI::dbGetQuery(con, query),
    theirs = function() session$sql(query)$toPandas()
  ),
  "1e6 x 4 rows into R, conversion alone" = list(
    ours = function() unserialize(reticulate::py_to_r(arrow$to_r(python$table))),
    theirs = function() reticulate::py_to_r(python$table$to_pandas())
  )
)
measured <- lapply(works, function(work) {
  work$ours(); work$theirs()
  pairs <- replicate(7, c(ours = seconds(work$ours()), theirs = seconds(work$theirs())))
  list(ours = pairs["ours", ], theirs = pairs["theirs", ])
})
cat(jsonlite::toJSON(measured, digits = 4))
