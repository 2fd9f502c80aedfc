# Runs one piece with knitr, so that options, engines, children, inline R and messages are knitr's own. ASCII only.

folder <- "" # of figures
numbering <- NULL # that of the head, as numbering_of() gives it
ERROR_BEGIN <- "<div class=\"rc2-error\">"

# Prepares knitr as rmarkdown::render() does for the first format of this document, given its head.
prepare_knitr <- function(head, figures) {
  folder <<- figures
  format <- format_of_head(head)
  numbering <<- numbering_of(format)
  knitr::opts_knit$restore()
  for (kept in knitr_settings()) kept$restore()
  knitr::render_markdown()
  knitr::opts_knit$set(
    progress = FALSE, verbose = FALSE, out.format = "markdown", output.dir = getwd(), child = TRUE,
    rmarkdown.pandoc.to = "html", rmarkdown.version = 2L, rmarkdown.runtime = "static")
  do.call(knitr::opts_knit$set, as.list(format$knitr$opts_knit))
  knitr::opts_chunk$set(error = FALSE)
  do.call(knitr::opts_chunk$set, as.list(format$knitr$opts_chunk))
  do.call(knitr::opts_template$set, as.list(format$knitr$opts_template))
  do.call(knitr::knit_hooks$set, as.list(format$knitr$knit_hooks))
  go_on_after_errors()
  do.call(knitr::opts_hooks$set, as.list(format$knitr$opts_hooks))
  # a null device, as of knit(); the cache of knitr would keep what this keeps
  knitr::opts_hooks$set(cache = function(options) utils::modifyList(options, list(cache = FALSE)))
  options(knitr.duplicate.label = "allow", knitr.in.progress = TRUE, useFancyQuotes = FALSE,
    device = function(...) grDevices::pdf(NULL, ...))
  knit_piece(list(text = "```{r}\n1\n```")) # knitr sets some options at its first chunk
}

# The format of the head if it is one of HTML, with its options for figures; for another one of bookdown, its HTML.
output_format <- function(head) {
  file <- tempfile(fileext = ".Rmd")
  on.exit(unlink(file))
  writeLines(head, file, useBytes = TRUE)
  format <- tryCatch(rmarkdown::resolve_output_format(file), error = function(error) NULL)
  if (!is.null(format) && startsWith(format$pandoc$to, "html")) return(format)
  if (is.null(format$bookdown_output_format)) rmarkdown::html_document() else bookdown::html_document2()
}

# What the HTML of the format has beside that of its pieces: numbers of sections, and bookdown's numbers and references.
numbering_of <- function(format) {
  has_references <- !is.null(format$bookdown_output_format)
  list(
    sections = "--number-sections" %in% format$pandoc$args,
    references = has_references,
    filter = if (has_references) system.file("rmarkdown", "lua", "custom-environment.lua", package = "bookdown"),
    shared = if (has_references) system.file("rmarkdown", "lua", "shared.lua", package = "rmarkdown"))
}

# An error ends render(), unless the chunk has error=TRUE. Here it is shown at its chunk, and the chunks below it run.
go_on_after_errors <- function() {
  knitr::opts_hooks$set(error = function(options) {
    options$rc2.stops <- !isTRUE(options$error)
    options$error <- TRUE
    options
  })
  show <- knitr::knit_hooks$get("error")
  knitr::knit_hooks$set(error = function(x, options) {
    shown <- show(x, options)
    if (isTRUE(options$rc2.stops)) paste0("\n\n", ERROR_BEGIN, shown, "\n\n</div>\n\n") else shown
  })
}

# Whether the piece has called knit_exit(): knitr then leaves out what comes after it, here the last line.
has_exited <- function(piece) {
  if (!any(grepl("knit_exit", piece$symbols))) return(FALSE)
  left <- knitr::knit_child(text = c("", "```{r}", "```", "", "after"), quiet = TRUE)
  knitr::knit_exit(NULL, NULL)
  !grepl("after", left)
}

# The markdown of a piece, the files and dependencies that it needs, the seconds that it took, and whether the document ends.
knit_piece <- function(piece) {
  name <- substr(digest::digest(piece$text), 1, 12)
  # of its own for each run: the record of an earlier run, which an undone edit shows again, keeps its figures
  place <- file.path(folder, new_version())
  figures <- file.path(place, "")
  before <- list(label = knitr::opts_knit$get("unnamed.chunk.label"), path = knitr::opts_chunk$get("fig.path"))
  knitr::opts_knit$set(unnamed.chunk.label = name)
  knitr::opts_chunk$set(fig.path = figures)
  knitr::knit_code$restore(as.list(piece$others))
  started <- proc.time()[[3]]
  markdown <- if (!is.null(piece$problem)) error_block(piece$problem) else tryCatch(
    suppressMessages(knitr::knit_child(text = piece$text, envir = globalenv(), quiet = TRUE)),
    error = function(error) error_block(conditionMessage(error)))
  seconds <- proc.time()[[3]] - started
  exits <- has_exited(piece)
  knitr::opts_knit$set(unnamed.chunk.label = before$label)
  if (identical(knitr::opts_chunk$get("fig.path"), figures)) knitr::opts_chunk$set(fig.path = before$path)
  needs <- knitr::knit_meta(clean = TRUE)
  list(markdown = paste(markdown, collapse = "\n"), needs = needs, seconds = seconds, place = place, exits = exits)
}

error_block <- function(message) {
  sprintf("\n\n%s\n\n```\n%s\n```\n\n</div>\n\n", ERROR_BEGIN, gsub("```", "'''", message, fixed = TRUE))
}
