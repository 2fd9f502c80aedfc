# What dplyr users do on PostgreSQL beside queries. `service` is a service with a grant to read.
suppressMessages(library(dplyr))
con <- rc2_connect(service)

letters_of <- function(table) paste(with(arrange(collect(table), k), paste0(k, v)), collapse = " ")
few <- data.frame(k = 1:3, v = c("a", "b", "c"))

test_that("a reader copies a data frame into a temporary table", {
  copied <- copy_to(con, few, "few")
  expect_equal(letters_of(copied), "1a 2b 3c")
  expect_error(copy_to(con, few, "few"), class = "error")
  expect_equal(letters_of(copy_to(con, few[1:2, ], "few", overwrite = TRUE)), "1a 2b")
  expect_error(copy_to(con, few, "kept", temporary = FALSE), class = "error")
})

test_that("compute() keeps the rows as they are now", {
  copied <- copy_to(con, few, "few", overwrite = TRUE)
  kept <- compute(mutate(copied, r = runif(n())))
  expect_identical(collect(kept), collect(kept))
  compute(filter(copied, k > 1L), name = "named")
  expect_equal(letters_of(tbl(con, "named")), "2b 3c")
})

test_that("rows are changed by rows_*(), in a copy and in place", {
  copied <- copy_to(con, few, "few", overwrite = TRUE)
  new <- copy_to(con, data.frame(k = 3:4, v = c("C", "d")), "new_rows", overwrite = TRUE)
  expect_equal(letters_of(rows_upsert(copied, new, by = "k")), "1a 2b 3C 4d")
  expect_equal(letters_of(rows_insert(copied, new, by = "k", conflict = "ignore")), "1a 2b 3c 4d")
  expect_equal(letters_of(rows_update(copied, new, by = "k", unmatched = "ignore")), "1a 2b 3C")
  expect_equal(letters_of(rows_delete(copied, select(new, k), by = "k", unmatched = "ignore")), "1a 2b")
  expect_equal(letters_of(copied), "1a 2b 3c")
  rows_update(copied, new, by = "k", unmatched = "ignore", in_place = TRUE)
  rows_append(copied, filter(new, k == 4L), in_place = TRUE)
  expect_equal(letters_of(copied), "1a 2b 3C 4d")
  rows_delete(copied, select(new, k), by = "k", unmatched = "ignore", in_place = TRUE)
  expect_equal(letters_of(copied), "1a 2b")
})

test_that("a few rows, one column and a glimpse of a table", {
  copied <- copy_to(con, few, "few", overwrite = TRUE)
  expect_equal(nrow(collect(copied, n = 2)), 2)
  expect_equal(pull(arrange(copied, desc(k)), v), c("c", "b", "a"))
  expect_output(glimpse(copied), "Columns: 2")
  expect_equal(letters_of(tbl(con, dbplyr::in_schema("pg_temp", "few"))), "1a 2b 3c")
})

test_that("a function that depends on the order of rows asks for an order", {
  copied <- copy_to(con, few, "few", overwrite = TRUE)
  expect_error(collect(mutate(copied, before = lag(v))), "Rows in a database have no order")
  expect_error(collect(summarise(copied, one = first(v))), "Rows in a database have no order")
})

test_that("a lazy table in a notebook is a table with types, made by one query", {
  skip_if_not_installed("IRdisplay") # a server without notebooks
  copied <- copy_to(con, data.frame(k = 1:20, v = "<b>"), "many", overwrite = TRUE)
  shuffled <- group_by(mutate(copied, k = as.integer(runif(n(), 1e8, 1e9))), v)
  types <- c("text/plain", "text/html", "text/markdown", "text/latex")
  shown <- IRdisplay::prepare_mimebundle(shuffled, types)$data
  expect_named(shown, c("text/plain", "text/html"))
  numbers_in <- function(text) unlist(regmatches(text, gregexpr("[0-9]{9}", text)))
  expect_length(numbers_in(shown[["text/html"]]), 10)
  expect_equal(numbers_in(shown[["text/plain"]]), numbers_in(shown[["text/html"]]))
  expect_match(shown[["text/html"]], "the first 10 rows, 2 columns, PostgreSQL .*, groups: v</caption>")
  expect_match(shown[["text/html"]], "<th scope=col>&lt;int&gt;</th><th scope=col>&lt;chr&gt;</th>", fixed = TRUE)
  expect_match(shown[["text/html"]], "<td>&lt;b&gt;</td>", fixed = TRUE)
  expect_match(shown[["text/plain"]], "<int> +<chr>")
})

test_that("a lazy table in R Markdown is its first rows with a note, for each df_print", {
  copied <- copy_to(con, data.frame(k_a = 100001:102000), "many", overwrite = TRUE)
  document <- c("---", "output: {html_document: {df_print: %s}}", "---", "```{r}", "copied", "```")
  written <- function(how) {
    dir.create(folder <- tempfile())
    file <- file.path(folder, "document.Rmd")
    writeLines(sub("%s", how, document, fixed = TRUE), file)
    rmarkdown::render(file, quiet = TRUE, run_pandoc = FALSE, clean = FALSE, envir = environment())
    paste(readLines(list.files(folder, "[.]md$", full.names = TRUE)), collapse = "\n")
  }
  rows_in <- function(text) lengths(regmatches(text, gregexpr("10[0-9]{4}", text)))
  for (how in c("default", "tibble", "kable")) expect_equal(rows_in(written(how)), 10)
  expect_match(written("kable"), "100010| *\n\n.*\nA lazy table: the first 10 rows, 1 columns, PostgreSQL .*k")
  expect_match(written("tibble"), "# Source: +table<many>")
  expect_equal(rows_in(written("paged")), 1000)
})

test_that("only where() asks the database for the types of columns", {
  copied <- copy_to(con, few, "few", overwrite = TRUE)
  refused <- mutate(copied, none = sql("1 / 0"))
  expect_equal(colnames(select(refused, k, starts_with("v"))), c("k", "v"))
  expect_error(select(refused, where(is.numeric)), "division by zero")
})

test_that("a share of the rows of each group, and what a database cannot sample", {
  copied <- copy_to(con, data.frame(g = rep(c("a", "b"), c(4, 3)), x = 1:7), "few", overwrite = TRUE)
  expect_equal(sort(pull(slice_sample(copied, prop = 0.5, by = g), g)), c("a", "a", "b"))
  expect_equal(nrow(collect(slice_sample(copied, n = 2, by = g))), 4)
  expect_equal(nrow(collect(slice_sample(copied))), 1)
  expect_equal(nrow(collect(sample_n(copied, 2, weight = NULL))), 2)
  expect_error(slice_sample(copied, prop = 0.5, seed = 1), "unused argument")
  shares <- replicate(20, toString(sort(pull(sample_frac(copied, 0.5), x))))
  expect_gt(length(unique(shares)), 1)
  expect_error(sample_frac(copied, 2), "size is the share of rows, a number from 0 to 1.", fixed = TRUE)
  expect_error(slice_sample(copied, prop = NA), "prop is the share of rows")
  expect_error(slice_sample(copied, n = 2, replace = TRUE), "no sample by weight or with replacement")
  expect_error(sample_n(copied, 2, weight = x), "no sample by weight or with replacement")
})
