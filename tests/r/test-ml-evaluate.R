# Evaluators, samples and correlations in Spark, against what R computes of the same rows.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
rows <- mtcars
rows$mpg[[3]] <- NA
rows$kind <- ifelse(rows$am == 1, "manual", "automatic")
rows$`p.of am` <- plogis((3.2 - rows$wt) * 2)
rows$guess <- ifelse(rows$`p.of am` > 0.5, "manual", "automatic")
rows$rough <- 37 - 5 * rows$wt
cars <- copy_to(con, rows, "evaluated", overwrite = TRUE)
complete <- rows[!is.na(rows$mpg), ]

test_that("errors of a regression are those of its rows, without the rows that miss a value", {
  residual <- complete$mpg - complete$rough
  metric <- function(name) suppressMessages(ml_regression_evaluator(cars, "mpg", "rough", name))
  expect_equal(metric("rmse"), sqrt(mean(residual^2)))
  expect_equal(metric("mae"), mean(abs(residual)))
  expect_equal(metric("r2"), 1 - sum(residual^2) / sum((complete$mpg - mean(complete$mpg))^2))
  expect_message(ml_regression_evaluator(cars, "mpg", "rough"), "1 of 32 rows have missing values", fixed = TRUE)
})

test_that("the area under the curve is the share of pairs in the right order, with text or numbers as classes", {
  pairs <- outer(rows$`p.of am`[rows$am == 1], rows$`p.of am`[rows$am == 0], function(one, other) (one > other) + (one == other) / 2)
  expect_equal(ml_binary_classification_evaluator(cars, "kind", "p.of am"), mean(pairs))
  expect_equal(ml_binary_classification_evaluator(cars, "am", "p.of am"), mean(pairs))
})

test_that("accuracy and F1 are those of the table of classes", {
  counts <- table(rows$kind, rows$guess)
  expect_equal(ml_multiclass_classification_evaluator(cars, "kind", "guess", "accuracy"), sum(diag(counts)) / sum(counts))
  f1 <- 2 * diag(counts) / (rowSums(counts) + colSums(counts))
  expect_equal(ml_multiclass_classification_evaluator(cars, "kind", "guess"), sum(f1 * rowSums(counts)) / sum(counts))
})

test_that("the silhouette of clusters is that of squared distances", {
  points <- data.frame(a = c(0, 0.5, 1, 9, 9.5), b = c(0, 1, 0, 5, 6), prediction = c(0, 0, 0, 1, 1))
  distance <- as.matrix(dist(points[c("a", "b")]))^2
  width <- vapply(1:5, function(at) {
    same <- points$prediction == points$prediction[[at]]
    own <- sum(distance[at, same]) / (sum(same) - 1)
    other <- mean(distance[at, !same])
    (other - own) / max(own, other)
  }, 0)
  table <- copy_to(con, points, "points", overwrite = TRUE)
  expect_equal(ml_clustering_evaluator(table, c("a", "b")), mean(width))
})

test_that("a split has each row once, and the same seed gives the same parts", {
  parts <- sdf_random_split(cars, training = 0.7, test = 0.3, seed = 4)
  expect_named(parts, c("training", "test"))
  whole <- rbind(collect(parts$training), collect(parts$test))
  expect_equal(sort(whole$wt), sort(rows$wt))
  again <- sdf_random_split(cars, weights = c(training = 0.7, test = 0.3), seed = 4)
  expect_equal(collect(again$test), collect(parts$test))
  set.seed(1)
  one <- collect(sdf_sample(cars, 0.5, replacement = FALSE))
  set.seed(1)
  expect_equal(collect(sdf_sample(cars, 0.5, replacement = FALSE)), one)
  expect_equal(nrow(collect(sdf_sample(cars, 1, replacement = FALSE))), 32)
  expect_false(any(startsWith(DBI::dbListTables(con), "rc2_rows_")))
})

test_that("a summary and correlations are those of R", {
  described <- collect(sdf_describe(cars, c("wt", "hp")))
  expect_equal(as.numeric(described$wt[described$summary == "stddev"]), sd(rows$wt))
  expect_equal(as.numeric(described$hp[described$summary == "max"]), max(rows$hp))
  columns <- c("mpg", "wt", "p.of am")
  expect_equal(ml_corr(cars, columns), as.data.frame(cor(complete[columns])))
  expect_equal(ml_corr(cars, columns, "spearman"), as.data.frame(cor(complete[columns], method = "spearman")))
})

test_that("calls of evaluators and samples that cannot work are explained in one sentence", {
  expect_sentence <- function(call, pattern) {
    error <- expect_error(call, pattern, class = "rc2_error")
    expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|\\n", conditionMessage(error)))
  }
  expect_sentence(ml_regression_evaluator(cars, "mpgs", "rough"), "no column mpgs")
  expect_sentence(ml_regression_evaluator(cars, "kind", "rough"), "takes a number there")
  expect_sentence(ml_regression_evaluator(cars, "mpg", "rough", "best"), "metric_name is one of rmse")
  expect_sentence(ml_regression_evaluator(filter(cars, is.na(mpg)), "mpg", "rough"), "No row has all the columns mpg, rough")
  expect_sentence(ml_binary_classification_evaluator(cars, "cyl", "p.of am"), "has 3 classes")
  expect_sentence(ml_corr(cars, c("wt", "kind")), "takes a number there")
  expect_sentence(sdf_random_split(cars, 0.5, 0.5), "names and weights above 0")
  expect_sentence(sdf_random_split(cars, training = 0), "names and weights above 0")
  expect_sentence(sdf_sample(cars, 2, replacement = FALSE), "fraction is the share of rows")
  expect_sentence(sdf_describe(cars, "gone"), "no column gone")
  expect_sentence(sdf_sample(mtcars, 0.5), "must be a table in Spark")
})
