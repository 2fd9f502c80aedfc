# Feature transformers of text, against words that R counts.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
texts <- c("The cat sat on the mat", "the dog, the cat!", "Birds sing", "a dog sings to the birds")
documents <- copy_to(con, data.frame(id = 1:4, `the text` = texts, check.names = FALSE), "documents", overwrite = TRUE)
words <- documents |> ft_regex_tokenizer("the text", "words", pattern = "\\W+") |>
  ft_stop_words_remover("words", "content")
expected <- strsplit(tolower(texts), "\\W+")

test_that("texts are split, and words of no content are removed", {
  found <- words |> ft_tokenizer("the text", "by blanks") |> ft_ngram("words", "pairs") |> collect()
  expect_equal(found$`by blanks`, strsplit(tolower(texts), " "))
  expect_equal(found$words, expected)
  expect_equal(found$content, lapply(expected, setdiff, ml_default_stop_words(con)))
  expect_equal(found$pairs, lapply(expected, function(words) paste(head(words, -1), tail(words, -1))))
  own <- collect(ft_stop_words_remover(words, "words", "rest", stop_words = "the"))$rest
  expect_equal(own, lapply(expected, setdiff, "the"))
})

test_that("tf-idf is that of the formula", {
  model <- ml_fit(ml_pipeline(con) |> ft_count_vectorizer("words", "counts") |> ft_idf("counts", "tf_idf"), words)
  vocabulary <- ml_stage(model, "count")$vocabulary
  expect_setequal(vocabulary, unique(unlist(expected)))
  counts <- t(vapply(expected, function(words) as.numeric(table(factor(words, vocabulary))), numeric(length(vocabulary))))
  weights <- log((4 + 1) / (colSums(counts > 0) + 1))
  found <- collect(ml_transform(model, words))
  expect_equal(do.call(rbind, found$counts), counts)
  expect_equal(do.call(rbind, found$tf_idf), sweep(counts, 2, weights, "*"))
  expect_equal(ml_stage(model, 2)$idf, weights)
  hashed <- collect(ft_hashing_tf(words, "words", "hashed", num_features = 1000))$hashed
  expect_equal(lapply(hashed, function(vector) sort(vector[vector > 0])),
    lapply(expected, function(words) sort(as.numeric(table(words)))))
})

test_that("the vector of a text is the mean of those of its words, and a seed gives it again", {
  stage <- ft_word2vec(con, "content", "vector", vector_size = 4, min_count = 1, seed = 7)
  model <- ml_fit(stage, words)
  single <- copy_to(con, data.frame(content = I(list("cat", "dog", c("cat", "dog")))), "single", overwrite = TRUE)
  found <- pull(ml_transform(model, single), vector)
  expect_equal(found[[3]], (found[[1]] + found[[2]]) / 2, tolerance = 1e-6)
  expect_equal(pull(ml_transform(ml_fit(stage, words), single), vector), found)
})

test_that("calls of text that cannot work are explained in one sentence", {
  expect_sentence <- function(call, pattern) {
    error <- expect_error(call, pattern)
    text <- conditionMessage(if (is.null(error$parent)) error else error$parent)
    expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|invoke", text), label = text)
  }
  gap <- copy_to(con, data.frame(t = c("a b", NA), x = 1:2), "gap_of_text", overwrite = TRUE)
  expect_sentence(collect(ft_tokenizer(gap, "t", "w")), "A value is missing")
  expect_sentence(ft_tokenizer(gap, "x", "w"), "reads a text in the column x")
  expect_sentence(ft_hashing_tf(gap, "t", "w"), "ft_tokenizer\\(\\) makes one")
  expect_sentence(ft_count_vectorizer(con, "my.words", "w"), "its name has a dot")
  expect_sentence(ml_default_stop_words(con, "klingon"), "no stop words of klingon")
})
