# The calls of "Text modeling", https://spark.posit.co/guides/textmodeling.html, and of "Grid Search Tuning",
# https://spark.posit.co/guides/model_tuning_text.html, with reviews that are made up and a smaller grid
sc <- rc2_spark(service)
set.seed(2)
review_of <- function(words) paste(c("the", sample(words, 4), "is", "the", sample(c("tea", "corn"), 1)), collapse = " ")
good <- replicate(25, review_of(c("great", "fresh", "tasty", "happy", "warm")))
bad <- replicate(25, review_of(c("stale", "awful", "broken", "sad", "warm")))
reviews <- data.frame(product = 1:50, review = c(good, bad), score = rep(c("great", "other"), each = 25))[sample(50), ]
training_data <- reviews[1:35, ]
testing_data <- reviews[36:50, ]
sff_training_data <- copy_to(sc, training_data, overwrite = TRUE)
sff_testing_data <- copy_to(sc, testing_data, overwrite = TRUE)

features <- sff_training_data |>
  ft_tokenizer(input_col = "review", output_col = "word_list") |>
  ft_stop_words_remover(input_col = "word_list", output_col = "wo_stop_words") |>
  ft_hashing_tf(input_col = "wo_stop_words", output_col = "hashed_features", binary = TRUE, num_features = 1024) |>
  ft_normalizer(input_col = "hashed_features", output_col = "normal_features") |>
  select(3:7)
first <- collect(head(features, 1))
expect_false("the" %in% first$wo_stop_words[[1]])
expect_equal(sum(first$normal_features[[1]]^2), 1)

sff_pipeline <- ml_pipeline(sc) |>
  ft_tokenizer(input_col = "review", output_col = "word_list") |>
  ft_stop_words_remover(input_col = "word_list", output_col = "wo_stop_words") |>
  ft_hashing_tf(input_col = "wo_stop_words", output_col = "hashed_features", binary = TRUE, num_features = 1024) |>
  ft_normalizer(input_col = "hashed_features", output_col = "normal_features") |>
  ft_r_formula(score ~ normal_features) |>
  ml_logistic_regression()
sff_pipeline_model <- ml_fit(sff_pipeline, sff_training_data)
sff_test_predictions <- sff_pipeline_model |>
  ml_transform(sff_testing_data)
expect_output(glimpse(sff_test_predictions), "rawPrediction")
expect_equal(ml_metrics_binary(sff_test_predictions)$.estimate, c(1, 1))

sff_grid <- list(
  hashing_tf = list(num_features = 2^c(4, 8)),
  logistic_regression = list(elastic_net_param = 10^-3, reg_param = 0.01))
sff_evaluator <- ml_binary_classification_evaluator(sc)
sff_cv <- ml_cross_validator(x = sc, estimator = sff_pipeline, estimator_param_maps = sff_grid, evaluator = sff_evaluator,
  num_folds = 2, parallelism = 4, seed = 100)
sff_model <- ml_fit(x = sff_cv, dataset = sff_training_data)
sff_metrics <- ml_validation_metrics(sff_model)
expect_named(sff_metrics, c("areaUnderROC", "num_features_1", "elastic_net_param_2", "reg_param_2"), ignore.order = TRUE)
best <- sff_metrics |>
  arrange(desc(areaUnderROC)) |>
  head(1)
expect_gt(best$areaUnderROC, 0.9)
new_sff_fitted <- sff_pipeline |>
  ml_fit(sff_training_data)
found <- new_sff_fitted |>
  ml_transform(sff_testing_data) |>
  ml_metrics_binary()
expect_equal(found$.metric, c("roc_auc", "pr_auc"))
