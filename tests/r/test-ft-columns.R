# Feature transformers of numbers and classes, against what R computes of the same rows.
suppressMessages(library(dplyr, warn.conflicts = FALSE))
con <- rc2_connect(service)
source("small_tables.R", local = TRUE)
in_spark <- function(data) copy_to(con, data, basename(tempfile("data_")))
stacked <- function(vectors) do.call(rbind, vectors)
bare <- function(matrix) matrix(as.vector(matrix), nrow(matrix))
flowers <- in_spark(iris)
cars <- in_spark(mtcars)
names <- c("Sepal.Length", "Petal.Width")
numbers <- bare(as.matrix(iris[names]))

test_that("scalers of a vector have the numbers of scale() and its like, in list columns of numbers", {
  pipeline <- ml_pipeline(con) |> ft_vector_assembler(names, "the features") |>
    ft_standard_scaler("the features", "standard", with_mean = TRUE) |>
    ft_min_max_scaler("the features", "min max", -1, 1) |>
    ft_max_abs_scaler("the features", "max.abs") |> ft_robust_scaler("the features", "robust") |>
    ft_normalizer("the features", "normal", p = 1) |> ft_polynomial_expansion("the features", "expanded")
  lazy <- ml_fit_and_transform(pipeline, flowers)
  expect_match(paste(capture.output(print(select(lazy, robust))), collapse = " "), "<dbl [2]>", fixed = TRUE)
  found <- collect(lazy)
  expect_identical(found$`the features`[[2]], c(4.9, 0.2))
  expect_equal(stacked(found$standard), bare(scale(numbers)))
  expect_equal(stacked(found$`min max`), apply(numbers, 2, function(x) (x - min(x)) / (max(x) - min(x)) * 2 - 1))
  expect_equal(stacked(found$max.abs), sweep(numbers, 2, apply(numbers, 2, max), "/"))
  quartiles <- apply(numbers, 2, quantile, c(0.25, 0.5, 0.75), type = 1)
  expect_equal(stacked(found$robust), bare(scale(numbers, quartiles[2, ], quartiles[3, ] - quartiles[1, ])))
  expect_equal(stacked(found$normal), numbers / rowSums(numbers))
  x <- numbers[, 1]
  y <- numbers[, 2]
  expect_equal(stacked(found$expanded), bare(cbind(x, x^2, y, x * y, y^2)))
})

test_that("principal components are those of prcomp(), and interactions products of all elements", {
  found <- flowers |> ft_vector_assembler(names, "f") |> ft_pca("f", "components", k = 2) |>
    ft_interaction(c("Petal.Length", "f"), "products") |> collect()
  expect_equal(abs(stacked(found$components)), abs(bare(numbers %*% prcomp(numbers)$rotation)))
  expect_equal(stacked(found$products), iris$Petal.Length * numbers)
})

test_that("numbers are cut as by cut(), and missing ones stay missing", {
  data <- data.frame(`a b.c` = c(-3, 0, 0.5, 1, 2, NA, 7), check.names = FALSE)
  x <- data$`a b.c`
  table <- in_spark(data)
  found <- table |> ft_binarizer("a b.c", "binary", 0.5) |>
    ft_imputer("a b.c", "mean") |> ft_imputer("a b.c", "median", strategy = "median") |>
    ft_bucketizer("mean", "bucket", c(-Inf, 0, 1, 7)) |>
    ft_quantile_discretizer("mean", "third", num_buckets = 3) |> collect()
  expect_equal(found$binary, as.numeric(x > 0.5))
  mean <- ifelse(is.na(x), mean(x, na.rm = TRUE), x)
  expect_equal(found$mean, mean)
  expect_equal(found$median[[6]], unname(quantile(x, 0.5, na.rm = TRUE, type = 1)))
  expect_equal(found$bucket, as.integer(cut(mean, c(-Inf, 0, 1, 7), right = FALSE, include.lowest = TRUE)) - 1)
  at <- c(-Inf, quantile(mean, 1:2 / 3, type = 1), Inf)
  expect_equal(found$third, as.integer(cut(mean, at, right = FALSE)) - 1)
  expect_equal(pull(ft_bucketizer(table, "a b.c", "bucket", c(-Inf, 1, Inf)), bucket), as.numeric(x >= 1))
})

test_that("classes are numbers from the most frequent one, and columns as of model.matrix()", {
  data <- data.frame(`kind of` = factor(c("b", "a", "b", "c", "a", "b")), check.names = FALSE)
  indexed <- in_spark(data) |> ft_string_indexer("kind of", "index") |> ft_index_to_string("index", "back") |>
    ft_one_hot_encoder("index", "columns") |> collect()
  expect_equal(indexed$index, c(0, 1, 0, 2, 1, 0))
  expect_equal(indexed$back, as.character(data$`kind of`))
  codes <- model.matrix(~ f, data.frame(f = factor(indexed$index)), contrasts.arg = list(f = contr.treatment(3, base = 3)))
  expect_equal(stacked(indexed$columns), bare(codes[, -1]))
})

