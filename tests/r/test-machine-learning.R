# What users do with ml_*(), in their words, against R's own functions on the same data.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
in_spark <- function(data, name = basename(tempfile("data_"))) copy_to(con, data, name, overwrite = TRUE)
cars <- in_spark(mtcars, "mtcars")

test_that("a formula without intercept is fitted without intercept", {
  for (formula in list(mpg ~ wt - 1, mpg ~ 0 + wt, mpg ~ wt + hp + 0)) {
    expect_equal(coef(ml_linear_regression(cars, formula)), coef(lm(formula, mtcars)), tolerance = 1e-6)
  }
})

test_that("a formula may hold log(), factor() and I()", {
  formula <- log(mpg) ~ factor(cyl) + I(wt^2)
  expect_equal(coef(ml_linear_regression(cars, formula)), coef(lm(formula, mtcars)), tolerance = 1e-6)
})

test_that("the event of a text response is its second value in R's order, which the model names", {
  data <- data.frame(out = rep(c("no", "yes"), c(3, 7)), x = c(1:4, 2:7))
  model <- ml_logistic_regression(in_spark(data), out ~ x)
  expect_equal(coef(model), coef(glm(factor(out) ~ x, binomial, data)), tolerance = 1e-5)
  expect_output(print(model), "probability that out is \"yes\"")
})

test_that("columns may be named as the inner ones of Spark, and stay", {
  data <- transform(data.frame(x = c(1:4, 2:7)), features = x, label = x^2, prediction = "mine")
  table <- in_spark(data)
  model <- ml_linear_regression(table, label ~ features)
  expect_equal(coef(model), coef(lm(label ~ features, data)), tolerance = 1e-6)
  fitted <- collect(predict(model, table))
  expect_equal(names(fitted), c("x", "features", "label", "prediction"))
  expect_equal(fitted$label, data$label)
})

test_that("rows with NA are left out of the fit with a message, and have no prediction", {
  data <- transform(mtcars, wt = replace(wt, c(3, 7), NA), gear = replace(as.character(gear), 9, NA))
  table <- in_spark(data)
  expect_message(model <- ml_linear_regression(table, mpg ~ wt + gear), "3 of 32 rows have missing values", fixed = TRUE)
  ours <- lm(mpg ~ wt + gear, data, na.action = na.exclude)
  expect_equal(coef(model), coef(ours), tolerance = 1e-6)
  expect_equal(pull(predict(model, table), prediction), unname(predict(ours)), tolerance = 1e-6)
})

test_that("names with dots, blanks and umlauts stay", {
  flowers <- in_spark(iris, "flowers")
  formula <- Sepal.Length ~ Petal.Width + Species
  expect_equal(coef(ml_linear_regression(flowers, formula)), coef(lm(formula, iris)), tolerance = 1e-6)
  data <- data.frame(`my col` = 1:9, `Größe` = c(2, 1, 4, 3, 6, 5, 8, 7, 10), y = c(1, 3, 2, 5, 4, 7, 6, 9, 8),
    check.names = FALSE)
  formula <- y ~ `my col` + Größe
  expect_equal(coef(ml_linear_regression(in_spark(data), formula)), coef(lm(formula, data)), tolerance = 1e-6)
})

test_that("the prediction of a logistic regression is a number per row", {
  model <- ml_logistic_regression(cars, am ~ wt)
  ours <- glm(am ~ wt, binomial, mtcars)
  likely <- predict(model, cars) |> filter(probability > 0.5) |> collect()
  expect_equal(nrow(likely), sum(fitted(ours) > 0.5))
  expect_equal(pull(predict(model, cars, type = "response"), prediction), unname(fitted(ours)), tolerance = 1e-5)
  expect_equal(pull(predict(model, cars, type = "class"), prediction), as.numeric(fitted(ours) > 0.5))
  expect_equal(colnames(predict(model, predict(model, cars)))[12:13], c("prediction", "probability"))
})

test_that("residuals are those of R, as numbers and as a table", {
  ours <- glm(am ~ wt, binomial, mtcars)
  model <- ml_logistic_regression(cars, am ~ wt)
  for (type in c("deviance", "pearson", "working", "response")) {
    expect_equal(residuals(model, type), unname(residuals(ours, type)), tolerance = 1e-5)
  }
  line <- ml_linear_regression(cars, mpg ~ wt + offset(hp / 100))
  ours <- lm(mpg ~ wt + offset(hp / 100), mtcars)
  expect_equal(pull(sdf_residuals(line), residuals), unname(resid(ours)), tolerance = 1e-6)
})

