# The design: the columns of R's model.matrix(), as SQL on the model frame.

model_design <- function(frame) {
  terms <- frame$terms
  factors <- coded_factors(terms, frame)
  columns <- lapply(seq_len(ncol(factors)), function(term) term_columns(factors[, term], frame))
  frame$intercept <- attr(terms, "intercept") == 1
  frame$columns <- data.frame(name = as.character(unlist(lapply(columns, `[[`, "name"))),
    sql = as.character(unlist(lapply(columns, `[[`, "sql"))))
  frame$predictors <- sort(unique(c(which(rowSums(factors) > 0), attr(terms, "offset"))))
  frame$offset <- if (length(attr(terms, "offset"))) {
    paste(vapply(frame$variables[attr(terms, "offset")], number_of, ""), collapse = " + ")
  }
  surveyed(frame)
}

# For each variable and term: 0 not in it, 1 by contrasts, 2 by a column for each level. Without an intercept, the first
# factor has a column for each level.
coded_factors <- function(terms, frame) {
  factors <- attr(terms, "factors")
  if (!length(factors)) return(matrix(0, length(frame$variables), 0))
  if (attr(terms, "intercept")) return(factors)
  is_factor <- vapply(frame$variables[seq_len(nrow(factors))], function(variable) !is.null(variable$levels), NA)
  if (frame$response) is_factor[frame$response] <- FALSE
  first <- which(factors > 0 & is_factor, arr.ind = TRUE)
  if (nrow(first)) factors[first[1, 1], first[1, 2]] <- 2
  factors
}

# The columns of a term: products of those of its variables, the first of which changes first.
term_columns <- function(codes, frame) {
  columns <- lapply(which(codes > 0), function(index) {
    variable_columns(frame$variables[[index]], codes[[index]], frame$connection)
  })
  Reduce(function(one, other) list(
    name = as.vector(outer(one$name, other$name, paste, sep = ":")),
    sql = as.vector(outer(one$sql, other$sql, paste, sep = " * "))), columns)
}

variable_columns <- function(variable, code, connection) {
  if (is.null(variable$levels)) return(list(name = variable$name, sql = number_of(variable)))
  levels <- variable$levels
  if (!length(levels)) return(list(name = character(), sql = character())) # no row is complete
  if (length(levels) == 1) fail(variable$name, " has only the value \"", levels, "\"; a factor needs at least two.")
  coding <- if (code == 1) contrasts_of(levels) else diag(length(levels))
  labels <- if (code == 1) colnames(coding) else levels
  if (is.null(labels)) labels <- seq_len(ncol(coding))
  list(name = paste0(variable$name, labels), sql = apply(coding, 2, coded_sql, variable = variable, connection = connection))
}

# options(contrasts = ), as for lm()
contrasts_of <- function(levels) match.fun(getOption("contrasts")[[1]])(levels)

coded_sql <- function(codes, variable, connection) {
  used <- which(codes != 0)
  cases <- vapply(used, function(level) {
    paste("WHEN", literal_sql(variable$values[[level]], connection), "THEN", double_sql(codes[[level]]))
  }, "")
  paste0("CASE ", variable$column, " ", paste(cases, collapse = " "), " ELSE 0D END")
}

double_sql <- function(number) paste0("CAST('", sprintf("%.17g", number), "' AS DOUBLE)")

# The query that a fit reads: response, columns of the design, offset and weights of complete rows.
design_sql <- function(frame, used = seq_len(nrow(frame$columns))) {
  fields <- c(if (frame$response) paste(response_sql(frame), "AS rc2_y"),
    if (length(used)) paste0(frame$columns$sql[used], " AS rc2_x", seq_along(used)),
    if (length(frame$offset)) paste(frame$offset, "AS rc2_offset"),
    if (frame$weights) "CAST(rc2_weight AS DOUBLE) AS rc2_w")
  paste("SELECT", paste(fields, collapse = ", "), "FROM (", frame$sql, ") AS rc2_rows WHERE", frame$complete)
}

# A response by classes is the number of its level from 0.
response_sql <- function(frame) {
  response <- frame$variables[[frame$response]]
  if (length(frame$shifted)) return(frame$shifted)
  if (!response$is_factor) return(number_of(response))
  cases <- vapply(seq_along(response$values), function(level) {
    paste("WHEN", literal_sql(response$values[[level]], frame$connection), "THEN", paste0(level - 1, "D"))
  }, "")
  paste("CASE", response$column, paste(cases, collapse = " "), "END")
}
