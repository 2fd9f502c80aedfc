# The calls of "Spark Machine Learning Library (MLlib)", https://spark.posit.co/guides/mlib.html
sc <- rc2_spark(service)
names(iris) <- gsub(".", "_", names(iris), fixed = TRUE) # as sparklyr's copy_to() does
iris_tbl <- copy_to(sc, iris, "iris", overwrite = TRUE)

kmeans_model <- iris_tbl |>
  ml_kmeans(k = 3, features = c("Petal_Length", "Petal_Width"))
predicted <- ml_predict(kmeans_model, iris_tbl) |>
  collect()
counts <- table(predicted$Species, predicted$prediction)
expect_equal(max(counts["setosa", ]), 50)
expect_named(kmeans_model$centers, c("Petal_Length", "Petal_Width"))

lm_model <- iris_tbl |>
  ml_linear_regression(Petal_Length ~ Petal_Width)
spark_slope <- coef(lm_model)[["Petal_Width"]]
spark_intercept <- coef(lm_model)[["(Intercept)"]]
expect_equal(c(spark_intercept, spark_slope), unname(coef(lm(Petal_Length ~ Petal_Width, iris))))

glm_model <- iris_tbl |>
  mutate(is_setosa = ifelse(Species == "setosa", 1, 0)) |>
  select(where(is.numeric)) |>
  ml_logistic_regression(is_setosa ~ .)
expect_output(print(summary(glm_model)), "Coefficients")
of_species <- ml_predict(glm_model, iris_tbl) |>
  count(Species, prediction) |>
  collect()
expect_equal(of_species$prediction[of_species$Species == "setosa"], 1)

pca_model <- tbl(sc, "iris") |>
  select(where(is.numeric)) |>
  ml_pca()
expect_equal(abs(pca_model$pc[["Petal_Length", "PC1"]]), abs(prcomp(iris[1:4])$rotation[["Petal_Length", 1]]))

rf_model <- iris_tbl |>
  ml_random_forest(Species ~ Petal_Length + Petal_Width, type = "classification")
rf_predict <- ml_predict(rf_model, iris_tbl)
expect_output(glimpse(rf_predict), "predicted_label")
right <- rf_predict |>
  count(Species, predicted_label) |>
  filter(Species == predicted_label) |>
  collect()
expect_gt(sum(right$n), 140)

ft_string2idx <- iris_tbl |>
  ft_string_indexer("Species", "Species_idx") |>
  ft_index_to_string("Species_idx", "Species_remap") |>
  select(Species, Species_remap, Species_idx)
expect_equal(sdf_nrow(count(ft_string2idx, Species, Species_remap, Species_idx)), 3)

partitions <- iris_tbl |>
  sdf_random_split(training = 0.75, test = 0.25, seed = 1099)
fit <- partitions$training |>
  ml_linear_regression(Petal_Length ~ Petal_Width)
error <- ml_predict(fit, partitions$test) |>
  mutate(resid = Petal_Length - prediction) |>
  summarize(mse = mean(resid^2, na.rm = TRUE))
expect_lt(pull(error, mse), 0.5)
