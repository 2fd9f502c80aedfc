# Predictions with the columns of sparklyr: ml_predict() of a model with a response.

ml_predict <- function(x, dataset = NULL, ...) {
  if (length(list(...)) || !inherits(x, "rc2_spark_model") || !isTRUE(x$design$response > 0)) {
    return(stats::predict(x, dataset, ...))
  }
  found <- scored(x, dataset)
  known <- lapply(found$values, function(value) paste("CASE WHEN", found$known, "THEN", value, "END"))
  label <- if (!"label" %in% found$table$columns) found$label
  with_columns(found$table, found$table$sql, c(if (length(label)) list(label = label), known))
}

sdf_predict <- function(x, model, ...) ml_predict(model, x, ...)

# The rows of a prediction, and SQL on them: the response as a number, which a table to predict need not have, when the
# predictors are there, and the columns of the prediction.
scored <- function(model, newdata) {
  table <- prediction_rows(model, newdata, with_response = TRUE)
  label <- if (has_response_columns(model, table$columns)) response_number(model$design)
  c(list(label = label), scores(model, table))
}

scores <- function(model, table) UseMethod("scores")

scores.rc2_linear_model <- function(model, table) {
  table <- with_predictors(table, model$design, list(model$coefficients))
  mean <- mean_sql(model$family, "rc2_eta1")
  values <- if (!inherits(model, "ml_logistic_regression")) list(prediction = mean) else {
    place <- paste("CASE WHEN", mean, ">", double_sql(given(model$threshold, 0.5)), "THEN 1D ELSE 0D END")
    class_columns(model, place, c("-rc2_eta1", "rc2_eta1"), unlist(probabilities_sql(model, mean)))
  }
  list(table = table, known = "rc2_eta1 IS NOT NULL", values = values)
}

scores.rc2_multinomial_model <- function(model, table) {
  class_scores(model, table, unlist(class_probabilities(model)))
}

scores.rc2_one_vs_rest_model <- function(model, table) class_scores(model, table, NULL)

# Of a linear predictor for each class
class_scores <- function(model, table, shares) {
  sets <- lapply(seq_len(nrow(model$by_class)), function(class) model$by_class[class, ])
  etas <- paste0("rc2_eta", seq_along(sets))
  place <- paste0("CAST(", place_of_most(model, if (is.null(shares)) etas else shares), " - 1 AS DOUBLE)")
  list(table = with_predictors(table, model$design, sets), known = "rc2_eta1 IS NOT NULL",
    values = class_columns(model, place, etas, shares))
}

scores.rc2_held_model <- function(model, table) {
  table <- transformed_by(model, table)
  values <- if (!grepl("classes", model$method$response)) list(prediction = "rc2_prediction") else {
    shares <- if (model$method$probability) unlist(shares_of(response_of(model)$levels))
    class_columns(model, "rc2_prediction", "rc2_raw", shares)
  }
  list(table = table, known = "rc2_known", values = c(values, model$more_values))
}

# `raw` is SQL of the numbers from which the class follows, one for each class, or of an array of them.
class_columns <- function(model, place, raw, shares) {
  array <- function(sql) paste0("ARRAY(", paste(sql, collapse = ", "), ")")
  c(list(rawPrediction = if (length(raw) > 1) array(raw) else raw), if (length(shares)) list(probability = array(shares)),
    list(prediction = place, predicted_label = paste0("CAST(", class_at(model, paste0("(", place, ") + 1")), " AS STRING)")),
    as.list(shares))
}
