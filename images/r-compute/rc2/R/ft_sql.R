# Transformers that are SQL: a statement, the verbs of a lazy table, and a formula with R's meaning.

ft_sql_transformer <- function(x, statement = NULL, uid = random_string("sql_transformer_")) {
  if (!is.character(statement) || length(statement) != 1 || !grepl("__THIS__", statement, fixed = TRUE)) {
    fail("statement is one text of SQL about __THIS__, such as \"SELECT *, wt * 2 AS twice FROM __THIS__\".")
  }
  with_stage(x, sql_stage(statement, uid, connection_in(x)))
}

ft_sql <- ft_sql_transformer

sql_stage <- function(statement, uid, connection) {
  check_uid(uid)
  stage_of(list(uid = uid, name = "feature.SQLTransformer", options = list(statement = statement)), connection)
}

# What verbs of dplyr make of one table, as a stage for others.
ft_dplyr_transformer <- function(x, tbl, uid = random_string("dplyr_transformer_")) {
  connection <- spark_connection_of(tbl)
  with_stage(x, sql_stage(in_place(rows_of(dplyr::ungroup(tbl)), source_of(tbl$lazy_query, connection)), uid, connection))
}

# How the SQL of a lazy table names the one table of which it is made.
source_of <- function(query, connection) {
  if (any(grepl("join|set_op|union", class(query)))) {
    fail("A stage can only be made of one table, without a join or a union; ft_sql_transformer() takes any SQL.")
  }
  if (inherits(query$x, "lazy_query")) return(source_of(query$x, connection))
  if (inherits(query$x, "sql")) paste0("(", query$x, ")") else as.character(dbplyr::escape(query$x, con = connection))
}

# The statement about __THIS__ of one about a table. A column may have the table's name.
in_place <- function(sql, source) {
  found <- gsub(paste0("FROM ", source), "FROM __THIS__", sql, fixed = TRUE)
  if (identical(found, sql)) fail("The SQL of these verbs does not read their table alone; use ft_sql_transformer().")
  gsub(paste0(source, "."), "__THIS__.", found, fixed = TRUE)
}

ft_r_formula <- function(x, formula = NULL, features_col = "features", label_col = "label", force_index_label = FALSE,
                         handle_invalid = "error", uid = random_string("r_formula_")) {
  formula <- as_model_formula(formula)
  if (!handle_invalid %in% c("error", "skip")) fail("handle_invalid is \"error\" or \"skip\".")
  check_uid(uid)
  options <- list(formula = deparsed(formula), featuresCol = features_col, labelCol = label_col,
    forceIndexLabel = force_index_label, handleInvalid = handle_invalid)
  stage <- list(uid = uid, name = FORMULA_STAGE, options = options, estimator = TRUE, formula = formula)
  with_stage(x, stage_of(stage, connection_in(x)))
}

FORMULA_STAGE <- "feature.RFormula"

# The stage with its formulas as SQL, for the rows of a query: R finds the levels of factors there. Stages before a formula
# are fitted for that.
with_formulas <- function(stage, connection, rows) {
  if (stage$name == FORMULA_STAGE) return(formula_stage(stage, connection, rows))
  for (at in seq_along(stage$stages)) {
    if (!has_formula(stage$stages[[at]])) next
    before <- stage
    before$stages <- stage$stages[seq_len(at - 1)]
    here <- if (at == 1) rows else rows_of(staged_rows(before, connection, rows))
    stage$stages[[at]] <- with_formulas(stage$stages[[at]], connection, here)
  }
  stage
}

has_formula <- function(stage) stage$name == FORMULA_STAGE || any(vapply(stage$stages, has_formula, NA))

formula_stage <- function(stage, connection, rows) {
  view <- ml_call(connection, "spark_pipelines.view", sql = rows)
  table <- dplyr::tbl(connection, view)
  design <- stage_design(stage, table)
  source <- as.character(dbQuoteIdentifier(connection, view))
  steps <- c(label_steps(stage, design, table, source), feature_steps(stage, design, table, source))
  stage_of(list(uid = stage$uid, name = "PipelineModel", options = list(), stages = steps), connection)
}