test_that("the features of a formula are the columns of model.matrix(), and its label the response", {
  same_columns <- function(table, formula, data) {
    expect_equal(stacked(collect(ft_r_formula(table, formula))$features), bare(model.matrix(formula, data)[, -1]))
  }
  same_columns(cars, mpg ~ log(wt) * factor(cyl) + I(hp^2), mtcars)
  same_columns(flowers, Species ~ . - Petal.Length, iris)
  kind <- in_spark(transform(mtcars, kind = ifelse(am == 1, "manual", "automatic")))
  expect_equal(pull(ft_r_formula(kind, kind ~ wt, label_col = "am or not"), "am or not"), mtcars$am)
  gap <- in_spark(data.frame(y = c(1, 2, NA, 4), x = c(NA, 1, 2, 3)))
  expect_message(left <- ft_r_formula(gap, y ~ x, handle_invalid = "skip"), "2 of 4 rows have missing values", fixed = TRUE)
  expect_equal(pull(left, label), c(2, 4))
})

test_that("SQL and the verbs of dplyr are stages, too", {
  heavy <- cars |> filter(wt > 3) |> mutate(ratio = hp / wt) |> select(mpg, ratio)
  stage <- ft_dplyr_transformer(con, heavy)
  other <- in_spark(head(mtcars, 6))
  expected <- head(mtcars, 6) |> filter(wt > 3) |> mutate(ratio = hp / wt) |> select(mpg, ratio)
  expect_equal(as.list(collect(ml_transform(stage, other))), as.list(expected))
  twice <- ft_sql_transformer(other, "SELECT wt * 2 AS twice FROM __THIS__")
  expect_equal(pull(twice, twice), head(mtcars$wt, 6) * 2)
})

test_that("calls of transformers that cannot work are explained in one sentence", {
  odd <- in_spark(data.frame(x = c(1, NA, -3), t = c("a b", "b", NA), y = c(1, 0, 1)))
  expect_sentence <- function(call, pattern) {
    error <- expect_error(call, pattern)
    text <- paste(conditionMessage(error), conditionMessage(if (is.null(error$parent)) error else error$parent))
    expect_false(grepl("java|scala|org\\.apache|Traceback|py4j|Lambda|\\[[A-Z_]+\\]", text), label = text)
  }
  expect_sentence(ft_vector_assembler(odd, c("x", "gone"), "f"), "no column gone")
  expect_sentence(ft_vector_assembler(odd, c("x", "t"), "f"), "string of column t is not supported")
  expect_sentence(ft_vector_assembler(odd, "x", "x"), "Output column x already exists")
  expect_sentence(ft_vector_assembler(odd, 3, "f"), "names of columns as text")
  expect_sentence(collect(ft_vector_assembler(odd, "x", "f")), "null while assembling a row")
  expect_sentence(ft_standard_scaler(odd, "x", "f"), "ft_vector_assembler\\(\\) makes one")
  expect_sentence(ft_binarizer(odd, "t", "f"), "reads a number in the column t")
  expect_sentence(ft_pca(odd, "x", "f", k = 1), "ft_vector_assembler\\(\\) makes one")
  expect_sentence(ft_pca(odd, "x", "f"), "k is the number of components")
  expect_sentence(ft_interaction(odd, "x", "f"), "two columns or more")
  expect_sentence(ft_bucketizer(odd, "x", "f", c(2, 1, 0)), "three or more numbers that rise")
  expect_sentence(collect(ft_bucketizer(odd, "y", "f", c(1, 2, 3))), "out of Bucketizer bounds")
  expect_sentence(collect(ft_string_indexer(odd, "t", "i")), "StringIndexer encountered NULL")
  expect_sentence(ft_imputer(odd, "x", "i", strategy = "best"), "^strategy cannot be best[.]$")
  expect_sentence(ft_one_hot_encoder(filter(odd, !is.na(x)), "x", "i"), "must be indices, but got -3")
  expect_sentence(ft_sql_transformer(odd, "SELECT 1"), "SQL about __THIS__")
  expect_sentence(ft_dplyr_transformer(odd, inner_join(odd, cars, by = c(x = "mpg"))), "without a join or a union")
  expect_sentence(ft_r_formula(odd, y ~ x), "1 of 3 rows have missing values; handle_invalid")
  expect_sentence(ft_r_formula(odd, y ~ poly(x, 2)), "cannot have poly")
  expect_sentence(ft_r_formula(cars, hp ~ wt, label_col = "mpg"), "has a column mpg already")
  expect_sentence(ft_tokenizer(con, "t", "w", uid = "a b"), "uid is one text")
  expect_sentence(ft_standard_scaler(iris, "x", "f"), "must be a table in Spark")
})
