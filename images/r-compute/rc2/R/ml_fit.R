# Fits in Spark. A model holds how its table becomes a design, and what the fit gave.

ml_call <- function(connection, name, ...) call_connection(connection, "call", name = name, ...)

spark_connection_of <- function(x) {
  connection <- if (inherits(x, "tbl_sql")) dbplyr::remote_con(x)
  if (!is(connection, "SparkConnection")) {
    fail("The data must be a table in Spark, such as tbl(con, \"name\") or copy_to(con, data) of con <- rc2_spark().")
  }
  connection
}

rows_of <- function(x) as.character(dbplyr::remote_query(x))

SMALL_TABLE <- 1e5 # numbers that one task handles faster than several

# Fits `estimator` to the used columns of a design; names of options and outputs are those of pyspark.ml.
fit_design <- function(design, estimator, options, outputs, used = seq_len(nrow(design$columns))) {
  options <- c(options, list(featuresCol = "rc2_features"), if (design$response) list(labelCol = "rc2_y"))
  ml_call(design$connection, "fit", estimator = estimator, sql = design_sql(design, used), width = length(used),
    options = options[lengths(options) > 0], outputs = outputs, small = design$rows * length(used) <= SMALL_TABLE)
}

say_omitted <- function(design) {
  if (design$omitted) message(omitted_text(design), ".")
}

omitted_text <- function(design) {
  all <- whole_number(design$omitted + design$rows)
  paste(whole_number(design$omitted), "of", all, "rows have missing values and are left out")
}

new_model <- function(class, title, design, fitted, ...) {
  say_omitted(design)
  model <- c(list(title = title, formula = design$formula, design = design, key = fitted$model, outputs = fitted$outputs),
    list(...))
  structure(model, class = c(class, "rc2_spark_model"))
}

formula_text <- function(model) paste(deparse(model$formula, width.cutoff = 500L), collapse = " ")

# The text that opens print() and summary().
print_title <- function(model) {
  cat(model$title, " in Spark: ", formula_text(model), "\n", sep = "")
  design <- model$design
  cat(whole_number(design$rows), " rows", if (design$omitted) paste0("; ", omitted_text(design)), "\n", sep = "")
  if (length(model$event)) cat("It gives the probability that ", model$event, "\n", sep = "")
  cat("\n")
}

# What a probability is of: the second level, as in glm().
event_text <- function(response) {
  value <- response$values[[2]]
  paste0(response$name, " is ", if (is.character(value)) paste0("\"", value, "\"") else as.character(value))
}

as_number <- function(value) if (is.null(value)) NA_real_ else as.numeric(value)