test_that("broom's verbs give the columns of broom", {
  ours <- lm(mpg ~ wt + hp, mtcars)
  model <- ml_linear_regression(cars, mpg ~ wt + hp)
  expect_equal(broom::tidy(model, conf.int = TRUE), broom::tidy(ours, conf.int = TRUE), tolerance = 1e-6)
  expect_equal(broom::glance(model)$r.squared, broom::glance(ours)$r.squared, tolerance = 1e-6)
  expect_equal(pull(broom::augment(model), .resid), unname(resid(ours)), tolerance = 1e-6)
})

test_that("several classes have the coefficients and probabilities of nnet::multinom()", {
  flowers <- in_spark(iris, "flowers")
  model <- ml_logistic_regression(flowers, Species ~ Sepal.Length + Sepal.Width)
  ours <- nnet::multinom(Species ~ Sepal.Length + Sepal.Width, iris, trace = FALSE, maxit = 1000, abstol = 1e-12,
    reltol = 1e-14)
  found <- collect(predict(model, flowers))
  expect_equal(unname(as.matrix(found[7:9])), unname(fitted(ours)), tolerance = 1e-3)
  expect_equal(found$prediction, as.character(predict(ours)))
})

test_that("a logistic regression with a penalty is that of glmnet(), which standardizes by another deviation", {
  x <- as.matrix(mtcars[c("wt", "hp", "qsec")])
  by_glmnet <- function(...) as.matrix(coef(glmnet::glmnet(x, mtcars$am, "binomial", thresh = 1e-14, maxit = 1e7, ...)))[, 1]
  by_spark <- function(...) coef(ml_logistic_regression(cars, am ~ wt + hp + qsec, ...))
  mixed <- by_spark(reg_param = 0.05, elastic_net_param = 0.5, standardization = FALSE)
  expect_equal(mixed, by_glmnet(lambda = 0.05, alpha = 0.5, standardize = FALSE), tolerance = 1e-6)
  expect_equal(by_spark(reg_param = 0.1), by_glmnet(lambda = 0.1 * 32 / 31, alpha = 0), tolerance = 1e-6)
  lasso <- by_spark(reg_param = 0.02, elastic_net_param = 1)
  expect_equal(lasso, by_glmnet(lambda = 0.02 * sqrt(32 / 31), alpha = 1), tolerance = 1e-6)
})

test_that("a level that the fit has not seen is an error in the row that has it", {
  model <- ml_linear_regression(in_spark(iris[1:100, ]), Sepal.Length ~ Species)
  expect_error(collect(predict(model, in_spark(iris))), "Species has the value virginica")
})

test_that("weights are those of lm()", {
  ours <- lm(mpg ~ wt, mtcars, weights = hp)
  model <- ml_linear_regression(cars, mpg ~ wt, weight_col = "hp")
  expect_equal(unname(summary(model)$coefficients), unname(summary(ours)$coefficients), tolerance = 1e-6)
})

test_that("an intercept alone, and a constant column with and without an intercept, are as in lm() and glm()", {
  data <- data.frame(y = c(1, 3, 2, 5), one = 2, x = 1:4, n = c(1L, 0L, 2L, 4L))
  table <- in_spark(data)
  for (formula in list(y ~ 1, y ~ 0 + one + x, y ~ one + x)) {
    expect_equal(coef(ml_linear_regression(table, formula)), coef(lm(formula, data)), tolerance = 1e-6)
  }
  model <- ml_generalized_linear_regression(table, n ~ 1, family = poisson)
  expect_equal(coef(model), coef(glm(n ~ 1, poisson, data)), tolerance = 1e-6)
})

test_that("the measures of a fit have sparklyr's names", {
  measures <- ml_linear_regression(cars, mpg ~ wt)$summary
  expect_equal(measures$root_mean_squared_error, sqrt(mean(residuals(lm(mpg ~ wt, mtcars))^2)), tolerance = 1e-6)
  expect_equal(measures$r2, summary(lm(mpg ~ wt, mtcars))$r.squared, tolerance = 1e-6)
})
