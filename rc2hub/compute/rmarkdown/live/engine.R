# A live R Markdown document: after an edit, only the pieces run again whose text or inputs have changed.
#
# A piece is a chunk, or text with inline R. Each variable is put into the workspace as a promise that notes when it is
# forced, so what a piece reads is known after it has run; its record is good as long as all that it read is the same (known
# from build systems as verifying traces: https://doi.org/10.1145/3236774). A value that comes out identical keeps its version,
# so a change ends where it changes nothing.
#
# The engine needs the packages knitr, rmarkdown and digest, and an R of its own. Use in R:
#
#   live <- new.env()
#   for (file in c("values", "settings", "pieces", "trace", "knitting", "pass", "engine")) sys.source(paste0(file, ".R"), live)
#   live$open_document(tempfile("figures-"))
#   live$update_document(head, texts, function(i, record, ran) ..., begin = function(i) ...)
#
# `head` is the document's head in YAML, "" without one, and `texts` are its pieces in order; for each, `record$output` has
# `markdown`, `needs` (what knitr::knit_meta() has), `seconds`, `place`, the folder
# of its figures, and `exits`, true for the last one if the document ends there by knit_exit(). Not observed are the time, the network, changes of a
# database by others, folders that are listed, and names of files that are put together inside of a call. ASCII only.

head_now <- NULL
parameters <- NULL

open_document <- function(figures) {
  folder <<- figures
  base_names <<- ls(globalenv(), all.names = TRUE)
  initial <<- NULL
  records <<- list()
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
  values <- lapply(knitr::knit_params(head), function(param) param$value)
  if (!identical(parameters$params$value, values)) parameters <<- list(params = list(value = values, version = new_version()))
  if (!length(values)) parameters <<- list()
  head_now <<- head
}

# The numbers of the records that there are; others do not come back.
record_ids <- function() vapply(records, function(record) record$id, 0L)
