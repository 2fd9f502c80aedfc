# The best options of a stage or a pipeline, by validation: each choice is fitted to a part of the rows and measured on the
# others.

ml_cross_validator <- function(x, estimator = NULL, estimator_param_maps = NULL, evaluator = NULL, num_folds = 3,
                               parallelism = 1, seed = NULL, uid = random_string("cross_validator_")) {
  if (!is_whole(num_folds) || num_folds < 2) fail("num_folds is the number of parts, such as 3.")
  new_tuning(x, "ml_cross_validator", "CrossValidator", list(folds = num_folds), as.list(environment()))
}

ml_train_validation_split <- function(x, estimator = NULL, estimator_param_maps = NULL, evaluator = NULL,
                                      train_ratio = 0.75, parallelism = 1, seed = NULL,
                                      uid = random_string("train_validation_split_")) {
  if (!is.numeric(train_ratio) || length(train_ratio) != 1 || !isTRUE(train_ratio > 0 && train_ratio < 1)) {
    fail("train_ratio is the share of rows that fit, above 0 and below 1.")
  }
  new_tuning(x, "ml_train_validation_split", "TrainValidationSplit", list(ratio = train_ratio), as.list(environment()))
}

is_whole <- function(value) is.numeric(value) && length(value) == 1 && isTRUE(value == round(value))

new_tuning <- function(x, class, name, parts, arguments) {
  check_tuning(arguments)
  tuning <- list(uid = arguments$uid, name = name, connection = connection_in(x), parts = parts,
    estimator = arguments$estimator, evaluator = arguments$evaluator, parallelism = arguments$parallelism,
    seed = arguments$seed, choices = choices_of(arguments$estimator, arguments$estimator_param_maps))
  tuning <- structure(tuning, class = c(class, "rc2_tuning", "ml_estimator", "rc2_stage"))
  if (is(x, "SparkConnection")) tuning else ml_fit(tuning, x)
}

check_tuning <- function(arguments) {
  check_uid(arguments$uid)
  if (!inherits(arguments$estimator, "ml_estimator") || inherits(arguments$estimator, "rc2_tuning")) {
    fail("estimator is a stage that is fitted or a pipeline, such as ml_pipeline(con) |> ml_linear_regression(mpg ~ wt).")
  }
  if (!inherits(arguments$evaluator, "ml_evaluator")) {
    fail("evaluator is one of a connection, such as ml_regression_evaluator(con, metric_name = \"rmse\").")
  }
  if (!is_whole(arguments$parallelism) || arguments$parallelism < 1) {
    fail("parallelism is the number of fits at once, such as 2.")
  }
}

# A row for each choice of options, with list(logistic = list(reg_param = c(0, 0.1))) for a stage whose uid begins with
# "logistic".
choices_of <- function(estimator, maps) {
  values <- option_values(maps)
  stages <- if (inherits(estimator, "ml_pipeline")) estimator$stages else list(estimator)
  names(stages) <- vapply(stages, `[[`, "", "uid")
  found <- lapply(values$stage, stage_at, found = stages)
  places <- expand.grid(lapply(values$values, seq_along), KEEP.OUT.ATTRS = FALSE)
  choices <- lapply(seq_len(max(nrow(places), 1)), function(row) {
    Map(function(values, place) values[[place]], values$values, as.list(places[row, ]))
  })
  list(uids = vapply(found, `[[`, "", "uid"), options = values$option, columns = values$column, choices = choices)
}

option_values <- function(maps) {
  check_maps(maps)
  each <- lapply(maps, function(options) lapply(options, as.list))
  sizes <- lengths(each)
  options <- as.character(unlist(lapply(each, names)))
  list(stage = rep(names(each), sizes), option = options, column = paste0(options, "_", rep(seq_along(each), sizes),
    recycle0 = TRUE), values = unlist(unname(each), recursive = FALSE))
}

check_maps <- function(maps) {
  is_named <- function(list) is.list(list) && length(names(list)) == length(list) && all(nzchar(names(list)))
  if (is.null(maps)) return()
  if (!is_named(maps) || !all(vapply(maps, is_named, NA)) || any(lengths(unlist(maps, recursive = FALSE)) == 0)) {
    fail("estimator_param_maps has the values of each option by stage and option, such as",
      " list(logistic = list(reg_param = c(0, 0.1))).")
  }
}

fit_tuning <- function(x, connection, rows) {
  estimator <- with_formulas(x$estimator, connection, rows)
  choices <- lapply(x$choices$choices, choice_spec, uids = x$choices$uids, options = x$choices$options)
  names(choices) <- seq_along(choices)
  how <- c(x$parts, list(parallelism = x$parallelism, seed = seed_or_new(x$seed)))
  found <- ml_call(connection, "spark_tuning.search", estimator = stage_spec(estimator), choices = choices,
    evaluator = stage_spec(x$evaluator), how = how, sql = rows)
  metrics <- matrix(found$metrics, ncol = length(choices), byrow = TRUE)
  best <- stage_of(found$best, connection)
  model <- list(uid = x$uid, name = paste0(x$name, "Model"), connection = connection, best_model = best, key = best$key,
    held = best$held, best = found$place, metrics = metrics, validation = validation_table(x, colMeans(metrics)))
  structure(model, class = c(paste0(class(x)[[1]], "_model"), "rc2_tuned", "ml_transformer", "rc2_stage"))
}

# One choice: the options of each stage, by its uid, as Spark names them.
choice_spec <- function(values, uids, options) {
  names(values) <- options
  lapply(split(values, factor(uids, unique(uids))), spark_names)
}

validation_table <- function(x, metrics) {
  columns <- lapply(seq_along(x$choices$columns), function(at) {
    values <- lapply(x$choices$choices, `[[`, at)
    if (all(lengths(values) == 1)) unlist(values) else vapply(values, paste, "", collapse = ", ")
  })
  table <- c(list(metrics), columns)
  names(table) <- c(given(x$evaluator$options$metricName, "metric"), x$choices$columns)
  as.data.frame(table, check.names = FALSE)
}

ml_validation_metrics <- function(model) {
  if (!inherits(model, "rc2_tuned")) fail("Validation metrics are of a fitted cross-validation or split.")
  model$validation
}

print.rc2_tuning <- function(x, ...) {
  cat(x$name, " in Spark: ", x$uid, ", ", length(x$choices$choices), " choices of options\n", sep = "")
  print(x$estimator)
  invisible(x)
}

print.rc2_tuned <- function(x, ...) {
  cat(x$name, " in Spark: ", x$uid, "; the best of ", nrow(x$validation), " choices is number ", x$best, "\n", sep = "")
  print(x$validation)
  cat("The best one, fitted to all rows:\n")
  print(x$best_model)
  invisible(x)
}
