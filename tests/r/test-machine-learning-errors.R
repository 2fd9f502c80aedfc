# Calls that cannot work: each ends with one sentence, without Java and without Python.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
in_spark <- function(data) copy_to(con, data, basename(tempfile("data_")))
cars <- in_spark(mtcars)
odd <- in_spark(data.frame(y = 1:4, one = "a", none = NA_real_, zero = c(0, 1, 2, 3), half = c(NA, NA, 1, 2),
  late = c(1, 2, NA, NA)))
few <- in_spark(data.frame(y = 1:3, f = c("a", "b", NA)))

expect_sentence <- function(call, pattern) {
  error <- expect_error(call, pattern, class = "rc2_error")
  text <- conditionMessage(error)
  expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|\\n", text), label = text)
}

test_that("a formula that does not fit the table is explained", {
  expect_sentence(ml_linear_regression(cars, mpg ~ weight), "no column weight")
  expect_sentence(ml_linear_regression(cars, MPG ~ wt), "Did you mean mpg?")
  expect_sentence(ml_linear_regression(cars, ~ wt), "no response")
  expect_sentence(ml_linear_regression(cars, "mpg of wt"), "needs a formula")
  expect_sentence(ml_linear_regression(cars, 5), "needs a formula")
  expect_sentence(ml_linear_regression(cars, mpg ~ 0), "neither predictors nor an intercept")
  expect_sentence(ml_linear_regression(cars, mpg ~ poly(wt, 2)), "cannot have poly")
  expect_sentence(ml_linear_regression(cars, mpg ~ splines::ns(wt, 2)), "cannot have splines::ns")
  expect_sentence(ml_linear_regression(cars, mpg ~ scale(wt)), "cannot have scale")
  expect_sentence(ml_linear_regression(cars, mpg ~ factor(cyl, labels = c("a", "b", "c"))), "only the argument levels")
  expect_sentence(ml_linear_regression(cars, mpg ~ relevel(factor(cyl), ref = "5")), "no value 5")
  expect_sentence(ml_linear_regression(cars, mpg ~ wt, weight_col = "w"), "no column w of weights or events")
})

test_that("data that cannot be fitted is explained", {
  expect_sentence(ml_linear_regression(mtcars, mpg ~ wt), "must be a table in Spark")
  expect_sentence(ml_linear_regression(odd, y ~ one), "only the value \"a\"")
  expect_sentence(ml_linear_regression(odd, y ~ none), "No row is complete")
  expect_sentence(ml_linear_regression(odd, y ~ half + late), "No row is complete")
  expect_sentence(ml_linear_regression(odd, y ~ log(zero)), "infinite in 1 rows")
  expect_sentence(ml_linear_regression(filter(cars, cyl == 99), mpg ~ wt), "no rows")
  expect_sentence(ml_linear_regression(odd, one ~ y), "holds classes")
})

test_that("an option that Spark does not take is named as in R", {
  expect_sentence(ml_linear_regression(cars, mpg ~ wt, elastic_net_param = 2), "^elastic_net_param cannot be 2.0.$")
  expect_sentence(ml_linear_regression(cars, mpg ~ wt, solver = "magic"), "^solver cannot be magic.$")
  expect_sentence(ml_linear_regression(cars, mpg ~ wt, max_iter = "ten"), "^max_iter cannot be ten.$")
  expect_sentence(ml_kmeans(cars, ~ wt, k = 2.5), "^k cannot be 2.5.$")
})

test_that("a formula without an answer in Spark, and correlations of nothing, are explained", {
  expect_sentence(ml_linear_regression(cars, mpg ~ wt | cyl), "^Spark cannot compute the formula. Cannot resolve \"\\(wt OR cyl\\)\"")
  expect_sentence(ml_corr(odd, c("y", "none")), "No row has all the columns y, none.")
  expect_sentence(ml_corr(filter(cars, cyl == 99)), "No row has all the columns mpg, cyl")
})

test_that("a classification of what are no classes is explained", {
  expect_sentence(ml_logistic_regression(odd, one ~ y), "only the value a")
  expect_sentence(ml_logistic_regression(cars, cyl ~ wt, family = "binomial"), "has 3 classes")
  expect_sentence(ml_logistic_regression(cars, am ~ wt, family = "poisson"), "The family is")
  expect_sentence(ml_logistic_regression(cars, am ~ wt, thresholds = c(1, 1, 1)), "for each of the 2 classes")
  expect_sentence(ml_logistic_regression(cars, am ~ wt + offset(hp)), "takes no offset")
  expect_sentence(ml_generalized_linear_regression(cars, carb ~ wt, family = "quasi"), "no family quasi")
  expect_sentence(ml_generalized_linear_regression(cars, carb ~ wt, family = poisson("log"), link = "inverse"), "no link")
  expect_sentence(ml_generalized_linear_regression(cars, carb - 5 ~ wt, family = poisson), "should be non-negative")
})

test_that("a prediction that cannot be is explained", {
  model <- suppressMessages(ml_linear_regression(few, y ~ f))
  expect_sentence(predict(model, cars), "no column f, which the model needs")
  expect_sentence(predict(model, few, type = "class"), "no predictions of the type class")
  expect_sentence(residuals(model, type = "partial"), "not partial")
})
