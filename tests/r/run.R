# Runs the tests of a file for a service: run.R <file> <service>
suppressMessages({ library(testthat); library(DBI); library(rc2) })
arguments <- commandArgs(TRUE)
environment <- new.env()
environment$service <- arguments[[2]]
local_edition(3, .env = globalenv())
testthat::test_file(arguments[[1]], reporter = c("check", "fail"), env = environment)
