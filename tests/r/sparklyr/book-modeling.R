# The calls of "Mastering Spark with R", chapter 4, https://therinspark.com/modeling.html, with profiles that are made up
sc <- rc2_spark(service)
set.seed(3)
any_of_them <- function(...) sample(c(...), 400, TRUE)
profiles <- data.frame(age = any_of_them(18:70), sex = any_of_them("m", "f"), income = any_of_them("-1", "20000", "50000"),
  drinks = any_of_them("rarely", "socially", NA), drugs = any_of_them("never", "often", NA),
  essay0 = any_of_them("coffee travel books", "travel hiking mountains", "books coffee theatre"),
  essay1 = any_of_them("hiking mountains snow", "theatre books poems"))
profiles$job <- ifelse(runif(400) < plogis(2 - profiles$age / 15), "student", "artist")
okc <- copy_to(sc, profiles, "profiles", overwrite = TRUE) %>%
  mutate(income = ifelse(income == "-1", NA, as.numeric(income))) %>%
  mutate(drinks = ifelse(is.na(drinks), "missing", drinks)) %>%
  mutate(drugs = ifelse(is.na(drugs), "missing", drugs)) %>%
  mutate(not_working = ifelse(job %in% c("student", "unemployed", "retired"), 1, 0))
data_splits <- sdf_random_split(okc, training = 0.8, testing = 0.2, seed = 42)
okc_train <- data_splits$training
expect_equal(pull(sdf_describe(okc_train, cols = c("age", "income")), summary)[1:2], c("count", "mean"))
contingency_tbl <- okc_train %>%
  sdf_crosstab("drinks", "drugs") %>%
  collect()
rows <- collect(okc_train)
both <- sum(rows$drinks == "rarely" & rows$drugs == "often")
expect_equal(as.numeric(contingency_tbl$often[contingency_tbl$drinks_drugs == "rarely"]), both)
scale_values <- okc_train %>%
  summarize(mean_age = mean(age), sd_age = sd(age)) %>%
  collect()
okc_train <- okc_train %>%
  mutate(scaled_age = (age - !!scale_values$mean_age) / !!scale_values$sd_age) %>%
  mutate(essay_length = char_length(paste(!!!syms(paste0("essay", 0:1))))) %>%
  compute()

vfolds <- sdf_random_split(okc_train, weights = purrr::set_names(rep(0.5, 2), paste0("fold", 1:2)), seed = 42)
analysis_set <- do.call(rbind, vfolds[1])
assessment_set <- vfolds[[2]]
cv_results <- purrr::map_df(1:2, function(v) {
  analysis_set <- do.call(rbind, vfolds[setdiff(1:2, v)]) %>% compute()
  assessment_set <- vfolds[[v]]
  model <- ml_logistic_regression(analysis_set, not_working ~ scaled_age + sex + drinks + drugs + essay_length)
  s <- ml_evaluate(model, assessment_set)
  roc_df <- s$roc() %>%
    collect()
  tibble(Resample = paste0("Fold", v), roc_df = list(roc_df), auc = s$area_under_roc())
})
unnested <- tidyr::unnest(cv_results, roc_df)
expect_named(unnested, c("Resample", "FPR", "TPR", "auc"))
expect_gt(mean(cv_results$auc), 0.6)

glr <- ml_generalized_linear_regression(analysis_set, not_working ~ scaled_age + sex + drinks + drugs, family = "binomial")
tidy_glr <- broom::tidy(glr)
ours <- glm(not_working ~ scaled_age + sex + drinks + drugs, binomial, collect(analysis_set))
expect_equal(tidy_glr$std.error, unname(coef(summary(ours))[, "Std. Error"]), tolerance = 1e-5)

nn <- ml_multilayer_perceptron_classifier(analysis_set, not_working ~ scaled_age + sex + drinks + drugs + essay_length,
  layers = c(7, 4, 2), max_iter = 20)
predictions <- ml_predict(nn, assessment_set)
expect_gt(ml_binary_classification_evaluator(predictions), 0.5)

essay_cols <- paste0("essay", 0:1)
essays <- okc %>%
  select(!!essay_cols) %>%
  mutate_all(list(~ ifelse(. == "missing", "", .))) %>%
  mutate(essay = paste(!!!syms(essay_cols))) %>%
  mutate(words = regexp_replace(essay, "\\n|&nbsp;|<[^>]*>|[^A-Za-z|']", " "))
stop_words <- ml_default_stop_words(sc) %>%
  c("coffee")
lda_model <- ml_lda(essays, ~ words, k = 2, max_iter = 2, min_token_length = 4, stop_words = stop_words, min_df = 5)
top <- broom::tidy(lda_model) %>%
  group_by(topic) %>%
  top_n(3, beta) %>%
  ungroup() %>%
  arrange(topic, -beta)
expect_false("coffee" %in% top$term)