stage_design <- function(stage, table) {
  formula <- if (is.null(stage$formula)) as_model_formula(stage$options$formula) else stage$formula
  has_response <- length(formula) == 3
  parts <- without_vectors(formula, columns_of(spark_connection_of(table), rows_of(table)))
  design <- model_design(model_frame(table, parts$formula, has_response && isTRUE(stage$options$forceIndexLabel)))
  design$vectors <- parts$vectors
  if (length(design$offset)) fail("The formula of a stage takes no offset().")
  if (!nrow(design$columns) && !length(design$vectors)) fail("The formula ", deparsed(formula), " has no predictors; a stage needs at least one.")
  if (design$omitted && stage$options$handleInvalid == "error") {
    fail(whole_number(design$omitted), " of ", whole_number(design$omitted + design$rows), " rows have missing values;",
      " handle_invalid = \"skip\" of ft_r_formula() leaves them out, or ft_imputer() fills them.")
  }
  say_omitted(design)
  design
}

# A formula of a stage may have columns that are vectors of numbers, such as those of stages before it. The formula without
# them, and their names.
without_vectors <- function(formula, columns) {
  terms <- model_terms(formula, names(columns))
  labels <- attr(terms, "term.labels")
  is_vector <- unquoted(labels) %in% names(columns)[vapply(columns, is.list, NA)]
  if (!any(is_vector)) return(list(formula = formula))
  rest <- labels[!is_vector]
  response <- if (length(formula) == 3) formula[[2]]
  without <- stats::reformulate(if (length(rest)) rest else "1", response, attr(terms, "intercept") == 1 || !length(rest),
    environment(formula))
  list(formula = without, vectors = unquoted(labels[is_vector]))
}

# The response as a number, in a step that is left out where its columns are missing.
label_steps <- function(stage, design, table, source) {
  if (!design$response) return()
  response <- design$variables[[design$response]]
  label <- stage$options$labelCol
  if (label %in% colnames(table)) {
    if (identical(response$name, label) && response$type == "number" && !response$is_factor) return()
    fail("The table has a column ", label, " already; give the label of the formula another name by label_col.")
  }
  inner <- in_place(variables_sql(table, list(response), design$env), source)
  fields <- paste0("* EXCEPT (", response$column, "), ", response_sql(design), " AS ",
    dbQuoteIdentifier(design$connection, label))
  present <- if (stage$options$handleInvalid == "skip") paste(" WHERE", is_present(response, design$connection)) else ""
  statement <- paste0("SELECT ", fields, " FROM (", inner, ") AS rc2_rows", present)
  list(sql_step("rc2_label_", statement))
}

sql_step <- function(prefix, statement) {
  list(uid = random_string(prefix), name = "feature.SQLTransformer", options = list(statement = statement))
}

# The columns of the design, which become one vector, after them those that are vectors. Where a predictor is missing, they
# are NULL.
feature_steps <- function(stage, design, table, source) {
  vectors <- as.character(dbQuoteIdentifier(design$connection, as.character(design$vectors)))
  if (!nrow(design$columns)) return(list(assembler_step(stage, vectors)))
  variables <- design$variables[design$predictors]
  inner <- in_place(variables_sql(table, variables, design$env), source)
  known <- paste("SELECT *,", guarded_sql(design, "TRUE"), "AS rc2_known FROM (", inner, ") AS rc2_rows")
  names <- as.character(dbQuoteIdentifier(design$connection, paste0("rc2_x:", design$columns$name)))
  fields <- paste0("CASE WHEN rc2_known THEN ", design$columns$sql, " END AS ", names, collapse = ", ")
  unneeded <- paste(c("rc2_known", vapply(variables, `[[`, "", "column")), collapse = ", ")
  list(
    sql_step("rc2_design_", paste0("SELECT * EXCEPT (", unneeded, "), ", fields, " FROM (", known, ") AS rc2_rows")),
    assembler_step(stage, c(names, vectors)),
    sql_step("rc2_features_", paste0("SELECT * EXCEPT (", paste(names, collapse = ", "), ") FROM __THIS__")))
}

assembler_step <- function(stage, names) {
  options <- list(inputCols = names, outputCol = stage$options$featuresCol, handleInvalid = stage$options$handleInvalid)
  list(uid = random_string("vector_assembler_"), name = "feature.VectorAssembler", options = options)
}

# Of a formula without an intercept, an estimator that would have one.
check_intercepts <- function(before, stage) {
  if (!length(before) || before[[1]]$name != FORMULA_STAGE || !isTRUE(stage$options$fitIntercept)) return()
  if (has_intercept(as_model_formula(before[[1]]$options$formula))) return()
  fail("The formula has no intercept, and the model after it would have one; give the model fit_intercept = FALSE.")
}
