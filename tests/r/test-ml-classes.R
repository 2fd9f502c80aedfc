# Naive Bayes, perceptron and support vector machine in Spark, against the same methods computed in R; isotonic and survival
# regression against isoreg() and survreg().
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
cars <- copy_to(con, mtcars, "mtcars", overwrite = TRUE)
flowers <- copy_to(con, iris, "flowers", overwrite = TRUE)

test_that("naive Bayes of counts has the probabilities of its definition", {
  model <- ml_naive_bayes(cars, factor(am) ~ gear + carb, smoothing = 1)
  counts <- as.matrix(mtcars[c("gear", "carb")])
  theta <- t(sapply(0:1, function(am) {
    sums <- colSums(counts[mtcars$am == am, ]) + 1
    log(sums / sum(sums))
  }))
  prior <- log((table(mtcars$am) + 1) / (32 + 2)) # Spark smooths the classes too
  expect_equal(unname(as.matrix(model$table[c("gear", "carb")])), unname(theta), tolerance = 1e-6)
  joint <- exp(counts %*% t(theta) + rep(prior, each = 32))
  expect_equal(pull(predict(model, cars), probability), unname(joint[, 2] / rowSums(joint)), tolerance = 1e-6)
})

test_that("Gaussian naive Bayes has the probabilities of normal distributions", {
  model <- ml_naive_bayes(flowers, Species ~ Sepal.Width + Petal.Width, model_type = "gaussian")
  found <- as.matrix(collect(predict(model, flowers, type = "probabilities"))[6:8])
  joint <- sapply(split(iris, iris$Species), function(own) {
    spread <- function(x) sqrt(mean((x - mean(x))^2))
    dnorm(iris$Sepal.Width, mean(own$Sepal.Width), spread(own$Sepal.Width)) *
      dnorm(iris$Petal.Width, mean(own$Petal.Width), spread(own$Petal.Width))
  })
  expect_equal(unname(found), unname(joint / rowSums(joint)), tolerance = 1e-6)
})

test_that("a perceptron learns the species, and says which layers it needs", {
  model <- ml_multilayer_perceptron_classifier(flowers, Species ~ ., layers = c(4, 4, 3), seed = 3, max_iter = 60)
  expect_gte(mean(pull(predict(model, flowers), prediction) == iris$Species), 0.9)
  expect_length(model$weights, (4 + 1) * 4 + (4 + 1) * 3)
  expect_error(ml_multilayer_perceptron_classifier(flowers, Species ~ ., layers = c(3, 3)), "as in c(4, 5, 3)",
    fixed = TRUE, class = "rc2_error")
})

test_that("a support vector machine separates by its coefficients", {
  model <- ml_linear_svc(cars, factor(am) ~ wt + qsec, reg_param = 0.01, max_iter = 10)
  coefficients <- coef(model)
  margin <- coefficients[["(Intercept)"]] + coefficients[["wt"]] * mtcars$wt + coefficients[["qsec"]] * mtcars$qsec
  classes <- pull(predict(model, cars), prediction)
  expect_equal(as.character(classes), as.character(as.numeric(margin > 0)))
  expect_gte(mean(as.character(classes) == mtcars$am), 0.9)
  expect_equal(names(coef(ml_linear_svc(cars, factor(am) ~ wt - 1, max_iter = 5))), "wt")
})

test_that("an isotonic regression has the values of isoreg()", {
  model <- ml_isotonic_regression(cars, hp ~ qsec, isotonic = FALSE)
  data <- aggregate(hp ~ qsec, mtcars, mean)
  weights <- as.vector(table(mtcars$qsec))
  each <- rep(data$hp, weights)
  ours <- -isoreg(-each)$yf
  expect_equal(pull(predict(model, cars), prediction), ours[match(mtcars$qsec, rep(data$qsec, weights))], tolerance = 1e-6)
})

test_that("a survival regression has the coefficients and times of survreg()", {
  ovarian <- survival::ovarian
  table <- copy_to(con, ovarian, "ovarian", overwrite = TRUE)
  model <- ml_aft_survival_regression(table, futime ~ ecog.ps + rx, censor_col = "fustat", tol = 1e-9)
  ours <- survival::survreg(survival::Surv(futime, fustat) ~ ecog.ps + rx, ovarian)
  expect_equal(coef(model), coef(ours), tolerance = 1e-3)
  expect_equal(model$summary$scale, ours$scale, tolerance = 1e-3)
  expect_equal(pull(predict(model, table), prediction), unname(predict(ours)), tolerance = 1e-3)
})

test_that("calls of classifiers that cannot work are explained in one sentence", {
  expect_sentence <- function(call, pattern) {
    error <- expect_error(call, pattern, class = "rc2_error")
    expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|\\n", conditionMessage(error)))
  }
  data <- data.frame(y = c("a", "b", "a"), one = "a", none = NA_real_, x = -1:1, time = 1:3, event = c(1, 2, 1))
  odd <- copy_to(con, data, "odd", overwrite = TRUE)
  expect_sentence(ml_naive_bayes(odd, y ~ x), "x is negative in 1 rows")
  expect_sentence(ml_naive_bayes(odd, one ~ x, model_type = "gaussian"), "only the value a")
  expect_sentence(ml_naive_bayes(odd, y ~ none), "No row is complete")
  expect_sentence(ml_naive_bayes(odd, y ~ nothing), "no column nothing")
  expect_sentence(ml_linear_svc(flowers, Species ~ Sepal.Width), "ml_linear_svc\\(\\) takes two")
  expect_sentence(ml_aft_survival_regression(odd, time ~ x, censor_col = "gone"), "no column gone of weights or events")
  expect_sentence(ml_aft_survival_regression(odd, time ~ x, censor_col = "event"), "event is 1 .* or 0")
  expect_sentence(ml_aft_survival_regression(odd, x ~ time, censor_col = "event"), "time of x is not above zero")
  expect_sentence(ml_aft_survival_regression(odd, time ~ x, censor_col = "none"), "No row is complete")
  expect_sentence(ml_isotonic_regression(odd, y ~ x), "holds classes")
})
