# Models as stages of pipelines: they read a vector of features and a label by the names of columns, or a formula, which is
# then a stage of its own before them.

MODEL_COLUMNS <- c("features_col", "label_col", "prediction_col", "probability_col", "raw_prediction_col", "uid")

# The formula of a model, or the one that names of columns stand for: response = "mpg", features = c("wt", "cyl").
given_formula <- function(formula, ..., response = NULL, features = NULL) {
  if (is.null(response) && is.null(features)) return(formula)
  if (!is.null(formula)) fail("Give the predictors either as a formula or as response and features, not both.")
  if (inherits(response, "formula")) return(response)
  names <- vapply(features, function(name) deparsed(as.name(name)), "")
  stats::reformulate(if (length(names)) names else "1", if (length(response)) as.name(response))
}

# The arguments that name columns of a stage
stage_columns <- function(...) {
  columns <- list(...)
  columns[!given(names(columns), rep("", length(columns))) %in% c("response", "features")]
}

# Whether a call of a model is one for a stage: of a pipeline or a connection, or of a table with a column of features.
is_stage_call <- function(x, formula, ...) {
  columns <- stage_columns(...)
  unknown <- if (length(columns)) setdiff(c(names(columns), if (is.null(names(columns))) ""), MODEL_COLUMNS)
  if (length(unknown)) {
    fail("There is no argument ", if (nzchar(unknown[[1]])) unknown[[1]] else "without a name here",
      "; a model has those on its help page.")
  }
  if (is_stage_place(x)) return(TRUE)
  if (!length(columns)) return(FALSE)
  if (!is.null(formula)) {
    fail(names(columns)[[1]], " is for a model without a formula or in a pipeline; with a formula, predictions are in the",
      " column prediction.")
  }
  TRUE
}

# `method` has the name of the function, Spark's estimator and which response it takes.
estimator_stage <- function(method, arguments, ...) {
  columns <- stage_columns(...)
  x <- arguments$x
  formula <- arguments$formula
  if (is.null(columns$uid)) columns$uid <- random_string(paste0(sub("^ml_", "", method$name), "_"))
  arguments <- c(arguments[setdiff(names(arguments), c("formula", "features", names(columns)))], columns)
  if (is.null(formula)) {
    stage <- new_stage(method$estimator, arguments, connection_in(x))
    return(if (is_stage_place(x)) with_stage(x, stage) else ml_fit(stage, x))
  }
  formula <- as_model_formula(formula)
  has_response <- length(formula) == 3
  check_sides(method, list(response = has_response))
  if ("fit_intercept" %in% names(arguments)) arguments$fit_intercept <- arguments$fit_intercept && has_intercept(formula)
  pipeline <- if (is(x, "SparkConnection")) ml_pipeline(x) else x
  pipeline <- ft_r_formula(pipeline, formula, features_col = given(columns$features_col, "features"),
    label_col = given(columns$label_col, "label"), force_index_label = has_response && grepl("classes", method$response))
  stage_on(pipeline, method$estimator, arguments)
}

given <- function(value, default) if (is.null(value)) default else value

# `.` stands for any column.
has_intercept <- function(formula) attr(stats::terms(formula, data = data.frame(rc2_any = 0)), "intercept") == 1
