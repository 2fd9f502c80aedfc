# The calls of "Spark ML Pipelines", https://spark.posit.co/guides/pipelines.html, with flights that are made up
sc <- rc2_spark(service)
set.seed(1)
flights <- data.frame(month = rep(1:2, 300), day = rep(1:3, each = 200), sched_dep_time = sample(500:2300, 600, TRUE),
  distance = sample(100:2500, 600, TRUE))
flights$dep_delay <- round(flights$sched_dep_time / 100 + rnorm(600, sd = 8))
flights$dep_delay[seq(1, 600, 50)] <- NA
spark_flights <- copy_to(sc, flights, overwrite = TRUE)
folder <- tempfile("pipelines_", "/tmp")

df <- spark_flights |>
  filter(!is.na(dep_delay)) |>
  mutate(month = paste0("m", month), day = paste0("d", day)) |>
  select(dep_delay, sched_dep_time, month, day, distance)
expect_match(ft_dplyr_transformer(sc, df) |> ml_param("statement"), "__THIS__", fixed = TRUE)

flights_pipeline <- ml_pipeline(sc) |>
  ft_dplyr_transformer(tbl = df) |>
  ft_binarizer(input_col = "dep_delay", output_col = "delayed", threshold = 15) |>
  ft_bucketizer(input_col = "sched_dep_time", output_col = "hours", splits = c(400, 800, 1200, 1600, 2000, 2400)) |>
  ft_r_formula(delayed ~ month + day + hours + distance) |>
  ml_logistic_regression()
expect_output(print(flights_pipeline), "5 stages")
partitioned_flights <- sdf_random_split(spark_flights, training = 0.4, testing = 0.3, rest = 0.3)
fitted_pipeline <- ml_fit(flights_pipeline, partitioned_flights$training)
predictions <- ml_transform(fitted_pipeline, partitioned_flights$testing)
counts <- predictions |>
  count(delayed, prediction) |>
  collect()
expect_setequal(counts$prediction, c(0, 1))

ml_save(flights_pipeline, file.path(folder, "flights_pipeline"), overwrite = TRUE)
ml_save(fitted_pipeline, file.path(folder, "flights_model"), overwrite = TRUE)
reloaded_model <- ml_load(sc, file.path(folder, "flights_model"))
new_df <- spark_flights |>
  filter(month == 2, day == 3)
expect_equal(pull(ml_transform(reloaded_model, new_df), prediction), pull(ml_transform(fitted_pipeline, new_df), prediction))
reloaded_pipeline <- ml_load(sc, file.path(folder, "flights_pipeline"))
new_model <- ml_fit(reloaded_pipeline, sample_frac(spark_flights, 0.5))
ml_save(new_model, file.path(folder, "new_flights_model"), overwrite = TRUE)
expect_s3_class(new_model, "ml_pipeline_model")
unlink(folder, recursive = TRUE)
