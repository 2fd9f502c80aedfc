# What a stage is told, and what a fitted one has found, by sparklyr's names.

# All options of a stage with their values, those that Spark presets, too.
ml_param_map <- function(x, ...) {
  check_stage(x)
  if (!grepl(".", x$name, fixed = TRUE)) fail(x$uid, " has no options of its own; ml_stage() gives its stages.")
  found <- ml_call(x$connection, "spark_pipelines.options", stage = stage_spec(x))
  read <- intersect(names(found), COLUMNS_READ)
  found[read] <- lapply(found[read], unquoted)
  names(found) <- option_names(names(found))
  found
}

ml_params <- function(x, params = NULL, allow_null = FALSE, ...) {
  found <- ml_param_map(x)
  if (is.null(params)) return(found)
  params <- as.character(unlist(params))
  gone <- setdiff(params, names(found))
  if (length(gone) && !allow_null) {
    fail("The stage ", x$uid, " has no option ", gone[[1]], " with a value; it has ", paste(names(found), collapse = ", "), ".")
  }
  stats::setNames(lapply(params, function(param) found[[param]]), params)
}

ml_param <- function(x, param, allow_null = FALSE, ...) ml_params(x, param, allow_null)[[1]]

ml_is_set <- function(x, param, ...) {
  check_stage(x)
  param %in% option_names(names(x$options))
}

# R's names of Spark's options, as the functions of stages have them
option_names <- function(names) {
  renamed <- names %in% RENAMED_OPTIONS
  names[renamed] <- names(RENAMED_OPTIONS)[match(names[renamed], RENAMED_OPTIONS)]
  r_names(names)
}

ml_labels <- function(model) found_in(model, "labels", "ft_string_indexer()")

ml_vocabulary <- function(model) found_in(model, "vocabulary", "ft_count_vectorizer()")

found_in <- function(model, name, maker) {
  check_stage(model)
  if (is.null(model[[name]]) && length(model$key)) model <- ml_stages(model)[[1]]
  if (is.null(model[[name]])) fail("These are ", name, " of a fitted ", maker, ", which ml_fit() or ml_stage() gives.")
  unlist(model[[name]])
}
