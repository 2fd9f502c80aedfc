# Pipelines and the choice of options by validation, against lm(), glm() and validation by hand.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
in_spark <- function(data) copy_to(con, data, basename(tempfile("data_")))
cars <- in_spark(mtcars)
flowers <- in_spark(iris)
fit <- lm(mpg ~ log(wt) * factor(cyl), mtcars)
by_formula <- ml_pipeline(con) |> ml_linear_regression(mpg ~ log(wt) * factor(cyl))
fitted <- ml_fit(by_formula, cars)

test_that("a formula in a pipeline means what it means in lm(), and predicts rows without the response", {
  model <- ml_stage(fitted, "linear")
  expect_equal(c(`(Intercept)` = model$intercept, model$coefficients), coef(fit), tolerance = 1e-6)
  others <- in_spark(mtcars[3:1, c("cyl", "wt")])
  expect_equal(pull(ml_predict(fitted, others), prediction), unname(predict(fit, mtcars[3:1, ])), tolerance = 1e-6)
  through <- ml_fit(ml_pipeline(con) |> ml_linear_regression(mpg ~ 0 + wt), cars)
  expect_equal(ml_stage(through, 2)$coefficients, coef(lm(mpg ~ 0 + wt, mtcars)), tolerance = 1e-6)
  unseen <- in_spark(data.frame(wt = 3, cyl = 5))
  expect_error(collect(ml_transform(fitted, unseen)), "factor(cyl) has the value 5", fixed = TRUE)
})

test_that("stages are named by columns, and classes of a formula are numbers in R's order", {
  pipeline <- ml_pipeline(ft_vector_assembler(con, c("wt", "hp"), "raw"), ft_standard_scaler(con, "raw", "scaled"),
    ml_logistic_regression(con, features_col = "scaled", label_col = "am", prediction_col = "guess", tol = 1e-7,
      uid = "own"))
  model <- ml_fit(pipeline, cars)
  ours <- glm(am ~ wt + hp, binomial, mtcars)
  found <- collect(ml_transform(model, cars))
  expect_equal(vapply(found$probability, `[[`, 0, 2), unname(fitted(ours)), tolerance = 1e-5)
  expect_equal(found$guess, as.numeric(fitted(ours) > 0.5))
  scales <- c(wt = sd(mtcars$wt), hp = sd(mtcars$hp))
  expect_equal(ml_stage(model, "own")$coefficients, coef(ours)[-1] * scales, tolerance = 1e-5)
  expect_equal(ml_stage(model, "standard")$std, unname(scales))
  tree <- ml_fit(ml_pipeline(con) |> ml_decision_tree(cyl ~ wt + hp, type = "classification", max_depth = 2), cars)
  expect_equal(pull(ml_transform(tree, cars), label), as.integer(factor(mtcars$cyl)) - 1)
  expect_named(ml_stage(tree, 2)$feature_importances, c("wt", "hp"))
  clusters <- ml_fit(ml_pipeline(con) |> ml_kmeans(~ Petal.Width, k = 2, max_iter = 2, init_mode = "random"), flowers)
  expect_setequal(pull(ml_transform(clusters, flowers), prediction), c(0, 1))
})

test_that("a stage fits to a table by itself, and a pipeline shows its stages", {
  label <- rename(flowers, y = Petal.Width, x = Petal.Length)
  alone <- ml_linear_regression(ft_vector_assembler(label, "x", "features"), features_col = "features", label_col = "y")
  expect_equal(ml_stage(alone, 1)$coefficients, unname(coef(lm(Petal.Width ~ Petal.Length, iris))[2]), tolerance = 1e-6)
  expect_match(paste(capture.output(print(by_formula)), collapse = "\n"), "2 stages\n1. r_formula_.*2. linear_regression_")
  expect_match(paste(capture.output(print(ml_stage(fitted, 2))), collapse = "\n"), "LinearRegressionModel.*\ncoefficients: ")
  expect_named(ml_stages(by_formula), c(by_formula$stages[[1]]$uid, ml_uid(by_formula$stages[[2]])))
})

