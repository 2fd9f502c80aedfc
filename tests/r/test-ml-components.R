# Principal components, one class against the rest, and quantiles of survival times in Spark, against prcomp(), against the
# definition, and against survreg().
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
data <- data.frame(iris[1:4], Species = iris$Species, `a.b c` = iris$Sepal.Length * iris$Petal.Width, check.names = FALSE)
data$Sepal.Width[[7]] <- NA
flowers <- copy_to(con, data, "flowers", overwrite = TRUE)
numbers <- c("Sepal.Length", "Sepal.Width", "Petal.Length", "a.b c")
complete <- data[!is.na(data$Sepal.Width), ]

# Components are determined up to their signs.
with_signs_of <- function(found, expected) sweep(found, 2, sign(colSums(found * expected)), "*")

test_that("components, their deviations and scores are those of prcomp()", {
  expect_message(model <- ml_pca(flowers, numbers), "1 of 150 rows have missing values", fixed = TRUE)
  ours <- prcomp(complete[numbers])
  expect_equal(with_signs_of(model$pc, ours$rotation), ours$rotation, tolerance = 1e-6)
  expect_equal(unname(model$sdev), ours$sdev, tolerance = 1e-6)
  expect_equal(summary(model)$importance, summary(ours)$importance, tolerance = 1e-4) # R rounds its own
  scores <- as.matrix(collect(predict(model, flowers))[paste0("PC", 1:4)])
  expected <- predict(ours, data[numbers])
  expect_equal(is.na(scores[, 1]), is.na(data$Sepal.Width))
  kept <- !is.na(data$Sepal.Width)
  expect_equal(unname(with_signs_of(scores[kept, ], expected[kept, ])), unname(expected[kept, ]), tolerance = 1e-6)
  expect_output(print(model), "Principal components in Spark: ~Sepal.Length + Sepal.Width", fixed = TRUE)
  expect_output(print(summary(model)), "Cumulative Proportion")
})

test_that("a projection is of the columns as they are, for fewer components, a formula and other names", {
  model <- suppressMessages(ml_pca(flowers, ~ log(Sepal.Length) + Petal.Width, k = 1, pc_prefix = "c"))
  columns <- cbind(log(data$Sepal.Length), data$Petal.Width)
  expect_equal(pull(sdf_project(model, flowers, feature_prefix = "p"), p1), as.vector(columns %*% model$pc),
    tolerance = 1e-6)
  expect_equal(broom::tidy(model)$features, c("log(Sepal.Length)", "Petal.Width"))
  expect_named(broom::glance(model), c("k", "explained_variance_c1", "nobs"))
  expect_equal(tail(colnames(broom::augment(model)), 1), "c1")
})

test_that("one against the rest gives the class whose own binary model has the greatest predictor", {
  formula <- Species ~ Petal.Length + Sepal.Length
  model <- ml_one_vs_rest(flowers, formula, reg_param = 0.1)
  each <- sapply(levels(iris$Species), function(species) {
    own <- mutate(flowers, own = Species == !!species)
    coef(ml_logistic_regression(own, own ~ Petal.Length + Sepal.Length, reg_param = 0.1))
  })
  expect_equal(coef(model), t(each), tolerance = 1e-4)
  etas <- model.matrix(~ Petal.Length + Sepal.Length, data) %*% t(coef(model))
  expect_equal(pull(predict(model, flowers), prediction), colnames(etas)[max.col(etas)])
  expect_equal(broom::tidy(model)$y.level[c(1, 4)], c("setosa", "versicolor"))
  expect_equal(tail(colnames(broom::augment(model)), 1), ".predicted_label")
  expect_output(print(model), "against the rest, by LogisticRegression")
  vectors <- ml_one_vs_rest(flowers, formula, ml_linear_svc, max_iter = 3)
  expect_equal(vectors$classifier, "LinearSVC")
})

test_that("quantiles of survival times are those of survreg()", {
  ovarian <- survival::ovarian
  table <- copy_to(con, ovarian, "ovarian", overwrite = TRUE)
  model <- ml_aft_survival_regression(table, futime ~ rx, censor_col = "fustat", tol = 1e-9, quantiles_col = "q",
    quantile_probabilities = c(0.1, 0.5))
  ours <- survival::survreg(survival::Surv(futime, fustat) ~ rx, ovarian)
  found <- collect(predict(model, table))
  expected <- predict(ours, type = "quantile", p = c(0.1, 0.5))
  expect_equal(unname(as.matrix(found[c("q_0.1", "q_0.5")])), unname(expected), tolerance = 1e-3)
})

test_that("calls that cannot work are explained in one sentence", {
  expect_sentence <- function(call, pattern) {
    error <- expect_error(suppressMessages(call), pattern, class = "rc2_error")
    expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|\\n", conditionMessage(error)))
  }
  expect_sentence(ml_pca(flowers), "numbers, and Species has other values")
  expect_sentence(ml_pca(flowers, numbers, k = 5), "from 1 to 4")
  expect_sentence(ml_pca(flowers, "gone"), "no column gone")
  expect_sentence(ml_pca(flowers, Species ~ Petal.Width), "has no response")
  expect_sentence(ml_pca(filter(flowers, Petal.Length == 1), "Petal.Width"), "two complete rows")
  expect_sentence(sdf_project(ml_linear_regression(flowers, Petal.Width ~ 1), flowers), "model of ml_pca")
  expect_sentence(ml_one_vs_rest(flowers, Species ~ Petal.Width, ml_random_forest), "ml_linear_svc; its arguments follow")
  expect_sentence(ml_one_vs_rest(flowers, Species ~ Petal.Width, threshold = 1), "passes on elastic_net_param")
  expect_sentence(ml_one_vs_rest(filter(flowers, Species == "setosa"), Species ~ Petal.Width), "only the value setosa")
  expect_sentence(ml_aft_survival_regression(flowers, Petal.Width ~ Petal.Length, "Petal.Length", quantile_probabilities = 2),
    "between 0 and 1")
})
