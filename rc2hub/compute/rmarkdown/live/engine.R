# A live R Markdown document: after an edit, only the pieces run again whose text or inputs have changed.
#
# A piece is a chunk, or text with inline R. Each variable is put into the workspace as a promise that notes when it is
# forced, so what a piece reads is known after it has run; its record is valid as long as all that it read is the same (known
# from build systems as verifying traces: https://doi.org/10.1145/3236774). A value that comes out identical keeps its version,
# so a change ends where it changes nothing.
#
# The engine needs the packages knitr, rmarkdown, rlang and digest, and an R of its own. Use in R:
#
#   live <- new.env()
#   for (file in c("values", "settings", "pieces", "trace", "knitting", "pass", "keep", "engine")) sys.source(paste0(file, ".R"), live)
#   live$open_document(tempfile("figures-"))
#   live$update_document(head, texts, function(i, record, ran) ..., begin = function(i) ...)
#
# `format_of` of open_document() is a function that returns rmarkdown's format for a head, for other documents than R Markdown;
# `services_of` are files that change with the services that chunks connect to: then a piece that has failed runs again. `kept`
# is the file in which keep_records() keeps the results for the next R that opens the document.
# `head` is the document's head in YAML, "" without one, and `texts` are its pieces in order; for each, `record$output` has
# `markdown`, `needs` (what knitr::knit_meta() has), `seconds`, `place`, the folder of its figures, and `exits`, true for the
# last one if the document ends there by knit_exit(). Not observed are the time, the network, changes of a database by others,
# folders that are listed, and names of files that are put together inside of a call. ASCII only.

head_now <- NULL
format_of_head <- NULL
parameters <- NULL
services <- character()
has_begun <- FALSE

open_document <- function(figures, format_of = output_format, services_of = character(), kept = NULL) {
  folder <<- figures
  keep_file <<- kept
  format_of_head <<- format_of
  services <<- services_of
  base_names <<- ls(globalenv(), all.names = TRUE)
  initial <<- NULL
  records <<- list()
  has_begun <<- FALSE
}

update_document <- function(head, texts, emit, begin = function(i) NULL) {
  if (!identical(head, head_now)) read_head(head)
  run_pass(read_pieces(texts), parameters, emit, begin)
}

# The format's options for chunks, and `params`, the values of the head.
read_head <- function(head) {
  if (!is.null(initial)) restore_settings(initial$value)
  prepare_knitr(head, folder)
  settings <- take_settings()
  # knitr makes its hooks each time
  if (!identical(initial$value, settings, ignore.environment = TRUE)) initial <<- list(value = settings, version = new_version(), path_version = 0L)
  if (!has_begun) begin_with_kept(head)
  values <- lapply(knitr::knit_params(head), function(param) param$value)
  if (!identical(parameters$params$value, values)) parameters <<- list(params = list(value = values, version = new_version()))
  if (!length(values)) parameters <<- list()
  head_now <<- head
}

# A file that another version has made, or that is damaged, is as none.
begin_with_kept <- function(head) {
  has_begun <<- TRUE
  if (is.null(keep_file) || !file.exists(keep_file)) return()
  tryCatch(restore_records(head), error = function(error) {
    unlink(keep_file)
    records <<- list()
  })
}

# The numbers of the records that there are; others do not come back.
record_ids <- function() vapply(records, function(record) record$id, 0L)
