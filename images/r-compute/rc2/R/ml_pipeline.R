# Pipelines: stages that are fitted and applied one after the other.

ml_pipeline <- function(x, ..., uid = random_string("pipeline_")) {
  check_uid(uid)
  stages <- list(...)
  if (inherits(x, "rc2_stage")) stages <- c(list(x), stages)
  pipeline <- stage_of(list(uid = uid, name = "Pipeline", options = list(), stages = list()), connection_in(x))
  Reduce(add_stage, stages, pipeline)
}

add_stage <- function(pipeline, stage) {
  check_stage(stage)
  if (inherits(stage, c("ml_evaluator", "rc2_tuning"))) {
    fail(stage$uid, " is no stage of a pipeline; a cross-validation takes the pipeline as its estimator.")
  }
  check_intercepts(utils::tail(pipeline$stages, 1), stage)
  pipeline$stages <- c(pipeline$stages, list(stage))
  pipeline
}

print.ml_pipeline <- function(x, ...) print_pipeline("Pipeline", x)

print.ml_pipeline_model <- function(x, ...) print_pipeline("Fitted pipeline", x)

print_pipeline <- function(title, x) {
  count <- length(x$stages)
  cat(title, " in Spark: ", x$uid, ", ", count, if (count == 1) " stage\n" else " stages\n", sep = "")
  for (at in seq_len(count)) writeLines(strwrap(paste0(at, ". ", stage_text(x$stages[[at]])), exdent = 3))
  invisible(x)
}

# Fits a stage, a pipeline or a cross-validation to a table; of what needs no fit, the stage itself.
ml_fit <- function(x, dataset, ...) {
  check_stage(x)
  if (inherits(x, "ml_evaluator")) fail("An evaluator is not fitted; give it to a cross-validation as its evaluator.")
  connection <- spark_connection_of(dataset)
  forget_unneeded(connection)
  rows <- rows_of(dplyr::ungroup(dataset))
  if (inherits(x, "rc2_tuning")) return(fit_tuning(x, connection, rows))
  if (inherits(x, "ml_transformer")) return(x)
  stage <- with_formulas(x, connection, rows)
  stage_of(ml_call(connection, "spark_pipelines.fit", stage = stage_spec(stage), sql = rows), connection)
}

ml_transform <- function(x, dataset, ...) {
  check_stage(x)
  if (inherits(x, "ml_estimator")) fail(x$uid, " is not fitted; ml_fit() fits it, or ml_fit_and_transform() does both.")
  if (!inherits(x, "ml_transformer")) fail(x$uid, " has no rows to give.")
  staged_rows(x, spark_connection_of(dataset), rows_of(dplyr::ungroup(dataset)))
}

ml_fit_and_transform <- function(x, dataset, ...) {
  check_stage(x)
  connection <- spark_connection_of(dataset)
  rows <- rows_of(dplyr::ungroup(dataset))
  staged_rows(with_formulas(x, connection, rows), connection, rows)
}

staged_rows <- function(stage, connection, rows) {
  view <- ml_call(connection, "spark_pipelines.transform", stage = stage_spec(stage), sql = rows)
  dplyr::tbl(connection, view)
}

predict.ml_transformer <- function(object, newdata, ...) ml_transform(object, newdata)

# The stages; of a fitted pipeline each with what it has found, such as $coefficients or $vocabulary.
ml_stages <- function(x, stages = NULL) {
  check_stage(x)
  found <- if (length(x$key)) fitted_stages(x) else if (inherits(x, "ml_pipeline")) x$stages else list(x)
  names(found) <- vapply(found, `[[`, "", "uid")
  if (is.null(stages)) found else lapply(stages, stage_at, found = found)
}

ml_stage <- function(x, stage) stage_at(stage, ml_stages(x))

# By its place, its uid, or how its uid begins.
stage_at <- function(stage, found) {
  at <- if (is.numeric(stage)) stage else which(startsWith(names(found), as.character(stage)))
  if (length(at) == 1 && at %in% seq_along(found)) return(found[[at]])
  fail(if (length(at) > 1) "More than one stage begins with " else "There is no stage ", stage, "; the stages are ",
    paste(names(found), collapse = ", "), ".")
}

fitted_stages <- function(x) {
  found <- ml_call(x$connection, "spark_pipelines.stages", key = x$key)
  lapply(found, function(each) {
    stage <- stage_of(each, x$connection)
    values <- lapply(each$found, as_matrix)
    features <- feature_names(found, given(each$options$featuresCol, "features"))
    named <- intersect(c("coefficients", "featureImportances"), names(values)[lengths(values) == length(features)])
    values[named] <- lapply(values[named], stats::setNames, features)
    if (length(values$surrogateDF)) names(values$surrogateDF) <- unquoted(stage$options$inputCols)
    names(values) <- r_names(names(values))
    stage$found <- values
    stage[names(values)] <- values
    stage
  })
}

# The names of the numbers in a vector, by the stage that makes it, and those of which scalers make another.
feature_names <- function(stages, column) {
  for (stage in stages) {
    if (length(stage$stages)) {
      found <- feature_names(stage$stages, column)
      if (length(found)) return(found)
    }
    if (!identical(stage$options$outputCol, column)) next
    if (!grepl("VectorAssembler$", stage$name)) return(feature_names(stages, unquoted(given(stage$options$inputCol, ""))))
    return(unlist(lapply(unquoted(stage$options$inputCols), assembled_names, stages)))
  }
}

# The names of what a column gives to an assembled vector: of a vector, those of its numbers.
assembled_names <- function(column, stages) {
  for (stage in stages) {
    at <- match(column, stage$options$outputCols)
    if (grepl("OneHotEncoderModel$", stage$name) && !is.na(at)) return(paste0(column, "_", encoded_classes(stage, at, stages)))
  }
  given(feature_names(stages, column), sub("^rc2_x:", "", column))
}

# The classes that an encoder has columns for: those of the indexer before it, or numbers.
encoded_classes <- function(encoder, at, stages) {
  size <- encoder$found$categorySizes[[at]]
  made <- Filter(function(stage) identical(stage$options$outputCol, unquoted(encoder$options$inputCols[[at]])), stages)
  labels <- if (length(made)) unlist(made[[1]]$found$labels)
  classes <- if (length(labels) == size) labels else seq_len(size) - 1
  if (identical(encoder$options$dropLast, FALSE)) classes else utils::head(classes, -1)
}

unquoted <- function(names) gsub("``", "`", gsub("^`|`$", "", names), fixed = TRUE)

# A matrix of Spark, which comes with its number of rows
as_matrix <- function(value) if (is.list(value) && length(value$rows)) matrix(value$values, value$rows) else value

ml_save <- function(x, path, overwrite = FALSE, ...) {
  check_stage(x)
  if (inherits(x, "rc2_tuning")) fail("A cross-validation is not saved; save its pipeline, or of a fitted one $best_model.")
  check_path(path)
  ml_call(x$connection, "spark_pipelines.save", stage = stage_spec(x), path = path, overwrite = isTRUE(overwrite))
  invisible(x)
}

ml_load <- function(sc, path) {
  check_path(path)
  connection <- connection_in(sc)
  stage_of(ml_call(connection, "spark_pipelines.load", path = path), connection)
}

check_path <- function(path) {
  if (!is.character(path) || length(path) != 1 || is.na(path) || !nzchar(path)) {
    fail("path is one text: a folder that Spark can write, such as \"hdfs:///user/alice/model\".")
  }
}

ml_uid <- function(x) {
  check_stage(x)
  x$uid
}
