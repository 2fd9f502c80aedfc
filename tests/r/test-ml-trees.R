# Decision trees, forests and boosted trees in Spark. R has other methods under these names, so that properties are compared:
# the predictions of small trees with those of rpart(), and errors with those of lm().
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
cars <- copy_to(con, mtcars, "mtcars", overwrite = TRUE)
flowers <- copy_to(con, iris, "flowers", overwrite = TRUE)
split <- ml_decision_tree(cars, mpg ~ wt + hp, max_depth = 1)
of_species <- ml_decision_tree(flowers, Species ~ ., max_depth = 2)
of_event <- ml_gradient_boosted_trees(cars, am ~ wt + hp, type = "classification", max_iter = 2)
rmse <- function(observed, predicted) sqrt(mean((observed - predicted)^2))

test_that("the kind of a tree is that of its response, or the one that is asked for", {
  expect_s3_class(split, "ml_decision_tree_regressor")
  expect_s3_class(of_species, "ml_decision_tree_classifier")
  expect_s3_class(of_event, "ml_gbt_classifier")
})

test_that("a tree of one split predicts the means of rpart()", {
  ours <- rpart::rpart(mpg ~ wt + hp, mtcars, control = list(maxdepth = 1, minsplit = 2, minbucket = 1, cp = 0))
  expect_equal(pull(predict(split, cars), prediction), unname(predict(ours)), tolerance = 1e-6)
  expect_equal(broom::glance(split), tibble(num_nodes = 3L, depth = 1L, nobs = 32))
  expect_output(print(split), "Decision tree in Spark: mpg ~ wt + hp\n32 rows\n\nnum nodes: 3", fixed = TRUE)
})

test_that("a tree of classes gives the class and a probability for each", {
  found <- collect(predict(of_species, flowers))
  expect_equal(names(found)[6:9], c("prediction", paste0("probability_", levels(iris$Species))))
  expect_equal(rowSums(found[7:9]), rep(1, 150))
  ours <- rpart::rpart(Species ~ ., iris, control = list(maxdepth = 2))
  expect_equal(found$prediction, as.character(predict(ours, type = "class")))
  expect_equal(unname(as.matrix(found[7:9])), unname(predict(ours)), tolerance = 1e-6)
  expect_equal(colnames(predict(of_species, flowers, type = "probabilities"))[6:8], names(found)[7:9])
})

test_that("two classes have the probability of the event, which the model names", {
  expect_output(print(of_event), "probability that am is 1")
  found <- collect(predict(of_event, cars))
  expect_equal(found$prediction, as.numeric(found$probability > 0.5))
  expect_equal(pull(predict(of_event, cars, type = "response"), prediction), found$probability)
  expect_equal(colnames(broom::augment(of_event)), c(names(mtcars), ".predicted_label", "probability"))
})

test_that("a forest and boosted trees fit better than a line, and are the same again with the same seed", {
  line <- rmse(mtcars$mpg, fitted(lm(mpg ~ wt + hp, mtcars)))
  forests <- lapply(1:2, function(again) ml_random_forest(cars, mpg ~ wt + hp, num_trees = 5, seed = 7))
  found <- lapply(forests, function(forest) pull(ml_predict(forest, cars), prediction))
  expect_lt(rmse(mtcars$mpg, found[[1]]), line)
  expect_identical(found[[1]], found[[2]])
  boosted <- ml_gradient_boosted_trees(cars, mpg ~ wt + hp, max_iter = 3)
  expect_lt(rmse(mtcars$mpg, pull(predict(boosted), prediction)), line)
  expect_equal(broom::glance(boosted)$num_trees, 3)
})

test_that("importances are those of the columns of the formula, the greatest first", {
  model <- ml_random_forest(flowers, Sepal.Length ~ Petal.Length + Species + I(Sepal.Width * 0), num_trees = 3, seed = 1)
  found <- ml_feature_importances(model)
  expect_setequal(found$feature, c("Petal.Length", "Speciesversicolor", "Speciesvirginica", "I(Sepal.Width * 0)"))
  expect_equal(found$feature[c(1, 4)], c("Petal.Length", "I(Sepal.Width * 0)"))
  expect_equal(sum(found$importance), 1)
  expect_equal(broom::tidy(model), as_tibble(found))
})

test_that("a row with a missing predictor has no prediction, and other columns stay as they are", {
  data <- transform(mtcars[1:10, ], wt = replace(wt, 3, NA), probability = "mine", prediction = 1:10, features = "f")
  table <- copy_to(con, data, "holes", overwrite = TRUE)
  expect_message(model <- ml_decision_tree(table, mpg ~ wt), "1 of 10 rows have missing values", fixed = TRUE)
  found <- collect(predict(model, table))
  expect_equal(names(found), c(setdiff(names(data), "prediction"), "prediction"))
  expect_equal(which(is.na(found$prediction)), 3L)
  expect_equal(found$probability, data$probability)
  rm(model) # its predictions stay, and its place in Spark is free at the next fit
  gc()
  ml_decision_tree(cars, mpg ~ wt, max_depth = 1)
  expect_null(con@state$unneeded_models)
  expect_equal(nrow(collect(filter(predict(split, table), is.na(prediction)))), 1)
})

test_that("a model of another session is refused, and views of predictions are no tables of the user", {
  another <- rc2_connect(service, new = TRUE)
  table <- copy_to(another, mtcars, "mtcars", overwrite = TRUE)
  expect_error(predict(split, table), "no longer in this session of Spark", class = "rc2_error")
  DBI::dbDisconnect(another)
  expect_false(any(grepl("^rc2_rows", DBI::dbListTables(con))))
})

test_that("a level that the fit has not seen is an error in the row that has it", {
  some <- ml_decision_tree(filter(flowers, Species != "virginica"), Sepal.Length ~ Species, max_depth = 1)
  expect_error(collect(predict(some, flowers)), "Species has the value virginica")
})

test_that("calls of trees that cannot work are explained in one sentence", {
  expect_sentence <- function(call, pattern) {
    error <- expect_error(call, pattern, class = "rc2_error")
    expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|\\n", conditionMessage(error)))
  }
  expect_sentence(ml_decision_tree(cars), "needs a formula")
  expect_sentence(ml_decision_tree(cars, ~ wt), "no response")
  expect_sentence(ml_decision_tree(cars, mpg ~ weight), "no column weight")
  expect_sentence(ml_decision_tree(cars, mpg ~ 1), "no predictors")
  expect_sentence(ml_random_forest(cars, mpg ~ wt + offset(hp)), "no offset")
  expect_sentence(ml_gbt_classifier(flowers, Species ~ Sepal.Width), "has 3 classes, and ml_gbt_classifier")
  expect_sentence(ml_decision_tree_regressor(flowers, Species ~ Sepal.Width), "holds classes")
  expect_sentence(ml_decision_tree(cars, mpg ~ wt, impurity = "gini"), "impurity")
  expect_sentence(ml_decision_tree(cars, mpg ~ wt, max_depth = -1), "^max_depth cannot be -1.$")
  expect_sentence(predict(split, cars, type = "class"), "no predictions of the type class")
  expect_sentence(ml_feature_importances(ml_linear_regression(cars, mpg ~ wt)), "of a tree")
})
