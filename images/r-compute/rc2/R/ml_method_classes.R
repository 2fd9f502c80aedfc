# Naive Bayes, a perceptron with hidden layers, and a linear support vector machine.

naive_bayes_parts <- function(design, outputs, arguments) {
  theta <- outputs$theta
  table <- data.frame(.label = design$variables[[design$response]]$levels, .pi = outputs$pi)
  table[design$columns$name] <- matrix(theta$values, theta$rows)
  list(summary = arguments[c("model_type", "smoothing")], table = table)
}

# Of counts and shares; normal distributions take any number.
check_no_negative <- function(design, arguments) {
  if (arguments$model_type == "gaussian") return()
  columns <- design$columns
  negative <- numbers_of_query(design, paste0("COUNT_IF(", columns$sql, " < 0)"), complete_rows(design))
  if (!any(negative > 0)) return()
  first <- which(negative > 0)[[1]]
  fail(columns$name[[first]], " is negative in ", whole_number(negative[[first]]), " rows, and naive Bayes of the type ",
    arguments$model_type, " is for counts; model_type = \"gaussian\" takes any number.")
}

NAIVE_BAYES <- spark_method("ml_naive_bayes", "Naive Bayes", "classification.NaiveBayes", "classes",
  c("pi", "theta"), naive_bayes_parts, probability = TRUE,
  check = check_no_negative)

ml_naive_bayes <- function(x, formula = NULL, model_type = "multinomial", smoothing = 1, thresholds = NULL,
                           weight_col = NULL, ...) {
  fit_method(NAIVE_BAYES, as.list(environment()), ...)
}

perceptron_parts <- function(design, outputs, arguments) {
  list(summary = list(layers = paste(arguments$layers, collapse = " - "), iterations = outputs$summary.totalIterations),
    weights = outputs$weights)
}

check_layers <- function(design, arguments) {
  ends <- c(nrow(design$columns), length(design$variables[[design$response]]$levels))
  layers <- arguments$layers
  if (length(layers) < 2 || !identical(as.numeric(layers[c(1, length(layers))]), as.numeric(ends))) {
    fail("layers is the number of neurons in each layer: the first has ", ends[[1]], ", one for each predictor, and the",
      " last ", ends[[2]], ", one for each class, as in c(", ends[[1]], ", 5, ", ends[[2]], ").")
  }
}

PERCEPTRON <- spark_method("ml_multilayer_perceptron_classifier", "Multilayer perceptron",
  "classification.MultilayerPerceptronClassifier", "classes", c("weights", "summary.totalIterations"), perceptron_parts,
  probability = TRUE, check = check_layers)
ml_multilayer_perceptron_classifier <- function(x, formula = NULL, layers = NULL, max_iter = 100, step_size = 0.03,
                                                tol = 1e-06, block_size = 128, solver = "l-bfgs", seed = NULL,
                                                initial_weights = NULL, thresholds = NULL, ...) {
  fit_method(PERCEPTRON, as.list(environment()), ...)
}

linear_svc_parts <- function(design, outputs, arguments) {
  coefficient_parts(design, outputs, arguments[c("reg_param", "standardization")])
}

LINEAR_SVC <- spark_method("ml_linear_svc", "Linear support vector machine", "classification.LinearSVC", "two classes",
  c("coefficients", "intercept"), linear_svc_parts)

ml_linear_svc <- function(x, formula = NULL, fit_intercept = TRUE, reg_param = 0, max_iter = 100, standardization = TRUE,
                          weight_col = NULL, tol = 1e-06, threshold = 0, aggregation_depth = 2, ...) {
  fit_method(LINEAR_SVC, as.list(environment()), ...)
}
