# The calls of published documents about sparklyr's machine learning, one file each in the folder sparklyr; the table in
# docs/machine-learning.md names them.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_spark(service)
source("small_tables.R", local = TRUE)

for (file in sort(list.files("sparklyr", full.names = TRUE))) {
  test_that(paste("the calls of", file, "run as they are published"), source(file, local = TRUE))
}
