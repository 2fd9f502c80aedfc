# Feature transformers of text, with sparklyr's names and arguments.

ft_tokenizer <- function(x, input_col = NULL, output_col = NULL, uid = random_string("tokenizer_")) {
  stage_on(x, "feature.Tokenizer", as.list(environment()))
}

ft_regex_tokenizer <- function(x, input_col = NULL, output_col = NULL, gaps = TRUE, min_token_length = 1,
                               pattern = "\\s+", to_lower_case = TRUE, uid = random_string("regex_tokenizer_")) {
  stage_on(x, "feature.RegexTokenizer", as.list(environment()))
}

# Without `stop_words`, Spark's English ones.
ft_stop_words_remover <- function(x, input_col = NULL, output_col = NULL, case_sensitive = FALSE, stop_words = NULL,
                                  uid = random_string("stop_words_remover_")) {
  stage_on(x, "feature.StopWordsRemover", as.list(environment()))
}

ml_default_stop_words <- function(sc, language = "english", ...) {
  ml_call(connection_in(sc), "spark_pipelines.stop_words", language = language)
}

ft_ngram <- function(x, input_col = NULL, output_col = NULL, n = 2, uid = random_string("ngram_")) {
  stage_on(x, "feature.NGram", as.list(environment()))
}

ft_hashing_tf <- function(x, input_col = NULL, output_col = NULL, binary = FALSE, num_features = 2^18,
                          uid = random_string("hashing_tf_")) {
  stage_on(x, "feature.HashingTF", as.list(environment()))
}

ft_count_vectorizer <- function(x, input_col = NULL, output_col = NULL, binary = FALSE, min_df = 1, min_tf = 1,
                                vocab_size = 2^18, uid = random_string("count_vectorizer_")) {
  stage_on(x, "feature.CountVectorizer", as.list(environment()))
}

ft_idf <- function(x, input_col = NULL, output_col = NULL, min_doc_freq = 0, uid = random_string("idf_")) {
  stage_on(x, "feature.IDF", as.list(environment()))
}

ft_word2vec <- function(x, input_col = NULL, output_col = NULL, vector_size = 100, min_count = 5,
                        max_sentence_length = 1000, num_partitions = 1, step_size = 0.025, max_iter = 1, seed = NULL,
                        uid = random_string("word2vec_")) {
  stage_on(x, "feature.Word2Vec", as.list(environment()))
}
