# Fits a linear regression to 1e6 x 10 rows that Spark holds, from R and with plain pyspark; prints the seconds as JSON. Both give
# the coefficients with their standard errors.
suppressMessages({ library(rc2); library(dplyr) })
con <- rc2_spark()
session <- rc2_spark_session(con)
predictors <- paste0("x", 1:9)
rows <- paste("rand(", 1:9, ") AS ", predictors, sep = "", collapse = ", ")
sum_of_all <- paste(predictors, collapse = " + ")
table <- compute(tbl(con, sql(paste("SELECT *,", sum_of_all, "+ rand(10) AS y FROM (SELECT", rows, "FROM range(1000000))"))))
reticulate::py_run_string("
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.regression import LinearRegression
from pyspark.sql.connect.session import SparkSession

def fit(session, name, predictors):
    SparkSession._active_session.session = session
    frame = VectorAssembler(inputCols=predictors, outputCol='features').transform(session.table(name))
    model = LinearRegression(labelCol='y').fit(frame)
    return list(model.coefficients), list(model.summary.coefficientStandardErrors)
")
seconds <- function(code) { gc(); system.time(code)[["elapsed"]] }

name <- as.character(dbplyr::remote_name(table))
ours <- function() summary(ml_linear_regression(table, y ~ .))$coefficients
theirs <- function() reticulate::py$fit(session, name, predictors)
stopifnot(all.equal(unname(ours()[-1, 1]), unlist(theirs()[[1]]), tolerance = 1e-6))
pairs <- replicate(5, c(ours = seconds(ours()), theirs = seconds(theirs())))
cat(jsonlite::toJSON(list("linear regression on 1e6 x 10 rows" = list(ours = pairs["ours", ], theirs = pairs["theirs", ])), digits = 4))
