# Clusters in Spark, against kmeans() from the same centres, and against the likelihood that R computes.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
flowers <- copy_to(con, iris, "flowers", overwrite = TRUE)
numbers <- iris[c("Petal.Length", "Petal.Width")]

test_that("k-means ends at centres that kmeans() keeps", {
  model <- ml_kmeans(flowers, ~ Petal.Length + Petal.Width, k = 3, seed = 1, max_iter = 50, tol = 0)
  ours <- kmeans(numbers, as.matrix(model$centers))
  expect_equal(unname(as.matrix(model$centers)), unname(ours$centers), tolerance = 1e-6)
  expect_equal(model$size, ours$size)
  expect_equal(model$summary$cost, ours$tot.withinss, tolerance = 1e-6)
  expect_equal(pull(predict(model, flowers), prediction), unname(ours$cluster) - 1)
  expect_equal(names(broom::tidy(model)), c("Petal.Length", "Petal.Width", "size", "cluster"))
  expect_equal(tail(colnames(broom::augment(model)), 1), ".cluster")
})

test_that("features are names of columns too, and each cluster of bisecting k-means has the mean of its rows", {
  model <- ml_bisecting_kmeans(flowers, features = names(numbers), k = 3, seed = 1)
  cluster <- pull(ml_predict(model, flowers), prediction)
  expect_equal(unname(as.matrix(model$centers)), unname(as.matrix(aggregate(numbers, list(cluster), mean)[-1])),
    tolerance = 1e-6)
  expect_equal(model$size, as.vector(table(cluster)))
})

test_that("a mixture has the probabilities of its normal distributions", {
  model <- ml_gaussian_mixture(flowers, ~ Petal.Length + Petal.Width, k = 2, seed = 1, max_iter = 20)
  density <- sapply(1:2, function(cluster) {
    centre <- as.numeric(model$centers[cluster, ])
    covariance <- model$covariances[[cluster]]
    model$weights[[cluster]] * exp(-mahalanobis(numbers, centre, covariance) / 2) / (2 * pi * sqrt(det(covariance)))
  })
  found <- collect(predict(model, flowers))
  expect_equal(unname(as.matrix(found[c("probability_0", "probability_1")])), density / rowSums(density), tolerance = 1e-6)
  expect_equal(found$prediction, max.col(density) - 1)
})

test_that("a row with a missing value is in no cluster", {
  table <- copy_to(con, data.frame(a = c(1, 2, NA, 9, 10)), "gap", overwrite = TRUE)
  expect_message(model <- ml_kmeans(table, ~ a, k = 2, seed = 1), "1 of 5 rows have missing values", fixed = TRUE)
  expect_equal(sort(model$centers$a), c(1.5, 9.5))
  expect_equal(is.na(pull(predict(model, table), prediction)), c(FALSE, FALSE, TRUE, FALSE, FALSE))
  same <- copy_to(con, data.frame(a = c(1, 1, 1)), "same", overwrite = TRUE)
  expect_message(ml_kmeans(same, ~ a, k = 2), "found 1 clusters, not 2")
})

test_that("calls of clusters that cannot work are explained in one sentence", {
  expect_sentence <- function(call, pattern) {
    error <- expect_error(call, pattern, class = "rc2_error")
    expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|\\n", conditionMessage(error)))
  }
  expect_sentence(ml_kmeans(flowers, ~ Petal.Width, k = 151), "only 150 rows")
  expect_sentence(ml_kmeans(flowers, ~ Petal.Width, k = 0), "k is the number of clusters")
  expect_sentence(ml_kmeans(flowers, Species ~ Petal.Width), "has no response")
  expect_sentence(ml_kmeans(flowers, k = 2), "needs a formula")
  expect_sentence(ml_kmeans(flowers, features = c("Petal.Width", "gone")), "no column gone")
  expect_sentence(ml_kmeans(flowers, ~ Petal.Width, features = "Petal.Width"), "not both")
})
