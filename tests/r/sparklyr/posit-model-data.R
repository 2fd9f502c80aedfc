# The calls of "Model Data", https://spark.posit.co/get-started/model-data.html
sc <- rc2_spark(service)
mtcars_tbl <- copy_to(sc, mtcars, overwrite = TRUE)

partitions <- mtcars_tbl |>
  select(mpg, wt, cyl) |>
  sdf_random_split(training = 0.5, test = 0.5, seed = 1099)
fit <- partitions$training |>
  ml_linear_regression(mpg ~ .)
expect_output(print(fit), "mpg ~ wt + cyl", fixed = TRUE)
expect_output(print(summary(fit)), "Std. Error")
pred <- ml_predict(fit, partitions$test)
expect_named(collect(head(pred)), c("mpg", "wt", "cyl", "label", "prediction"))
ours <- lm(mpg ~ ., collect(partitions$training))
expect_equal(pull(pred, prediction), unname(predict(ours, collect(partitions$test))))
