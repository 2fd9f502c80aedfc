# The calls of "Text mining with Spark & sparklyr", https://spark.posit.co/guides/textmining.html, with lines in place of books
sc <- rc2_spark(service)
twain <- copy_to(sc, data.frame(line = c("The river was wide, and the raft small.", "", "A raft on the river!")), "twain",
  overwrite = TRUE)
doyle <- copy_to(sc, data.frame(line = c("The case: a letter without a stamp;", "the letter was elementary.")), "doyle",
  overwrite = TRUE)

all_words <- doyle |>
  mutate(author = "doyle") |>
  sdf_bind_rows({
    twain |>
      mutate(author = "twain")
  }) |>
  filter(nchar(line) > 0) |>
  mutate(line = regexp_replace(line, "[_\"\'():;,.!?\\-]", " ")) |>
  ft_tokenizer(input_col = "line", output_col = "word_list") |>
  ft_stop_words_remover(input_col = "word_list", output_col = "wo_stop_words") |>
  mutate(word = explode(wo_stop_words)) |>
  select(word, author) |>
  filter(nchar(word) > 2) |>
  compute("all_words")
word_count <- all_words |>
  count(author, word) |>
  collect()
expect_setequal(word_count$word[word_count$n == 2], c("river", "raft", "letter"))