test_that("coefficients have the names of columns and of encoded classes, and an imputer has its medians", {
  measured <- rename(flowers, length = Petal.Length, width = Petal.Width)
  model <- ml_pipeline(con) |> ft_imputer("width", "complete", strategy = "median") |>
    ft_string_indexer("Species", "number", string_order_type = "alphabetDesc") |> ft_one_hot_encoder("number", "is") |>
    ft_vector_assembler(c("complete", "is"), "raw") |> ft_normalizer("raw", "features") |>
    ml_linear_regression(label_col = "length") |> ml_fit(measured)
  expect_named(ml_stage(model, "linear")$coefficients, c("complete", "is_virginica", "is_versicolor"))
  expect_equal(ml_stage(model, "imputer")$surrogate_df, c(width = median(iris$Petal.Width)))
})

test_that("pipelines are saved and loaded, fitted or not", {
  place <- tempfile("pipelines_", "/tmp")
  on.exit(unlink(place, recursive = TRUE))
  ml_save(fitted, file.path(place, "fitted"))
  again <- ml_load(con, file.path(place, "fitted"))
  expect_equal(pull(ml_transform(again, select(cars, wt, cyl)), prediction), unname(predict(fit)), tolerance = 1e-6)
  expect_equal(ml_stage(again, 2)$coefficients, coef(fit)[-1], tolerance = 1e-6)
  ml_save(by_formula, file.path(place, "new"))
  ml_save(by_formula, file.path(place, "new"), overwrite = TRUE)
  refitted <- ml_fit(ml_load(con, file.path(place, "new")), filter(cars, hp > 90))
  expect_equal(unname(ml_stage(refitted, 2)$coefficients), unname(coef(update(fit, data = mtcars[mtcars$hp > 90, ]))[-1]),
    tolerance = 1e-6)
  expect_error(ml_save(by_formula, file.path(place, "new")), "overwrite = TRUE", class = "rc2_error")
})

scores <- function(fold) {
  rmse <- vapply(unique(fold), function(at) {
    model <- lm(mpg ~ wt + factor(cyl), mtcars[fold != at, ])
    sqrt(mean((mtcars$mpg[fold == at] - predict(model, mtcars[fold == at, ]))^2))
  }, 0)
  mean(rmse)
}
random <- function(seed) {
  DBI::dbGetQuery(con, paste0("SELECT RAND(", seed, ") AS r FROM (", dbplyr::remote_query(cars), ")"))$r
}
grid <- list(linear = list(reg_param = c(100, 0), fit_intercept = TRUE))
pipeline <- ml_pipeline(con) |> ml_linear_regression(mpg ~ wt + factor(cyl))

test_that("cross-validation has the errors of folds by hand, and its best model is fitted to all rows", {
  search <- ml_cross_validator(con, pipeline, grid, ml_regression_evaluator(con), num_folds = 2, seed = 5, parallelism = 2)
  model <- ml_fit(search, cars)
  table <- ml_validation_metrics(model)
  expect_named(table, c("rmse", "reg_param_1", "fit_intercept_1"))
  expect_equal(table$reg_param_1, c(100, 0))
  expect_equal(table$rmse[[2]], scores(floor(random(5) * 2)), tolerance = 1e-6)
  expect_gt(table$rmse[[1]], table$rmse[[2]])
  best <- lm(mpg ~ wt + factor(cyl), mtcars)
  expect_equal(ml_stage(model$best_model, "linear")$coefficients, coef(best)[-1], tolerance = 1e-6)
  expect_equal(pull(ml_predict(model, cars), prediction), unname(fitted(best)), tolerance = 1e-6)
  expect_output(print(model), "the best of 2 choices is number 2")
})

test_that("one split is measured on the rest of the rows", {
  model <- ml_train_validation_split(cars, pipeline, NULL, ml_regression_evaluator(con), train_ratio = 0.7, seed = 3)
  train <- random(3) < 0.7
  ours <- lm(mpg ~ wt + factor(cyl), mtcars[train, ])
  error <- sqrt(mean((mtcars$mpg[!train] - predict(ours, mtcars[!train, ]))^2))
  expect_equal(ml_validation_metrics(model)$rmse, error, tolerance = 1e-6)
})

