# Methods whose input is no matrix of predictors: ratings, baskets and texts. Their rows are columns of the table, and Spark
# holds their models.

# The rows of a table as a design has them. `columns` gives SQL of Spark's columns by their names, on the table of a query;
# `present` is when a row is complete.
rows_design <- function(x, formula, columns, present) {
  connection <- spark_connection_of(x)
  sql <- rows_of(dplyr::ungroup(x))
  counts <- dbGetQuery(connection, paste0("SELECT CAST(COUNT(*) AS DOUBLE) AS found, CAST(COUNT_IF(", present,
    ") AS DOUBLE) AS complete FROM (", sql, ") AS rc2_rows"))
  if (!counts$found) fail("The table has no rows.")
  if (!counts$complete) {
    fail("No row is complete: each misses a value in ", paste(all.vars(formula), collapse = " or "), ".")
  }
  list(connection = connection, sql = sql, formula = formula, rows = counts$complete,
    omitted = counts$found - counts$complete,
    query = paste("SELECT", as_fields(columns), "FROM (", sql, ") AS rc2_rows WHERE", present), table_columns = colnames(x))
}

as_fields <- function(columns) paste(unlist(columns), "AS", names(columns), collapse = ", ")

fit_rows <- function(design, call, options, ...) {
  forget_unneeded(design$connection)
  ml_call(design$connection, call, sql = design$query, options = options[lengths(options) > 0], ...)
}

rows_model <- function(class, title, design, fitted, ...) {
  new_model(class, title, design, fitted, held = held_in_spark(design$connection@state, fitted$model), ...)
}

# A table with rows that Spark's model has, such as its factors; `fields` is SQL on them.
model_rows <- function(model, name, fields, number = NULL, from = identity) {
  connection <- model$design$connection
  view <- ml_call(connection, "rows", model = model$key, attribute = name, number = number)
  dplyr::tbl(connection, dbplyr::sql(paste("SELECT", fields, "FROM", from(view))))
}

# The rows of a prediction, `columns` added to them, with what the model adds.
transformed_rows <- function(model, newdata, columns) {
  connection <- if (is.null(newdata)) model$design$connection else spark_connection_of(newdata)
  names <- if (is.null(newdata)) model$design$table_columns else colnames(newdata)
  for (name in all.vars(model$formula[[length(model$formula)]])) {
    if (!name %in% names) fail("The table has no column ", name, ", which the model needs.", similar_to(name, names))
  }
  sql <- if (is.null(newdata)) model$design$sql else rows_of(dplyr::ungroup(newdata))
  sql <- paste("SELECT *,", as_fields(columns), "FROM (", sql, ") AS rc2_rows")
  view <- ml_call(connection, "predict", model = model$key, sql = sql)
  list(connection = connection, sql = paste("SELECT * FROM", view), columns = names)
}

# A column as Spark writes it, after a check that the table has it.
column_of <- function(x, name) {
  check_column(name, colnames(x))
  as.character(dbQuoteIdentifier(spark_connection_of(x), name))
}
