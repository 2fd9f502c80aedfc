# Spark compiles each query, which takes longer than running it on a small table; for tests that run many.
DBI::dbExecute(con, "SET spark.sql.codegen.wholeStage = false")
DBI::dbExecute(con, "SET spark.sql.codegen.factoryMode = NO_CODEGEN")
DBI::dbExecute(con, "SET spark.sql.shuffle.partitions = 1")