test_that("calls of pipelines that cannot work are explained in one sentence", {
  expect_sentence <- function(call, pattern) {
    error <- expect_error(call, pattern, class = "rc2_error")
    expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|\\n", conditionMessage(error)))
  }
  features <- ml_pipeline(con) |> ft_vector_assembler("wt", "features")
  simple <- features |> ml_linear_regression(label_col = "mpg")
  search <- function(grid, estimator = simple, evaluator = ml_regression_evaluator(con), ...) {
    ml_cross_validator(con, estimator, grid, evaluator, ...)
  }
  expect_sentence(ml_fit(ml_pipeline(con) |> ml_linear_regression(), cars), "no column features, which the stage linear")
  expect_sentence(ml_fit(features |> ml_linear_regression(label_col = "gone"), cars), "no column gone")
  expect_sentence(ml_fit(features |> ml_logistic_regression(label_col = "mpg"), cars), "Labels MUST be Integers")
  expect_sentence(ml_fit(features |> ml_linear_regression(features_col = "wt"), cars), "vector of numbers in the column wt")
  expect_sentence(ml_pipeline(con) |> ft_r_formula(am ~ wt - 1) |> ml_logistic_regression(), "fit_intercept = FALSE")
  expect_sentence(ml_transform(pipeline, cars), "is not fitted")
  expect_sentence(ml_fit(mtcars, cars), "A stage or a pipeline is needed")
  expect_sentence(ml_fit(pipeline, mtcars), "must be a table in Spark")
  expect_sentence(ml_pipeline(con, cars), "A stage or a pipeline is needed")
  expect_sentence(ml_stage(pipeline, "tree"), "no stage tree; the stages are")
  expect_sentence(ml_linear_regression(cars, mpg ~ wt, label_col = "y"), "without a formula or in a pipeline")
  expect_sentence(ml_kmeans(flowers, ~ Petal.Width, K = 3), "no argument K")
  expect_sentence(ml_fit(ml_kmeans(con, label_col = "x"), cars), "no option labelCol")
  expect_sentence(ml_random_forest(ml_pipeline(con), mpg ~ wt), "needs type =")
  expect_sentence(ml_load(con, "/no/such/place"), "no saved stage")
  expect_sentence(search(list(tree = list(max_depth = 1:2))), "no stage tree")
  expect_sentence(search(list(reg_param = 1)), "by stage and option")
  expect_sentence(search(NULL, evaluator = 3), "evaluator is one of a connection")
  expect_sentence(search(NULL, estimator = fitted), "estimator is a stage that is fitted")
  expect_sentence(search(NULL, num_folds = 1), "num_folds is the number of parts")
  expect_sentence(ml_fit(search(list(linear = list(reg_parm = 1))), cars), "no option regParm")
  expect_sentence(ml_fit(search(list(linear = list(reg_param = -1))), cars), "^reg_param cannot be -1.0.$")
  expect_sentence(ml_fit(search(NULL, num_folds = 60), cars), "too few rows")
  expect_sentence(ml_train_validation_split(con, pipeline, train_ratio = 2), "train_ratio is the share")
})

test_that("an interrupt ends a long fit and all fits of a cross-validation, and the connection goes on", {
  rows <- tbl(con, dbplyr::sql("SELECT RAND(1) AS a, RAND(2) AS b, RAND(3) AS y FROM RANGE(200000)"))
  trees <- ml_pipeline(con) |> ml_gbt_regressor(y ~ a + b, max_iter = 100)
  search <- ml_cross_validator(con, trees, list(gbt = list(max_depth = 2:5)), ml_regression_evaluator(con), parallelism = 2)
  for (long in list(trees, search)) {
    took <- system.time(expect_error({ setTimeLimit(elapsed = 2, transient = TRUE); ml_fit(long, rows) }, "time limit"))
    setTimeLimit()
    expect_lt(took[["elapsed"]] - 2, 2) # seconds after the interrupt
    expect_equal(DBI::dbGetQuery(con, "SELECT 1 AS one")$one, 1)
  }
})
