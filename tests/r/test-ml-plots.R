# Pictures of models in Spark: what they show is what R computes.
suppressMessages({
  library(dplyr, warn.conflicts = FALSE)
  library(ggplot2)
})
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
cars <- copy_to(con, mtcars, "mtcars", overwrite = TRUE)
pdf(NULL)
drawn <- function(picture, layer = 1) as.data.frame(layer_data(picture, layer))

test_that("a regression has its residuals over fitted values", {
  ours <- lm(mpg ~ wt, mtcars)
  found <- drawn(plot(ml_linear_regression(cars, mpg ~ wt)), 2)
  expect_equal(found$x, unname(fitted(ours)), tolerance = 1e-6)
  expect_equal(found$y, unname(residuals(ours)), tolerance = 1e-6)
  tree <- ml_decision_tree(cars, mpg ~ wt, max_depth = 1)
  expect_s3_class(autoplot(tree), "ggplot")
  isotonic <- ml_isotonic_regression(cars, hp ~ qsec, isotonic = FALSE)
  found <- drawn(autoplot(isotonic), 2)
  expect_equal(found$x + found$y, mtcars$hp)
})

test_that("two classes have the curve whose area is the share of pairs in the right order", {
  ours <- fitted(glm(am ~ wt, binomial, mtcars))
  pairs <- outer(ours[mtcars$am == 1], ours[mtcars$am == 0], function(one, other) (one > other) + (one == other) / 2)
  picture <- autoplot(ml_logistic_regression(cars, am ~ wt))
  expect_equal(picture$labels$subtitle, sprintf("area under the curve: %.3f", mean(pairs)))
  bayes <- ml_naive_bayes(cars, factor(am) ~ gear + carb)
  expect_match(autoplot(bayes)$labels$subtitle, "area under the curve: 0.[5-9]")
})

test_that("importances, clusters, elbows and components are those of the models", {
  forest <- ml_random_forest(cars, mpg ~ wt + hp + qsec, num_trees = 2, seed = 1)
  expect_equal(rev(sort(drawn(autoplot(forest))$x)), ml_feature_importances(forest)$importance)
  clusters <- lapply(2:3, function(k) ml_kmeans(cars, ~ wt + hp + qsec, k = k, seed = 1))
  elbow <- drawn(do.call(plot, clusters))
  expect_equal(elbow$y, vapply(clusters, function(model) model$summary$cost, 0))
  picture <- autoplot(clusters[[1]])
  expect_equal(sort(as.vector(table(drawn(picture)$colour))), sort(clusters[[1]]$size))
  components <- ml_pca(cars, c("wt", "hp"))
  ours <- prcomp(mtcars[c("wt", "hp")])
  expect_equal(abs(drawn(autoplot(components))$x), unname(abs(ours$x[, 1])), tolerance = 1e-6)
  expect_equal(drawn(autoplot(components, type = "variance"))$y, ours$sdev^2 / sum(ours$sdev^2), tolerance = 1e-6)
  expect_error(autoplot(ml_one_vs_rest(cars, factor(cyl) ~ wt, max_iter = 2)), "no picture of this model",
    class = "rc2_error")
  mixture <- ml_gaussian_mixture(cars, ~ wt + hp, max_iter = 2)
  expect_error(plot(clusters[[1]], mixture), "An elbow is of models", class = "rc2_error")
})
