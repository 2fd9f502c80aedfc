# Stages of pipelines: transformers, estimators and evaluators of Spark, with sparklyr's names. A stage is what R says of it:
# its uid, its class in pyspark.ml and its options. A fitted stage is held by Spark's session under a key.

# What a function of a stage gives: of a connection the stage, of a pipeline the pipeline with it, of a table the rows with
# what it adds. `arguments` are those of the function, by their names.
stage_on <- function(x, name, arguments) with_stage(x, new_stage(name, arguments, connection_in(x)))

with_stage <- function(x, stage) {
  if (inherits(x, "ml_pipeline")) return(add_stage(x, stage))
  if (is(x, "SparkConnection")) return(stage)
  ml_fit_and_transform(stage, x)
}

connection_in <- function(x) {
  if (inherits(x, "rc2_stage")) return(x$connection)
  if (is(x, "SparkConnection")) x else spark_connection_of(x)
}

is_stage_place <- function(x) inherits(x, "ml_pipeline") || is(x, "SparkConnection")

# Columns that a stage reads, whose names Spark takes for fields of a struct if they have a dot.
COLUMNS_READ <- c("inputCol", "inputCols", "featuresCol", "labelCol", "weightCol", "censorCol", "offsetCol")
# Names of Spark's options that are not those of R in another spelling
RENAMED_OPTIONS <- c(minDf = "minDF", minTf = "minTF", toLowerCase = "toLowercase")
DOTS_REFUSED <- c("feature.CountVectorizer", "feature.Word2Vec")

new_stage <- function(name, arguments, connection) {
  check_uid(arguments$uid)
  options <- spark_names(arguments)
  options$weightCol <- arguments$weight_col
  options$censorCol <- arguments$censor_col
  read <- intersect(names(options), COLUMNS_READ)
  options[read] <- lapply(options[read], quoted_column, stage = arguments$uid, refused = !takes_dots(name))
  stage_of(list(uid = arguments$uid, name = name, options = options, estimator = TRUE), connection)
}

spark_names <- function(arguments) {
  options <- spark_options(arguments[setdiff(names(arguments), "uid")])
  renamed <- names(options) %in% names(RENAMED_OPTIONS)
  names(options)[renamed] <- RENAMED_OPTIONS[names(options)[renamed]]
  options[lengths(options) > 0]
}

takes_dots <- function(name) grepl("^feature", name) && !name %in% DOTS_REFUSED

quoted_column <- function(names, stage, refused) {
  check_texts(names, stage)
  dotted <- grepl("[.`]", names)
  if (refused && any(dotted)) {
    fail("The stage ", stage, " cannot read ", names[dotted][[1]], ", as its name has a dot; rename() it first.")
  }
  ifelse(dotted, paste0("`", gsub("`", "``", names, fixed = TRUE), "`"), names)
}

check_texts <- function(names, stage) {
  if (!is.character(names) || anyNA(names) || !all(nzchar(names))) {
    fail("The stage ", stage, " takes names of columns as text, such as \"features\".")
  }
}

check_uid <- function(uid) {
  if (!is.character(uid) || length(uid) != 1 || !grepl("^[A-Za-z0-9_.-]+$", uid)) {
    fail("uid is one text of letters, digits and _, such as \"scaler_1\".")
  }
}

# A name for a stage, which no other has. R's random numbers stay as they are.
random_string <- function(prefix) basename(tempfile(prefix))

# The stage that the data process describes, or that a function of R describes for it.
stage_of <- function(found, connection) {
  kind <- if (length(found$key)) "ml_transformer" else if (isTRUE(found$estimator)) "ml_estimator" else "ml_transformer"
  if (found$name == "Pipeline") kind <- c("ml_pipeline", "ml_estimator")
  if (found$name == "PipelineModel") kind <- c("ml_pipeline_model", "ml_transformer")
  if (startsWith(found$name, "evaluation.")) kind <- "ml_evaluator"
  found$connection <- connection
  found$stages <- lapply(found$stages, stage_of, connection)
  if (length(found$key)) found$held <- held_in_spark(connection@state, found$key)
  structure(found, class = c(kind, "rc2_stage"))
}

# What the data process needs to know of a stage.
stage_spec <- function(stage) {
  found <- unclass(stage)[c("uid", "name", "key")]
  found$options <- stage$options
  found$stages <- lapply(stage$stages, stage_spec)
  names(found$stages) <- vapply(stage$stages, `[[`, "", "uid")
  found
}

check_stage <- function(x) {
  if (!inherits(x, "rc2_stage")) {
    fail("A stage or a pipeline is needed here, such as ml_pipeline(con) or ft_tokenizer(con, ...).")
  }
  if (!length(x$uid)) fail("This is no stage of a pipeline.")
}

print.rc2_stage <- function(x, ...) {
  kind <- if (length(x$key)) "Fitted stage" else if (inherits(x, "ml_evaluator")) "Evaluator" else "Stage"
  writeLines(strwrap(paste0(kind, " in Spark: ", stage_text(x)), exdent = 2))
  for (name in setdiff(names(x$found), FOUND_APART)) cat(name, ": ", shortened(x$found[[name]]), "\n", sep = "")
  invisible(x)
}

FOUND_APART <- c("theta", "weights")

stage_text <- function(stage) {
  options <- stage$options
  texts <- vapply(options, shortened, "")
  paste0(stage$uid, " (", sub("^.*\\.", "", stage$name), ")",
    if (length(options)) paste0(" ", paste(r_names(names(options)), texts, sep = " = ", collapse = ", ")))
}

shortened <- function(value) {
  if (is.list(value)) return(paste0("list of ", length(value)))
  first <- utils::head(value, 8)
  text <- if (is.numeric(first)) format(first, digits = 4, trim = TRUE) else first
  text <- paste0(if (length(names(value))) paste(names(first), ""), text, collapse = if (length(names(value))) ", " else " ")
  if (length(value) > 8 || nchar(text) > 200) paste0(substr(text, 1, 200), " ...") else text
}

# R's names of Spark's options
r_names <- function(names) tolower(gsub("([A-Z]+)", "_\\1", names))
