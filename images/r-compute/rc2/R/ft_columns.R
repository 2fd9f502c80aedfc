# Feature transformers of numbers and classes, with sparklyr's names and arguments.

ft_vector_assembler <- function(x, input_cols = NULL, output_col = NULL, handle_invalid = "error",
                                uid = random_string("vector_assembler_")) {
  stage_on(x, "feature.VectorAssembler", as.list(environment()))
}

ft_standard_scaler <- function(x, input_col = NULL, output_col = NULL, with_mean = FALSE, with_std = TRUE,
                               uid = random_string("standard_scaler_")) {
  stage_on(x, "feature.StandardScaler", as.list(environment()))
}

ft_min_max_scaler <- function(x, input_col = NULL, output_col = NULL, min = 0, max = 1,
                              uid = random_string("min_max_scaler_")) {
  stage_on(x, "feature.MinMaxScaler", as.list(environment()))
}

ft_max_abs_scaler <- function(x, input_col = NULL, output_col = NULL, uid = random_string("max_abs_scaler_")) {
  stage_on(x, "feature.MaxAbsScaler", as.list(environment()))
}

ft_robust_scaler <- function(x, input_col = NULL, output_col = NULL, lower = 0.25, upper = 0.75, with_centering = TRUE,
                             with_scaling = TRUE, relative_error = 0.001, uid = random_string("ft_robust_scaler_")) {
  stage_on(x, "feature.RobustScaler", as.list(environment()))
}

ft_normalizer <- function(x, input_col = NULL, output_col = NULL, p = 2, uid = random_string("normalizer_")) {
  stage_on(x, "feature.Normalizer", as.list(environment()))
}

ft_polynomial_expansion <- function(x, input_col = NULL, output_col = NULL, degree = 2,
                                    uid = random_string("polynomial_expansion_")) {
  stage_on(x, "feature.PolynomialExpansion", as.list(environment()))
}

ft_pca <- function(x, input_col = NULL, output_col = NULL, k = NULL, uid = random_string("pca_")) {
  if (!is_count(k)) fail("k is the number of components, such as 2.")
  stage_on(x, "feature.PCA", as.list(environment()))
}

ft_interaction <- function(x, input_cols = NULL, output_col = NULL, uid = random_string("interaction_")) {
  if (length(input_cols) < 2) fail("An interaction is of two columns or more.")
  stage_on(x, "feature.Interaction", as.list(environment()))
}

ft_binarizer <- function(x, input_col = NULL, output_col = NULL, threshold = 0, uid = random_string("binarizer_")) {
  stage_on(x, "feature.Binarizer", as.list(environment()))
}

ft_bucketizer <- function(x, input_col = NULL, output_col = NULL, splits = NULL, input_cols = NULL, output_cols = NULL,
                          splits_array = NULL, handle_invalid = "error", uid = random_string("bucketizer_")) {
  lapply(c(list(splits), splits_array), check_splits)
  stage_on(x, "feature.Bucketizer", as.list(environment()))
}

check_splits <- function(splits) {
  if (is.null(splits)) return()
  if (!is.numeric(splits) || length(splits) < 3 || is.unsorted(splits, na.rm = FALSE, strictly = TRUE)) {
    fail("splits are three or more numbers that rise, such as c(-Inf, 0, 10, Inf).")
  }
}

ft_quantile_discretizer <- function(x, input_col = NULL, output_col = NULL, num_buckets = 2, input_cols = NULL,
                                    output_cols = NULL, num_buckets_array = NULL, handle_invalid = "error",
                                    relative_error = 0.001, uid = random_string("quantile_discretizer_")) {
  stage_on(x, "feature.QuantileDiscretizer", as.list(environment()))
}

ft_string_indexer <- function(x, input_col = NULL, output_col = NULL, handle_invalid = "error",
                              string_order_type = "frequencyDesc", uid = random_string("string_indexer_")) {
  stage_on(x, "feature.StringIndexer", as.list(environment()))
}

ft_index_to_string <- function(x, input_col = NULL, output_col = NULL, labels = NULL,
                               uid = random_string("index_to_string_")) {
  stage_on(x, "feature.IndexToString", as.list(environment()))
}

ft_one_hot_encoder <- function(x, input_cols = NULL, output_cols = NULL, handle_invalid = "error", drop_last = TRUE,
                               uid = random_string("one_hot_encoder_")) {
  stage_on(x, "feature.OneHotEncoder", as.list(environment()))
}

ft_one_hot_encoder_estimator <- ft_one_hot_encoder # its name before Spark 3

ft_imputer <- function(x, input_cols = NULL, output_cols = NULL, missing_value = NULL, strategy = "mean",
                       uid = random_string("imputer_")) {
  stage_on(x, "feature.Imputer", as.list(environment()))
}
