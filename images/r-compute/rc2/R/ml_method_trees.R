# Decision trees, random forests and gradient-boosted trees, with sparklyr's names.

tree_method <- function(name, title, estimator, outputs, response, probability = FALSE) {
  spark_method(name, title, estimator, response, c("featureImportances", outputs), tree_parts,
    probability = probability)
}

tree_parts <- function(design, outputs, arguments) {
  facts <- c(num_trees = "getNumTrees", num_nodes = "numNodes", total_num_nodes = "totalNumNodes", depth = "depth")
  facts <- facts[facts %in% names(outputs)]
  table <- data.frame(feature = design$columns$name, importance = outputs$featureImportances)
  list(summary = stats::setNames(outputs[facts], names(facts)),
    table = table[order(-table$importance), , drop = FALSE])
}

ONE_TREE <- c("depth", "numNodes")
TREES <- c("getNumTrees", "totalNumNodes")

DECISION_TREE_REGRESSOR <- tree_method("ml_decision_tree_regressor", "Decision tree",
  "regression.DecisionTreeRegressor", ONE_TREE, "number")
DECISION_TREE_CLASSIFIER <- tree_method("ml_decision_tree_classifier", "Decision tree",
  "classification.DecisionTreeClassifier", ONE_TREE, "classes", probability = TRUE)
RANDOM_FOREST_REGRESSOR <- tree_method("ml_random_forest_regressor", "Random forest",
  "regression.RandomForestRegressor", TREES, "number")
RANDOM_FOREST_CLASSIFIER <- tree_method("ml_random_forest_classifier", "Random forest",
  "classification.RandomForestClassifier", TREES, "classes", probability = TRUE)
GBT_REGRESSOR <- tree_method("ml_gbt_regressor", "Gradient-boosted trees", "regression.GBTRegressor", TREES, "number")
GBT_CLASSIFIER <- tree_method("ml_gbt_classifier", "Gradient-boosted trees",
  "classification.GBTClassifier", TREES, "two classes", probability = TRUE)

ml_decision_tree_regressor <- function(x, formula = NULL, max_depth = 5, max_bins = 32, min_instances_per_node = 1,
                                       min_info_gain = 0, impurity = "variance", seed = NULL, cache_node_ids = FALSE,
                                       checkpoint_interval = 10, max_memory_in_mb = 256, weight_col = NULL, ...) {
  fit_method(DECISION_TREE_REGRESSOR, as.list(environment()), ...)
}

ml_decision_tree_classifier <- function(x, formula = NULL, max_depth = 5, max_bins = 32, min_instances_per_node = 1,
                                        min_info_gain = 0, impurity = "gini", seed = NULL, thresholds = NULL,
                                        cache_node_ids = FALSE, checkpoint_interval = 10, max_memory_in_mb = 256,
                                        weight_col = NULL, ...) {
  fit_method(DECISION_TREE_CLASSIFIER, as.list(environment()), ...)
}

ml_random_forest_regressor <- function(x, formula = NULL, num_trees = 20, subsampling_rate = 1, max_depth = 5,
                                       min_instances_per_node = 1, feature_subset_strategy = "auto",
                                       impurity = "variance", min_info_gain = 0, max_bins = 32, seed = NULL,
                                       checkpoint_interval = 10, cache_node_ids = FALSE, max_memory_in_mb = 256,
                                       weight_col = NULL, ...) {
  fit_method(RANDOM_FOREST_REGRESSOR, as.list(environment()), ...)
}

ml_random_forest_classifier <- function(x, formula = NULL, num_trees = 20, subsampling_rate = 1, max_depth = 5,
                                        min_instances_per_node = 1, feature_subset_strategy = "auto", impurity = "gini",
                                        min_info_gain = 0, max_bins = 32, seed = NULL, thresholds = NULL,
                                        checkpoint_interval = 10, cache_node_ids = FALSE, max_memory_in_mb = 256,
                                        weight_col = NULL, ...) {
  fit_method(RANDOM_FOREST_CLASSIFIER, as.list(environment()), ...)
}

ml_gbt_regressor <- function(x, formula = NULL, max_iter = 20, max_depth = 5, step_size = 0.1, subsampling_rate = 1,
                             feature_subset_strategy = "auto", min_instances_per_node = 1, max_bins = 32,
                             min_info_gain = 0, loss_type = "squared", seed = NULL, checkpoint_interval = 10,
                             cache_node_ids = FALSE, max_memory_in_mb = 256, weight_col = NULL, ...) {
  fit_method(GBT_REGRESSOR, as.list(environment()), ...)
}

ml_gbt_classifier <- function(x, formula = NULL, max_iter = 20, max_depth = 5, step_size = 0.1, subsampling_rate = 1,
                              feature_subset_strategy = "auto", min_instances_per_node = 1, max_bins = 32,
                              min_info_gain = 0, loss_type = "logistic", seed = NULL, thresholds = NULL,
                              checkpoint_interval = 10, cache_node_ids = FALSE, max_memory_in_mb = 256,
                              weight_col = NULL, ...) {
  fit_method(GBT_CLASSIFIER, as.list(environment()), ...)
}

ml_decision_tree <- function(x, formula = NULL, type = c("auto", "regression", "classification"), ...) {
  fit_by_type(match.arg(type), x, formula, ml_decision_tree_regressor, ml_decision_tree_classifier, ...)
}

ml_random_forest <- function(x, formula = NULL, type = c("auto", "regression", "classification"), ...) {
  fit_by_type(match.arg(type), x, formula, ml_random_forest_regressor, ml_random_forest_classifier, ...)
}

ml_gradient_boosted_trees <- function(x, formula = NULL, type = c("auto", "regression", "classification"), ...) {
  fit_by_type(match.arg(type), x, formula, ml_gbt_regressor, ml_gbt_classifier, ...)
}

# "auto" is a regression for a number, and a classification for text, logical and factor().
fit_by_type <- function(type, x, formula, regression, classification, ..., response = NULL, features = NULL) {
  formula <- given_formula(formula, response = response, features = features)
  if (type == "auto" && is_stage_place(x)) fail("A stage needs type = \"regression\" or type = \"classification\".")
  if (type == "auto") type <- if (has_class_response(x, formula)) "classification" else "regression"
  fit <- if (type == "regression") regression else classification
  fit(x, formula, ...)
}

has_class_response <- function(x, formula) {
  formula <- as_model_formula(formula)
  if (length(formula) == 2) fail("The formula has no response; write it as y ~ x1 + x2.")
  formula[[3]] <- 1
  response <- model_frame(x, formula)$variables[[1]]
  response$is_factor || response$type == "logical"
}

ml_feature_importances <- function(model) {
  if (!"importance" %in% names(model$table)) fail("Feature importances are of a tree, a forest or boosted trees.")
  model$table
}
