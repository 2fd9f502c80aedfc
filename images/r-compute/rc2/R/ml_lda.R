# Topics of documents: of the words of a text, or of columns with the number of each word.

ml_lda <- function(x, formula = NULL, k = 10, max_iter = 20, doc_concentration = NULL, topic_concentration = NULL,
                   subsampling_rate = 0.05, optimizer = "online", checkpoint_interval = 10, keep_last_checkpoint = TRUE,
                   learning_decay = 0.51, learning_offset = 1024, optimize_doc_concentration = TRUE, seed = NULL,
                   features = NULL, pattern = "\\s+", min_token_length = 1, stop_words = NULL, vocab_size = 2^18,
                   min_df = 1) {
  arguments <- with_features(as.list(environment()))
  if (!is_count(k) || k < 2) fail("k is the number of topics, 2 or more.")
  if (!optimizer %in% c("online", "em")) fail("optimizer is \"online\" or \"em\".")
  words <- arguments[c("pattern", "min_token_length", "stop_words", "vocab_size", "min_df")]
  options <- spark_options(arguments[setdiff(names(arguments), names(words))])
  formula <- document_formula(arguments$formula)
  fitted <- if (is_of_words(x, formula)) fit_texts(x, formula, options, words) else fit_counts(x, formula, options)
  topic_model(fitted$design, fitted$fitted, arguments)
}

TOPIC_OUTPUTS <- c("topicsMatrix", "estimatedDocConcentration")

document_formula <- function(formula) {
  formula <- as_model_formula(formula)
  if (length(formula) == 3) fail("The formula of ml_lda() has no response; write it as ~ text.")
  formula
}

# Whether the documents are texts or lists of words, in one column
is_of_words <- function(x, formula) {
  name <- formula[[2]]
  if (!is.name(name) || identical(name, quote(.))) return(FALSE)
  check_column(as.character(name), colnames(x))
  columns <- columns_of(spark_connection_of(x), rows_of(dplyr::ungroup(x)))
  inherits(columns[[as.character(name)]], c("character", "list"))
}

fit_texts <- function(x, formula, options, words) {
  column <- column_of(x, as.character(formula[[2]]))
  type <- class(columns_of(spark_connection_of(x), rows_of(dplyr::ungroup(x)))[[as.character(formula[[2]])]])[[1]]
  words$is_text <- type == "character"
  name <- if (words$is_text) "rc2_text" else "rc2_words"
  design <- rows_design(x, formula, stats::setNames(list(column), name), paste(column, "IS NOT NULL"))
  design$words <- stats::setNames(list(paste0("COALESCE(", column, if (words$is_text) ", '')" else ", ARRAY())")), name)
  fitted <- fit_rows(design, "spark_ml_text.fit", c(options, list(featuresCol = "rc2_features")),
    outputs = TOPIC_OUTPUTS, words = words, small = design$rows <= SMALL_TABLE)
  list(design = design, fitted = fitted)
}

fit_counts <- function(x, formula, options) {
  design <- number_design(x, formula, "Topics")
  negative <- paste(design$columns$sql, "< 0", collapse = " OR ")
  found <- dbGetQuery(design$connection, paste("SELECT COUNT_IF(", negative, ") AS rows FROM (", design$sql,
    ") AS rc2_rows WHERE", design$complete))$rows
  if (found > 0) fail(whole_number(found), " rows have a negative number, and ml_lda() takes how often each word is there.")
  forget_unneeded(design$connection)
  fitted <- fit_design(design, "clustering.LDA", options, TOPIC_OUTPUTS)
  list(design = design, fitted = c(fitted, list(vocabulary = design$columns$name)))
}

topic_model <- function(design, fitted, arguments) {
  matrix <- fitted$outputs$topicsMatrix
  topics <- matrix(matrix$values, matrix$rows, dimnames = list(fitted$vocabulary, seq_len(matrix$columns) - 1))
  rows_model("ml_lda", "Topics of documents", design, fitted, k = arguments$k, vocabulary = fitted$vocabulary,
    topics_matrix = topics, doc_concentration = fitted$outputs$estimatedDocConcentration,
    optimizer = arguments$optimizer, learning_decay = arguments$learning_decay)
}

