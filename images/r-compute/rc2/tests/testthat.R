library(testthat)
library(rc2)
test_check("rc2")
