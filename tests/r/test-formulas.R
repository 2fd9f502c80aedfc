# Formulas and data sets, fitted by lm() or glm() in R and in Spark: the same coefficients, and the same prediction in each
# row.
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
suppressMessages(library(dplyr, warn.conflicts = FALSE))

set.seed(20)
holes <- function(x, at) replace(x, at, NA)
own <- data.frame(id = 1:60, `the x` = rnorm(60), x.dot = holes(runif(60, 1, 9), c(2, 30)),
  g = rep(c("b", "a", "C", "ä"), 15), h = holes(rep(c(TRUE, FALSE, FALSE), 20), 11), n = rep(1:3, each = 20),
  day = as.Date("2024-01-01") + 0:59, check.names = FALSE)
own$unused <- factor(rep(c("low", "high"), 30), levels = c("low", "middle", "high"))
own$twice <- 2 * own$`the x`
own$y <- round(3 + own$`the x` - 0.5 * ifelse(is.na(own$x.dot), 0, own$x.dot) + own$n + rnorm(60), 3)
own$count <- rpois(60, exp(1 + 0.3 * own$n))
own$yes <- ifelse(runif(60) < plogis(own$`the x`), "yes", "no")
own$w <- rep(c(1, 2, 0.5), 20)
own$instant <- as.POSIXct("2024-01-01", tz = "UTC") + 3600 * own$id
rate <- 2
data_sets <- list(mtcars = mtcars, iris = iris, warpbreaks = warpbreaks, infert = infert, own = own, airquality = airquality)
tables <- Map(function(data, name) copy_to(con, data, paste0("data_", name), overwrite = TRUE), data_sets, names(data_sets))

linear <- list(
  mtcars = list(mpg ~ wt, mpg ~ wt + hp, mpg ~ wt - 1, mpg ~ 0 + wt + hp, mpg ~ 1, mpg ~ ., mpg ~ . - disp, mpg ~ wt * hp,
    mpg ~ wt:hp, mpg ~ (wt + hp + qsec)^2, mpg ~ I(wt^2) + wt, log(mpg) ~ log(hp), mpg ~ factor(cyl), mpg ~ factor(cyl) - 1,
    mpg ~ factor(cyl) * wt, mpg ~ factor(cyl):wt, mpg ~ 0 + factor(cyl):factor(am), mpg ~ factor(gear) * factor(cyl),
    sqrt(mpg) ~ wt + exp(-qsec / 10), mpg ~ I(hp / wt), mpg ~ wt + I(2 * wt), mpg ~ I(hp > 100),
    mpg ~ factor(cyl, levels = c(8, 6, 4)), mpg ~ relevel(factor(cyl), ref = "6"), mpg ~ wt + offset(hp / 100),
    mpg ~ log10(disp) + abs(qsec - 18), mpg ~ I(wt * rate), mpg ~ as.factor(vs) + 0, mpg ~ I(ifelse(hp > 150, wt, 0))),
  iris = list(Sepal.Length ~ Petal.Width + Species, Sepal.Length ~ . - 1, Sepal.Length ~ Species * Petal.Width,
    Sepal.Length ~ Species / Petal.Width, Sepal.Width ~ Species:Petal.Length - 1, log(Sepal.Length) ~ .^2),
  warpbreaks = list(breaks ~ wool, breaks ~ wool * tension, breaks ~ 0 + tension + wool, breaks ~ wool:tension,
    breaks ~ relevel(factor(tension), ref = "L")),
  infert = list(age ~ education, age ~ education * parity, parity ~ age + education + induced,
    age ~ education + factor(parity)),
  own = list(y ~ `the x`, y ~ `the x` + x.dot, y ~ g, y ~ g - 1, y ~ h, y ~ h - 1, y ~ h * g, y ~ unused, y ~ unused * x.dot,
    y ~ `the x` + twice, y ~ twice + `the x` + n, y ~ day, y ~ day + factor(n), `the x` ~ y + I(y^2), y ~ instant,
    y ~ g:x.dot + factor(n), y ~ factor(g, levels = c("a", "b"))),
  airquality = list(Ozone ~ Wind, Ozone ~ Wind + Solar.R + Temp, log(Ozone) ~ factor(Month), Ozone ~ Solar.R * Wind - 1))

general <- list(
  list("mtcars", am ~ wt, binomial), list("mtcars", vs ~ mpg + factor(am), binomial("probit")),
  list("mtcars", am ~ wt - 1, binomial("cloglog")), list("infert", case ~ spontaneous + induced, binomial),
  list("infert", case ~ spontaneous * education, binomial), list("own", yes ~ `the x`, binomial),
  list("own", yes ~ `the x` + g + h, binomial), list("warpbreaks", breaks ~ wool + tension, poisson),
  list("warpbreaks", breaks ~ wool * tension, poisson("sqrt")), list("own", count ~ factor(n) + offset(log(w)), poisson),
  list("own", count ~ x.dot, poisson), list("mtcars", mpg ~ wt + hp, Gamma("log")), list("mtcars", mpg ~ wt, Gamma),
  list("mtcars", mpg ~ wt, gaussian("log")), list("warpbreaks", breaks ~ 1, poisson))

# Spark leaves unlike R's factor() the levels of a column to its text.
for_r <- function(data) {
  factors <- vapply(data, is.factor, NA)
  data[factors] <- lapply(data[factors], as.character)
  data
}

same_model <- function(ours, theirs, data, label) {
  expect_equal(coef(theirs), coef(ours), tolerance = 1e-6, label = label)
  expected <- suppressWarnings(unname(predict(ours, newdata = data, type = "response")))
  found <- dplyr::pull(suppressWarnings(predict(theirs, type = "response")), prediction)
  expect_equal(found, expected, tolerance = 1e-6, label = label)
  errors <- summary(ours)$coefficients
  expect_equal(unname(summary(theirs)$coefficients), unname(errors), tolerance = 1e-4, label = label)
}

for (name in names(linear)) for (formula in linear[[name]]) test_that(paste("lm of", name, deparse(formula)[[1]]), {
  data <- for_r(data_sets[[name]])
  ours <- lm(formula, data)
  theirs <- suppressMessages(ml_linear_regression(tables[[name]], formula))
  same_model(ours, theirs, data, paste(name, deparse(formula)[[1]]))
})

for (case in general) test_that(paste("glm of", case[[1]], deparse(case[[2]])), {
  data <- for_r(data_sets[[case[[1]]]])
  if ("yes" %in% names(data)) data$yes <- factor(data$yes)
  ours <- suppressWarnings(glm(case[[2]], case[[3]], data, control = list(epsilon = 1e-14, maxit = 50)))
  theirs <- suppressMessages(ml_generalized_linear_regression(tables[[case[[1]]]], case[[2]], family = case[[3]]))
  same_model(ours, theirs, data, paste(case[[1]], deparse(case[[2]])))
  expect_equal(theirs$summary$deviance, deviance(ours), tolerance = 1e-6)
  expect_equal(theirs$summary$aic, AIC(ours), tolerance = 1e-6)
})
