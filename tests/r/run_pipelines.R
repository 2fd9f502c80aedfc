# Runs all pipelines on PostgreSQL: run_pipelines.R <service>
suppressMessages({ library(rc2); library(dplyr); library(stringr); library(lubridate) })
folder <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
for (file in c("pipelines.R", "compare.R")) source(file.path(folder, file), encoding = "UTF-8")
check_pipelines(rc2_connect(commandArgs(TRUE)[[1]]), "postgres")
