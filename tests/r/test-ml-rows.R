# Recommendations, frequent sets of items and topics in Spark, against what R computes by the definition of each.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
set.seed(4)
tastes <- outer(runif(12, 1, 2), runif(9, 0.5, 2.5))
all_ratings <- data.frame(`the user` = rep(1:12, 9), item.id = rep(1:9, each = 12), stars = round(as.vector(tastes), 2),
  check.names = FALSE)
held_out <- sort(sample(nrow(all_ratings), 12))
ratings <- all_ratings[-held_out, ]
ratings$stars[[5]] <- NA
rated <- copy_to(con, ratings, "rated", overwrite = TRUE)
known <- ratings[!is.na(ratings$stars), ]
recommender <- suppressMessages(ml_als(rated, stars ~ `the user` + item.id, rank = 2, reg_param = 0.02, seed = 1))
factor_matrix <- function(table) {
  found <- arrange(collect(table), id)
  as.matrix(found[-1], dimnames = list(found$id, NULL))
}

# The factors of users are the ridge regression of their ratings on the factors of items, with the penalty times the number
# of their ratings (Zhou et al., 2008), or for implicit preferences that of Hu, Koren and Volinsky (2008).
users_of <- function(items, penalty, implicit = FALSE) {
  t(sapply(sort(unique(known$`the user`)), function(user) {
    own <- known[known$`the user` == user, ]
    v <- items[own$item.id, , drop = FALSE]
    ridge <- penalty * nrow(own) * diag(ncol(items))
    if (!implicit) return(solve(crossprod(v) + ridge, crossprod(v, own$stars)))
    solve(crossprod(items) + crossprod(v, v * own$stars) + ridge, crossprod(v, 1 + own$stars))
  }))
}

test_that("factors of users solve the regression of their ratings on the factors of items", {
  users <- factor_matrix(recommender$user_factors)
  items <- factor_matrix(recommender$item_factors)
  expect_equal(unname(users), users_of(items, 0.02), tolerance = 1e-3) # Spark's factors have 24 bits
  found <- collect(predict(recommender, rated))
  expect_equal(found$prediction, rowSums(users[found$`the user`, ] * items[found$item.id, ]), tolerance = 1e-5)
  expect_equal(nrow(found), nrow(ratings))
  expect_output(print(recommender), "1 of 96 rows have missing values")
  expect_equal(broom::glance(recommender)$nobs, nrow(known))
  expect_equal(nrow(broom::tidy(recommender)), 12 + 9)
  preferences <- suppressMessages(ml_als(rated, stars ~ `the user` + item.id, rank = 2, reg_param = 0.02, seed = 1,
    implicit_prefs = TRUE, max_iter = 3))
  items <- factor_matrix(preferences$item_factors)
  expect_equal(unname(factor_matrix(preferences$user_factors)), users_of(items, 0.02, TRUE), tolerance = 1e-3)
})

test_that("ratings that the fit has not seen are near, and unknown users have none", {
  new <- copy_to(con, rbind(all_ratings[held_out, ], data.frame(`the user` = c(99, NA), item.id = 1, stars = 1,
    check.names = FALSE)), "new_ratings", overwrite = TRUE)
  predictions <- predict(recommender, new)
  expect_equal(pull(filter(predictions, is.na(prediction)), `the user`), c(99, NA))
  rmse <- suppressMessages(ml_regression_evaluator(predictions, "stars", "prediction"))
  expect_lt(rmse, 0.25 * sd(all_ratings$stars))
  dropping <- recommender
  dropping$cold_start_strategy <- "drop"
  expect_equal(count(predict(dropping, new)) |> pull(n), 12)
})

test_that("recommendations are the items with the greatest predictions", {
  grid <- copy_to(con, all_ratings[1:2], "grid", overwrite = TRUE)
  best <- collect(predict(recommender, grid)) |> group_by(`the user`) |> slice_max(prediction, n = 2) |> ungroup()
  found <- collect(ml_recommend(recommender, "items", n = 2))
  expect_named(found, c("the user", "item.id", "rating"))
  both <- merge(best, found)
  expect_equal(nrow(both), 24)
  expect_equal(both$rating, both$prediction, tolerance = 1e-5)
  expect_equal(nrow(collect(ml_recommend(recommender, "users"))), 9)
})

baskets <- list(c("bread", "milk"), c("bread", "butter", "milk"), c("bread", "butter"), c("beer", "bread", "bread"),
  c("milk", "butter", "bread", NA), "beer")
