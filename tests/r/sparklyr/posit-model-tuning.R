# The calls of "Intro to Model Tuning", https://spark.posit.co/guides/model_tuning.html, with red wines and a smaller grid
sc <- rc2_spark(service)
wines <- head(read.csv2("../../examples/data/winequality-red.csv", dec = "."), 300)
cells <- data.frame(case = seq_len(300), class = ifelse(wines$quality > 5, "WS", "PS"),
  wines[c("alcohol", "sulphates", "density")])
tbl_cells <- copy_to(sc, cells, name = "cells_tbl", overwrite = TRUE)

tbl_cells_split <- tbl_cells |>
  select(-case) |>
  sdf_random_split(training = 0.8, test = 0.2, seed = 100)
cells_pipeline <- ml_pipeline(sc) |>
  ft_r_formula(class ~ .) |>
  ml_random_forest_classifier(seed = 207336481)
cells_grid <- list(random_forest_classifier = list(num_trees = 1:2 * 5))
cells_evaluator <- ml_multiclass_classification_evaluator(x = sc, metric_name = "accuracy")
cells_cv <- ml_cross_validator(x = sc, estimator = cells_pipeline, estimator_param_maps = cells_grid,
  evaluator = cells_evaluator, num_folds = 2, parallelism = 2)
expect_output(print(cells_cv), "2 choices")
model_cv <- ml_fit(x = cells_cv, dataset = tbl_cells_split$training)
cv_metrics <- ml_validation_metrics(model_cv)
expect_named(cv_metrics, c("accuracy", "num_trees_1"))

cell_model <- ml_random_forest_classifier(tbl_cells_split$training, class ~ ., num_trees = 50)
predicted <- cell_model |>
  ml_predict(tbl_cells_split$test)
found <- ml_metrics_multiclass(predicted)
rows <- collect(predicted)
expect_equal(found$.estimate, mean(rows$class == rows$predicted_label))
