# R's formulas on tables of Spark: what R evaluates to the columns of a model frame is SQL here.

# Functions of a row alone, whose SQL has R's meaning. Others, such as poly(), look at all rows.
FORMULA_FUNCTIONS <- c("(", "+", "-", "*", "/", "^", "%%", "%/%", "==", "!=", "<", "<=", ">", ">=", "&", "|", "!", "%in%",
  "c", "I", "log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs", "sign", "sin", "cos", "tan", "asin", "acos",
  "atan", "sinh", "cosh", "tanh", "floor", "ceiling", "round", "trunc", "ifelse", "is.na", "as.numeric", "as.double",
  "as.integer", "as.character", "as.logical", "nchar", "tolower", "toupper", "substr", "pmin", "pmax")

as_model_formula <- function(formula) {
  if (is.character(formula) && length(formula) == 1) {
    formula <- tryCatch(stats::as.formula(formula, globalenv()), error = function(error) NULL)
  }
  if (!inherits(formula, "formula")) fail("The model needs a formula, such as y ~ x1 + x2.")
  formula
}

# The terms of a formula; `columns` are the names of the columns of the table.
model_terms <- function(formula, columns) {
  check_names(formula, columns)
  data <- stats::setNames(as.data.frame(as.list(seq_along(columns))), columns)
  terms <- tryCatch(stats::terms(formula, data = data), error = function(error) {
    fail("R cannot read the formula: ", conditionMessage(error), ".")
  })
  is_empty <- !length(attr(terms, "term.labels")) && !attr(terms, "intercept")
  if (is_empty) fail("The formula has neither predictors nor an intercept.")
  terms
}

check_names <- function(formula, columns) {
  env <- environment(formula)
  for (name in setdiff(all.vars(formula), c(columns, "."))) {
    if (!is_constant(name, env)) fail("The table has no column ", name, ".", similar_to(name, columns))
  }
}

# A formula may use a number or text of the session, as in I(x * rate).
is_constant <- function(name, env) {
  value <- get0(name, envir = env)
  is.atomic(value) && !is.null(value) && length(value) < 100
}

similar_to <- function(name, columns) {
  near <- columns[tolower(columns) == tolower(name)]
  if (length(near)) paste0(" Did you mean ", near[[1]], "?") else ""
}

deparsed <- function(call) paste(deparse(call, width.cutoff = 500L, backtick = TRUE), collapse = " ")

# The variables of a formula: name as R writes it, the call that SQL has to compute, and what factor() says of it.
formula_variables <- function(terms, env) {
  calls <- as.list(attr(terms, "variables"))[-1]
  lapply(seq_along(calls), function(index) {
    name <- deparsed(calls[[index]])
    variable <- c(list(name = name, column = paste0("rc2_v", index)), factor_parts(calls[[index]], env))
    variable$call <- as_sql_call(variable$call, name)
    variable
  })
}

function_name <- function(call) {
  if (!is.call(call)) "" else if (is.name(call[[1]])) as.character(call[[1]]) else deparsed(call[[1]])
}

# Takes factor(), relevel() and offset() off a variable.
factor_parts <- function(call, env) {
  head <- function_name(call)
  if (head == "offset") return(list(call = call[[2]], is_factor = FALSE))
  if (head == "as.factor") return(list(call = call[[2]], is_factor = TRUE))
  if (head == "relevel") {
    call <- match.call(function(x, ref) NULL, call)
    return(utils::modifyList(factor_parts(call$x, env), list(is_factor = TRUE, first = eval(call$ref, env))))
  }
  if (head != "factor") return(list(call = call, is_factor = FALSE))
  matched <- tryCatch(match.call(function(x, levels) NULL, call), error = function(error) {
    fail("In a formula for Spark, factor() has only the argument levels: ", deparsed(call), ".")
  })
  list(call = matched$x, is_factor = TRUE, wanted = eval(matched$levels, env))
}

# The call with I() as parentheses; refuses a function that has no SQL with R's meaning.
as_sql_call <- function(call, variable) {
  if (!is.call(call)) return(call)
  head <- function_name(call)
  if (!head %in% FORMULA_FUNCTIONS) {
    fail("A formula for Spark cannot have ", head, "(), as in ", variable, "; use functions of single values such as I(x^2)",
      " and log(x), or add the column with mutate() first.")
  }
  if (head == "I") call[[1]] <- quote(`(`)
  call[-1] <- lapply(as.list(call)[-1], as_sql_call, variable = variable)
  call
}
