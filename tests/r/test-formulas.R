# Formulas fitted by lm() in R and in Spark: the same coefficients, standard errors, and the same prediction in each row.
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
suppressMessages(library(dplyr, warn.conflicts = FALSE))
cars <- copy_to(con, mtcars, "formula_cars", overwrite = TRUE)

formulas <- list(mpg ~ wt, mpg ~ wt + hp, mpg ~ wt - 1, mpg ~ 0 + wt + hp, mpg ~ ., mpg ~ . - disp, mpg ~ wt * hp,
  mpg ~ wt:hp, mpg ~ (wt + hp + qsec)^2, mpg ~ I(wt^2) + wt, log(mpg) ~ log(hp), mpg ~ factor(cyl), mpg ~ factor(cyl) - 1,
  mpg ~ factor(cyl) * wt)

for (formula in formulas) test_that(paste("a formula means in Spark what it means in R:", deparse(formula)), {
  ours <- lm(formula, mtcars)
  theirs <- ml_linear_regression(cars, formula)
  expect_equal(coef(theirs), coef(ours), tolerance = 1e-6)
  expect_equal(pull(predict(theirs), prediction), unname(predict(ours)), tolerance = 1e-6)
  expect_equal(unname(summary(theirs)$coefficients), unname(summary(ours)$coefficients), tolerance = 1e-4)
})
