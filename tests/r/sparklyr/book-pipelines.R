# The calls of "Mastering Spark with R", chapter 5, https://therinspark.com/pipelines.html
sc <- rc2_spark(service)
set.seed(4)
scaler <- ft_standard_scaler(sc, input_col = "features", output_col = "features_scaled", with_mean = TRUE)
df <- copy_to(sc, data.frame(value = rnorm(1000)), "values", overwrite = TRUE) %>%
  ft_vector_assembler(input_cols = "value", output_col = "features")
scaler_model <- ml_fit(scaler, df)
expect_output(scaler_model %>% ml_transform(df) %>% glimpse(), "features_scaled")
pipeline <- ml_pipeline(scaler)
expect_s3_class(ml_fit(pipeline, df), "ml_pipeline_model")

rows <- data.frame(age = sample(18:70, 300, TRUE), sex = sample(c("m", "f"), 300, TRUE),
  drinks = sample(c("rarely", "socially"), 300, TRUE), essay_length = sample(500, 300))
rows$not_working <- as.numeric(runif(300) < plogis(3 - rows$age / 10 + (rows$sex == "m")))
okc_train <- copy_to(sc, rows, "okc_train", overwrite = TRUE)
pipeline <- ml_pipeline(sc) %>%
  ft_string_indexer(input_col = "sex", output_col = "sex_indexed") %>%
  ft_string_indexer(input_col = "drinks", output_col = "drinks_indexed") %>%
  ft_one_hot_encoder_estimator(
    input_cols = c("sex_indexed", "drinks_indexed"),
    output_cols = c("sex_encoded", "drinks_encoded")
  ) %>%
  ft_vector_assembler(input_cols = c("age", "sex_encoded", "drinks_encoded", "essay_length"), output_col = "features") %>%
  ft_standard_scaler(input_col = "features", output_col = "features_scaled", with_mean = TRUE) %>%
  ml_logistic_regression(features_col = "features_scaled", label_col = "not_working")
cv <- ml_cross_validator(
  sc,
  estimator = pipeline,
  estimator_param_maps = list(
    standard_scaler = list(with_mean = c(TRUE, FALSE)),
    logistic_regression = list(elastic_net_param = 0.25, reg_param = 1e-3)
  ),
  evaluator = ml_binary_classification_evaluator(sc, label_col = "not_working"),
  num_folds = 2)
cv_model <- ml_fit(cv, okc_train)
best <- ml_validation_metrics(cv_model) %>%
  arrange(-areaUnderROC)
expect_gt(best$areaUnderROC[[1]], 0.7)

model_dir <- tempfile("spark_model_", "/tmp")
ml_save(cv_model$best_model, model_dir, overwrite = TRUE)
model_reload <- ml_load(sc, model_dir)
expect_length(ml_stage(model_reload, "logistic_regression")$coefficients, 4)
new_data <- data.frame(age = 42, sex = "m", drinks = "rarely", essay_length = 99)
new_data_tbl <- copy_to(sc, new_data, overwrite = TRUE)
expect_true(ml_transform(model_reload, new_data_tbl) %>% dplyr::pull(prediction) %in% 0:1)
unlink(model_dir, recursive = TRUE)