bought <- data.frame(id = 1:7)
bought$my.items <- c(baskets, list(NULL))
shop <- copy_to(con, bought, "shop", overwrite = TRUE)
shopping <- suppressMessages(ml_fpgrowth(shop, "my.items", min_support = 0.3, min_confidence = 0.6))
share_of <- function(set) mean(vapply(baskets, function(basket) all(set %in% basket), NA))

test_that("frequent sets are those that a count of all sets in R finds", {
  items <- setdiff(unique(unlist(baskets)), NA)
  sets <- unlist(lapply(seq_along(items), function(size) combn(items, size, sort, simplify = FALSE)), recursive = FALSE)
  expected <- Filter(function(set) share_of(set) >= 0.3, sets)
  found <- collect(ml_freq_itemsets(shopping))
  text <- function(sets) vapply(sets, function(set) paste(sort(set), collapse = " "), "")
  expect_setequal(text(found$items), text(expected))
  expect_equal(as.numeric(found$freq), 6 * vapply(found$items, share_of, 0))
})

test_that("rules have the confidence, lift and support of their sets, and give items that a basket lacks", {
  rules <- broom::tidy(shopping)
  both <- Map(c, rules$antecedent, rules$consequent)
  expect_equal(rules$support, vapply(both, share_of, 0))
  expect_equal(rules$confidence, rules$support / vapply(rules$antecedent, share_of, 0))
  expect_equal(rules$lift, rules$confidence / vapply(rules$consequent, share_of, 0))
  expect_true(all(rules$confidence >= 0.6))
  expected <- lapply(baskets, function(basket) {
    holds <- vapply(rules$antecedent, function(set) all(set %in% basket), NA)
    sort(setdiff(unlist(rules$consequent[holds]), basket))
  })
  found <- arrange(collect(predict(shopping, shop)), id)$prediction
  expect_equal(lapply(found[1:6], function(items) sort(as.character(unlist(items)))), lapply(expected, as.character))
  expect_null(found[[7]])
  expect_output(print(shopping), "1 of 7 rows have missing values")
})

texts <- data.frame(id = 1:9, `a text` = c(rep(c("The cat chased a mouse", "a mouse and a cat, a cat", "cat mouse cat"), 1),
  "Stocks fell and bonds rose", "bonds and stocks", "the stocks, the bonds", NA, "zebra", "cat bonds"), check.names = FALSE)
written <- copy_to(con, texts, "written", overwrite = TRUE)
topics <- suppressMessages(ml_lda(filter(written, id <= 7), ~ `a text`, k = 2, max_iter = 30, subsampling_rate = 1, seed = 2,
  pattern = "\\W+", optimize_doc_concentration = FALSE))
counts_of <- function(text) {
  words <- strsplit(tolower(text), "\\W+")
  t(vapply(words, function(own) as.numeric(table(factor(own, topics$vocabulary))), numeric(length(topics$vocabulary))))
}

# Shares of topics by variational inference, and the bound of the log-likelihood (Hoffman, Blei and Bach, 2010).
expected_log <- function(rows) digamma(rows) - digamma(rowSums(rows))

gamma_of <- function(counts, lambda, alpha) {
  beta <- exp(expected_log(lambda))
  gamma <- rep(1, nrow(lambda))
  for (step in 1:500) {
    theta <- exp(digamma(gamma) - digamma(sum(gamma)))
    gamma <- alpha + theta * as.vector(beta %*% (counts / as.vector(theta %*% beta)))
  }
  gamma
}

bound_of <- function(counts, lambda, alpha, eta) {
  gamma <- t(apply(counts, 1, gamma_of, lambda, alpha))
  log_theta <- expected_log(gamma)
  log_beta <- expected_log(lambda)
  words <- sum(vapply(seq_len(nrow(counts)), function(row) {
    sum(counts[row, ] * log(colSums(exp(log_theta[row, ] + log_beta))))
  }, 0))
  prior <- function(expected, values, concentration) {
    sum((concentration - values) * expected + lgamma(values)) - length(values) * lgamma(concentration) +
      sum(lgamma(concentration * ncol(values)) - lgamma(rowSums(values)))
  }
  words + prior(log_theta, gamma, alpha) + prior(log_beta, lambda, eta)
}

