# The model frame: the rows of a table with the variables of a formula, which rows are complete, and the levels of factors.

MOST_LEVELS <- 1000L

# `classes`: whether the response is a class. `weights` is the name of a column or NULL.
model_frame <- function(x, formula, classes = FALSE, weights = NULL) {
  connection <- spark_connection_of(x)
  formula <- as_model_formula(formula)
  x <- dplyr::ungroup(x)
  columns <- colnames(x)
  terms <- model_terms(formula, columns)
  variables <- formula_variables(terms, environment(formula))
  if (!is.null(weights)) variables <- c(variables, list(weights_variable(weights, columns)))
  frame <- list(connection = connection, terms = terms, env = environment(formula), response = attr(terms, "response"),
    formula = stats::formula(terms), table_columns = columns)
  frame$weights <- if (is.null(weights)) 0 else length(variables)
  frame$sql <- variables_sql(x, variables, frame$env)
  frame$variables <- typed_variables(connection, frame$sql, variables)
  if (classes) frame$variables[[frame$response]]$is_factor <- TRUE
  frame$complete <- all_present(frame$variables, connection)
  with_levels(frame)
}

weights_variable <- function(name, columns) {
  if (!name %in% columns) fail("The table has no column ", name, " of weights or events.", similar_to(name, columns))
  list(name = name, column = "rc2_weight", call = as.name(name), is_factor = FALSE)
}

# No rows of a query: Spark tells the types without running it.
columns_of <- function(connection, sql) {
  result <- dbSendQuery(connection, sql)
  on.exit(dbClearResult(result))
  dbFetch(result, n = 0)
}

# The query with each variable as a column. The formula's environment has its constants; `x` stands in the call as it is.
variables_sql <- function(x, variables, env) {
  calls <- stats::setNames(lapply(variables, `[[`, "call"), vapply(variables, `[[`, "", "column"))
  rows_of(eval(as.call(c(list(dplyr::mutate, x), calls)), env))
}

typed_variables <- function(connection, sql, variables) {
  columns <- tryCatch(columns_of(connection, sql), rc2_error = function(error) {
    fail("Spark cannot compute the formula. ", sub("^\\[[A-Z_.]+\\] ", "", sub("\n.*", "", conditionMessage(error))))
  })
  lapply(variables, function(variable) {
    variable$type <- type_of(columns[[variable$column]])
    if (!variable$type %in% c("number", "logical", "character", "Date", "POSIXct")) {
      fail("A model cannot use ", variable$name, ", which is of type ", variable$type, ".")
    }
    if (variable$type == "character") variable$is_factor <- TRUE
    variable
  })
}

type_of <- function(value) if (is.numeric(value) || inherits(value, "integer64")) "number" else class(value)[[1]]

# The SQL of a variable as a number.
number_of <- function(variable) {
  column <- variable$column
  switch(variable$type, Date = paste0("CAST(UNIX_DATE(", column, ") AS DOUBLE)"),
    POSIXct = paste0("UNIX_MICROS(", column, ") / 1E6D"), paste0("CAST(", column, " AS DOUBLE)"))
}

# What na.omit() keeps. Values that are no level of factor(levels = ) are NA.
is_present <- function(variable, connection) {
  present <- paste(variable$column, "IS NOT NULL")
  if (variable$type == "number") present <- paste0(present, " AND NOT ISNAN(CAST(", variable$column, " AS DOUBLE))")
  if (length(variable$wanted)) present <- paste(present, "AND", is_level(variable, variable$wanted, connection))
  paste0("(", present, ")")
}

is_level <- function(variable, values, connection) {
  paste0(variable$column, " IN (", paste(vapply(values, literal_sql, "", connection), collapse = ", "), ")")
}

literal_sql <- function(value, connection) as.character(as_sql(value, connection))

all_present <- function(variables, connection) {
  if (!length(variables)) return("TRUE")
  paste(vapply(variables, is_present, "", connection), collapse = " AND ")
}

# R's factor() makes the levels, of the values in complete rows: in the order of this session, as for a column of R.
with_levels <- function(frame) {
  frame$variables <- lapply(frame$variables, function(variable) {
    if (!variable$is_factor && variable$type != "logical") return(variable)
    values <- if (variable$is_factor) level_values(variable, frame) else c(FALSE, TRUE)
    variable$values <- values
    variable$levels <- as.character(values)
    variable
  })
  frame
}

level_values <- function(variable, frame) {
  query <- paste("SELECT DISTINCT", variable$column, "AS v FROM (", frame$sql, ") AS rc2_rows WHERE", frame$complete,
    "LIMIT", MOST_LEVELS + 1)
  found <- dbGetQuery(frame$connection, query)$v
  if (length(found) > MOST_LEVELS) {
    fail(variable$name, " has more than ", MOST_LEVELS, " different values, too many for a factor.")
  }
  values <- if (length(variable$wanted)) variable$wanted[variable$wanted %in% found] else sort(found)
  first <- variable$first
  if (is.null(first)) return(values)
  if (!first %in% values) fail(variable$name, " has no value ", first, ".")
  c(values[values == first], values[values != first])
}
