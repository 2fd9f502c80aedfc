# Runs all pipelines on a service: run_pipelines.R <service> <kind>
suppressMessages({ library(rc2); library(dplyr); library(stringr); library(lubridate) })
folder <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
files <- c("pipelines.R", list.files(folder, "^pipelines_"), "compare.R")
for (file in files) source(file.path(folder, file), encoding = "UTF-8")
arguments <- commandArgs(TRUE)
check_pipelines(rc2_connect(arguments[[1]]), arguments[[2]])