test_that("topics are the words that come together, and a document has the shares of variational inference", {
  described <- ml_describe_topics(topics, 2)
  pairs <- tapply(described$term, described$topic, function(terms) paste(sort(terms), collapse = " "))
  expect_setequal(pairs, c("cat mouse", "bonds stocks"))
  expect_equal(as.vector(tapply(broom::tidy(topics)$beta, broom::tidy(topics)$topic, sum)), c(1, 1))
  found <- arrange(collect(predict(topics, written)), id)
  expect_equal(found$prediction[1:6], rep(found$prediction[c(1, 4)], each = 3))
  expect_equal(is.na(found$prediction), c(rep(FALSE, 6), TRUE, TRUE, FALSE)) # no text, and no word that the model knows
  lambda <- t(ml_topics_matrix(topics))
  expected <- t(apply(counts_of(texts$`a text`[1:6]), 1, gamma_of, lambda, topics$doc_concentration))
  expect_equal(unname(as.matrix(found[1:6, c("probability_0", "probability_1")])), expected / rowSums(expected),
    tolerance = 0.01)
  expect_output(print(topics), "topic 1: ")
  expect_equal(broom::glance(topics)$vocab_size, length(topics$vocabulary))
})

test_that("log-likelihood and perplexity are those of the bound", {
  known_texts <- filter(written, id <= 6)
  counts <- counts_of(texts$`a text`[1:6])
  bound <- bound_of(counts, t(ml_topics_matrix(topics)), topics$doc_concentration[[1]], 1 / 2)
  expect_equal(ml_log_likelihood(topics, known_texts), bound, tolerance = 0.01)
  expect_equal(ml_log_perplexity(topics, known_texts), -ml_log_likelihood(topics, known_texts) / sum(counts),
    tolerance = 1e-3)
})

test_that("documents may be lists of words, or columns of counts", {
  counts <- as.data.frame(counts_of(texts$`a text`[1:6]))
  names(counts) <- topics$vocabulary
  of_counts <- ml_lda(copy_to(con, counts, "counted", overwrite = TRUE), ~ ., k = 2, max_iter = 5, seed = 2)
  expect_equal(of_counts$vocabulary, topics$vocabulary)
  expect_equal(rowSums(collect(predict(of_counts, type = "probabilities"))[7:8 - 6 + ncol(counts)]), rep(1, 6))
  lists <- mutate(filter(written, id <= 6), words = split(`a text`, " "))
  of_lists <- ml_lda(lists, ~ words, k = 2, max_iter = 2, stop_words = c("cat", "and"))
  expect_false("cat" %in% of_lists$vocabulary)
  expect_true("the" %in% of_lists$vocabulary)
})

test_that("calls that cannot work are explained in one sentence", {
  expect_sentence <- function(call, pattern) {
    error <- expect_error(suppressMessages(call), pattern, class = "rc2_error")
    expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|\\n", conditionMessage(error)))
  }
  odd <- data.frame(user = c("a", "b"), item = c(1, 2.5), rating = 1:2, none = NA_real_)
  named <- copy_to(con, odd, "named", overwrite = TRUE)
  expect_sentence(ml_als(named), "user is of type character, and ml_als\\(\\) takes a number there")
  expect_sentence(ml_als(named, user_col = "item", item_col = "item"), "number them first")
  expect_sentence(ml_als(named, rating_col = "none", user_col = "rating"), "No row is complete")
  expect_sentence(ml_als(named, rating ~ user), "rating ~ user \\+ item")
  expect_sentence(ml_als(named, rank = 0), "rank is the number of factors")
  expect_sentence(ml_als(named, max_iter = 51), "max_iter is from 1 to 50")
  expect_sentence(ml_recommend(recommender, n = 0), "n is the number of recommendations")
  expect_sentence(ml_recommend(topics), "model of ml_als")
  expect_sentence(predict(recommender, named), "no column the user")
  expect_sentence(ml_fpgrowth(named, "user"), "has to be a list of items")
  expect_sentence(ml_fpgrowth(named), "no column items")
  expect_sentence(ml_fpgrowth(shop, "my.items", min_support = 3), "from 0 to 1")
  expect_sentence(ml_freq_itemsets(topics), "model of ml_fpgrowth")
  expect_sentence(ml_lda(written, ~ `a text`, k = 1), "2 or more")
  expect_sentence(ml_lda(written, id ~ `a text`), "has no response")
  expect_sentence(ml_lda(written, ~ gone), "no column gone")
  expect_sentence(ml_lda(mutate(rated, lost = -stars), ~ lost + stars), "rows have a negative number")
  expect_sentence(ml_log_likelihood(recommender, written), "of a model of ml_lda")
})