is_lda <- function(model) if (!inherits(model, "ml_lda")) fail("Topics are of a model of ml_lda().")

ml_topics_matrix <- function(model) {
  is_lda(model)
  model$topics_matrix
}

# Each topic with its most frequent words, as the share of the topic
ml_describe_topics <- function(model, max_terms_per_topic = 10) {
  is_lda(model)
  if (!is_count(max_terms_per_topic)) fail("max_terms_per_topic is the number of words of each topic, such as 10.")
  found <- tidy_lda(model)
  found <- found[order(found$topic, -found$beta), ]
  found[stats::ave(found$topic, found$topic, FUN = seq_along) <= max_terms_per_topic, ]
}

ml_log_likelihood <- function(model, dataset) measured_documents(model, dataset, "logLikelihood")

ml_log_perplexity <- function(model, dataset) measured_documents(model, dataset, "logPerplexity")

measured_documents <- function(model, dataset, name) {
  is_lda(model)
  design <- model$design
  if (is.null(design$words)) {
    table <- prediction_rows(model, dataset)
    features <- stats::setNames(as.list(design$columns$sql), paste0("rc2_x", seq_along(design$columns$sql)))
    sql <- paste("SELECT", as_fields(features), "FROM (", table$sql, ") AS rc2_rows WHERE", design$complete)
    return(ml_call(table$connection, "measure", model = model$key, attribute = name, sql = sql,
      width = nrow(design$columns)))
  }
  connection <- spark_connection_of(dataset)
  check_column(as.character(design$formula[[2]]), colnames(dataset))
  sql <- paste("SELECT", as_fields(design$words), "FROM (", rows_of(dplyr::ungroup(dataset)), ") AS rc2_rows")
  ml_call(connection, "measure", model = model$key, attribute = name, sql = sql)
}

print.ml_lda <- function(x, ...) {
  print_title(x)
  cat("vocabulary: ", length(x$vocabulary), " words\n", sep = "")
  words <- ml_describe_topics(x, 6)
  for (topic in unique(words$topic)) cat("topic ", topic, ": ", toString(words$term[words$topic == topic]), "\n", sep = "")
  invisible(x)
}

summary.ml_lda <- function(object, ...) object

# The topic with the greatest share, and the share of each; none for a document without a word that the model knows.
predict.ml_lda <- function(object, newdata = NULL, type = NULL, ...) {
  type <- checked_type(object, type, c("both", "class", "probabilities"))
  words <- object$design$words
  table <- if (is.null(words)) transformed(object, newdata) else transformed_rows(object, newdata, words)
  shares <- shares_of(seq_len(object$k) - 1)
  most <- list(prediction = "CAST(ARRAY_POSITION(rc2_probability, ARRAY_MAX(rc2_probability)) - 1 AS INT)")
  values <- switch(type, class = most, probabilities = shares, c(most, shares))
  with_columns(table, table$sql, lapply(values, function(value) {
    paste("CASE WHEN ARRAY_MAX(rc2_probability) > 0 THEN", value, "END")
  }))
}

tidy_lda <- function(x, ...) {
  shares <- sweep(x$topics_matrix, 2, colSums(x$topics_matrix), "/")
  dplyr::tibble(topic = rep(seq_len(ncol(shares)) - 1, each = nrow(shares)), term = rep(x$vocabulary, ncol(shares)),
    beta = as.vector(shares))
}

glance_lda <- function(x, ...) {
  dplyr::tibble(k = x$k, vocab_size = length(x$vocabulary), learning_decay = x$learning_decay, optimizer = x$optimizer,
    nobs = x$design$rows)
}

augment_lda <- function(x, data = NULL, newdata = NULL, ...) {
  rows <- predict.ml_lda(x, if (is.null(newdata)) data else newdata, type = "class")
  dplyr::rename(rows, .topic = "prediction")
}
