# Reads rows for some seconds, in a notebook, in a document or in a script: long_read.R <service> <where>
arguments <- commandArgs(TRUE)
options(jupyter.in_kernel = arguments[[2]] != "script", knitr.in.progress = arguments[[2]] == "document")
con <- rc2::rc2_connect(arguments[[1]])
query <- "SELECT i, repeat('x', 100000) AS x, pg_sleep(0.01)::text FROM generate_series(1, 400) AS i"
stopifnot(nrow(DBI::dbGetQuery(con, query)) == 400)
