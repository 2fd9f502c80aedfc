# Recommendations by alternating least squares: ratings of items by users as products of factors.

LARGEST_ID <- 2147483647 # of users and items in Spark
NO_ID <- "CAST(-2147483648 AS INT)" # of a prediction without a user or item
RATINGS_OF_BLOCK <- 1e5 # each block of users or items is a task in each iteration
MOST_ITERATIONS <- 50 # Spark keeps the history of all iterations on its stack, and ends at an overflow

ml_als <- function(x, formula = NULL, rating_col = "rating", user_col = "user", item_col = "item", rank = 10,
                   reg_param = 0.1, implicit_prefs = FALSE, alpha = 1, nonnegative = FALSE, max_iter = 10,
                   num_user_blocks = 10, num_item_blocks = 10, checkpoint_interval = 10, cold_start_strategy = "nan",
                   seed = NULL) {
  names <- rating_names(formula, rating_col, user_col, item_col)
  check_als(rank, max_iter, cold_start_strategy)
  design <- ratings_design(x, names)
  blocks <- ceiling(design$rows / RATINGS_OF_BLOCK)
  fitted <- fit_rows(design, "fit", estimator = "recommendation.ALS", list(userCol = "rc2_user", itemCol = "rc2_item",
    ratingCol = "rc2_rating", rank = rank, regParam = reg_param, implicitPrefs = implicit_prefs, alpha = alpha,
    nonnegative = nonnegative, maxIter = max_iter, numUserBlocks = min(num_user_blocks, blocks),
    numItemBlocks = min(num_item_blocks, blocks), checkpointInterval = checkpoint_interval, seed = seed), outputs = "rank",
    small = design$rows * 3 <= SMALL_TABLE)
  model <- rows_model("ml_als", "Recommendations by alternating least squares", design, fitted, names = names, rank = rank,
    cold_start_strategy = cold_start_strategy)
  model$user_factors <- factors_of(model, "userFactors")
  model$item_factors <- factors_of(model, "itemFactors")
  model
}

# The names of the three columns; a formula is rating ~ user + item.
rating_names <- function(formula, rating, user, item) {
  if (is.null(formula)) return(list(rating = rating, user = user, item = item))
  formula <- as_model_formula(formula)
  names <- as.list(all.vars(formula))
  is_plain <- length(formula) == 3 && length(names) == 3 && is.name(formula[[2]])
  if (!is_plain || !identical(formula[[3]], stats::reformulate(quoted_names(names[2:3]))[[2]])) {
    fail("The formula of ml_als() is rating ~ user + item, with the names of the three columns.")
  }
  stats::setNames(names, c("rating", "user", "item"))
}

quoted_names <- function(names) vapply(names, function(name) deparsed(as.name(name)), "")

check_als <- function(rank, max_iter, cold_start_strategy) {
  if (!is_count(max_iter) || max_iter > MOST_ITERATIONS) {
    fail("max_iter is from 1 to ", MOST_ITERATIONS, "; 10 are enough for most ratings.")
  }
  if (!is_count(rank)) fail("rank is the number of factors, such as 10.")
  if (!cold_start_strategy %in% c("nan", "drop")) fail("cold_start_strategy is \"nan\" or \"drop\".")
}

ratings_design <- function(x, names) {
  variables <- evaluated(x, names, numbers = TRUE, what = "ml_als()")
  present <- all_present(variables, spark_connection_of(x))
  formula <- stats::reformulate(quoted_names(names[c("user", "item")]), as.name(names$rating))
  columns <- list(rc2_user = id_sql(variables$user), rc2_item = id_sql(variables$item),
    rc2_rating = paste0("CAST(", variables$rating$column, " AS FLOAT)"))
  design <- rows_design(x, formula, columns, present)
  for (id in variables[c("user", "item")]) check_ids(design, id, present)
  design
}

# A number that is no id in Spark is NULL.
id_sql <- function(variable) {
  paste0("CASE WHEN NOT (", not_id_sql(variable$column), ") THEN CAST(", variable$column, " AS INT) END")
}

not_id_sql <- function(column) paste0(column, " <> FLOOR(", column, ") OR ABS(", column, ") > ", LARGEST_ID)

check_ids <- function(design, variable, present) {
  wrong <- dbGetQuery(design$connection, paste0("SELECT COUNT(*) AS wrong FROM (", design$sql, ") AS rc2_rows WHERE ",
    present, " AND (", not_id_sql(variable$column), ")"))$wrong
  if (wrong > 0) {
    fail("ml_als() takes whole numbers of at most ", LARGEST_ID, " as ids, and ", variable$name,
      " has others; number them first, as in mutate(id = dense_rank(", variable$name, ")).")
  }
}

# One row for each user or item, and a column for each factor
factors_of <- function(model, name) {
  at <- seq_len(model$rank)
  fields <- paste0("CAST(features[", at - 1, "] AS DOUBLE) AS features_", at, collapse = ", ")
  model_rows(model, name, paste("id,", fields))
}

print.ml_als <- function(x, ...) {
  print_title(x)
  cat("rank: ", x$rank, "\n\nml_recommend() gives items for users, $user_factors and $item_factors the factors\n", sep = "")
  invisible(x)
}

summary.ml_als <- function(object, ...) object

# A user or an item that the fit has not seen has no prediction.
predict.ml_als <- function(object, newdata = NULL, ...) {
  ids <- lapply(object$names[c("user", "item")], function(name) {
    column <- as.character(dbQuoteIdentifier(object$design$connection, name))
    paste0("COALESCE(", id_sql(list(column = column)), ", ", NO_ID, ")")
  })
  table <- transformed_rows(object, newdata, list(rc2_user = ids$user, rc2_item = ids$item))
  predictions <- with_columns(table, table$sql, list(prediction = "CAST(NULLIF(rc2_prediction, FLOAT('NaN')) AS DOUBLE)"))
  if (object$cold_start_strategy == "nan") return(predictions)
  dplyr::filter(predictions, dbplyr::sql("prediction IS NOT NULL"))
}

ml_recommend <- function(model, type = c("items", "users"), n = 1) {
  type <- match.arg(type)
  if (!inherits(model, "ml_als")) fail("ml_recommend() is for a model of ml_als().")
  if (!is_count(n)) fail("n is the number of recommendations for each of the ", setdiff(c("users", "items"), type), ".")
  quoted <- function(name) as.character(dbQuoteIdentifier(model$design$connection, model$names[[name]]))
  ids <- if (type == "items") c("user", "item") else c("item", "user")
  fields <- paste0("rc2_", ids[[1]], " AS ", quoted(ids[[1]]), ", rc2_one.rc2_", ids[[2]], " AS ", quoted(ids[[2]]),
    ", CAST(rc2_one.rating AS DOUBLE) AS rating")
  model_rows(model, if (type == "items") "recommendForAllUsers" else "recommendForAllItems", fields, n, function(view) {
    paste0("(SELECT rc2_", ids[[1]], ", EXPLODE(recommendations) AS rc2_one FROM ", view, ") AS rc2_rows")
  })
}

tidy_als <- function(x, ...) {
  factors <- list(user = x$user_factors, item = x$item_factors)
  dplyr::bind_rows(lapply(factors, dplyr::collect), .id = "factor")
}

glance_als <- function(x, ...) {
  dplyr::tibble(rank = x$rank, cold_start_strategy = x$cold_start_strategy, nobs = x$design$rows)
}

augment_als <- function(x, data = NULL, newdata = NULL, ...) {
  dplyr::rename(predict.ml_als(x, if (is.null(newdata)) data else newdata), .prediction = "prediction")
}
