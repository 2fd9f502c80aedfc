# Logistic regression with more than two classes: a linear predictor for each class.

multinomial_model <- function(design, fitted, thresholds) {
  ml_call(design$connection, "drop", model = fitted$model)
  matrix <- fitted$outputs$coefficientMatrix
  slopes <- matrix(NA_real_, matrix$rows, nrow(design$columns))
  slopes[, fitted$used] <- matrix$values
  coefficients <- if (design$intercept) cbind(as.numeric(fitted$outputs$interceptVector), slopes) else slopes
  dimnames(coefficients) <- list(design$variables[[design$response]]$levels, coefficient_names(design))
  new_model(c("ml_logistic_regression", "rc2_multinomial_model"), "Multinomial logistic regression", design, fitted,
    by_class = coefficients, coefficients = against_first(coefficients), thresholds = thresholds,
    summary = measures(fitted$outputs))
}

# As nnet::multinom() has them. Without a penalty, the coefficients of all classes are determined only up to a constant.
against_first <- function(coefficients) sweep(coefficients, 2, coefficients[1, ])[-1, , drop = FALSE]

print.rc2_multinomial_model <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_title(x)
  cat("Coefficients of each class against ", response_of(x)$levels[[1]], ":\n", sep = "")
  print(x$coefficients, digits = digits)
  invisible(x)
}

summary.rc2_multinomial_model <- function(object, ...) object

predict.rc2_multinomial_model <- function(object, newdata = NULL, type = NULL, ...) {
  type <- checked_type(object, type, c("both", "class", "probabilities"))
  sets <- lapply(seq_len(nrow(object$by_class)), function(class) object$by_class[class, ])
  table <- with_predictors(prediction_rows(object, newdata), object$design, sets)
  probabilities <- class_probabilities(object)
  most <- list(prediction = most_likely(object, probabilities))
  with_predictions(table, switch(type, class = most, probabilities = probabilities, c(most, probabilities)))
}

# exp(eta) over the sum of all; differences keep it finite.
class_probabilities <- function(model) {
  etas <- paste0("rc2_eta", seq_len(nrow(model$by_class)))
  probabilities <- lapply(etas, function(own) paste0("1D / (", paste0("EXP(", etas, " - ", own, ")", collapse = " + "), ")"))
  stats::setNames(probabilities, paste0("probability_", response_of(model)$levels))
}

most_likely <- function(model, probabilities) class_at(model, place_of_most(model, unlist(probabilities)))

# From 1
place_of_most <- function(model, shares) {
  if (length(model$thresholds)) shares <- paste0("(", shares, ") / ", vapply(model$thresholds, double_sql, ""))
  shares <- paste0("ARRAY(", paste(shares, collapse = ", "), ")")
  paste0("ARRAY_POSITION(", shares, ", ARRAY_MAX(", shares, "))")
}

# The class as the response has it, by its place from 1.
class_at <- function(model, place) {
  values <- vapply(response_of(model)$values, literal_sql, "", model$design$connection)
  paste0("ELEMENT_AT(ARRAY(", paste(values, collapse = ", "), "), CAST(", place, " AS INT))")
}
