# What rmarkdown and knitr can do with a Quarto document: its first format, the options of the format that have a counterpart,
# and `execute` of the head, the options of all chunks. knit.R and live/serve.R source this into an environment. ASCII only.

FORMATS <- c(html = "html_document", docx = "word_document", pdf = "pdf_document", typst = "pdf_document")
# Options of a format, and the arguments of rmarkdown's formats for them.
ARGUMENTS <- c(
  "toc" = "toc", "toc-depth" = "toc_depth", "number-sections" = "number_sections", "fig-width" = "fig_width",
  "fig-height" = "fig_height", "css" = "css")

is_quarto <- function(document) grepl("\\.qmd$", document, ignore.case = TRUE)

# The head of a file as a list; empty without one.
head_of <- function(file) {
  settings <- rmarkdown::yaml_front_matter(file)
  if (is.list(settings)) settings else list()
}

# rmarkdown's name of the first format in the head; any that it does not know becomes HTML.
format_name <- function(settings) {
  formats <- settings$format
  first <- if (is.character(formats)) formats[[1]] else c(names(formats), "html")[[1]]
  name <- FORMATS[sub("[-+].*", "", first)]
  if (is.na(name)) FORMATS[["html"]] else name[[1]]
}

# The format for render(): `format` is the name of one of rmarkdown's, or a format.
complete_format <- function(format, settings) {
  if (is.character(format)) format <- do.call(get(format, asNamespace("rmarkdown")), arguments_of(format, settings))
  knitr <- rmarkdown::knitr_options(
    opts_chunk = chunk_options(settings), opts_hooks = list(output = apply_output, echo = apply_echo))
  rmarkdown::output_format(knitr, pandoc = NULL, clean_supporting = format$clean_supporting, base_format = format)
}

arguments_of <- function(name, settings) {
  formats <- settings$format
  own <- if (is.list(formats) && format_name(settings) == name && is.list(formats[[1]])) formats[[1]] else list()
  options <- utils::modifyList(settings[names(settings) != "format"], own)
  options <- options[intersect(names(ARGUMENTS), names(options))]
  arguments <- stats::setNames(options, ARGUMENTS[names(options)])
  if (!is.null(own[["code-fold"]])) arguments$code_folding <- if (isFALSE(own[["code-fold"]])) "none" else
    if (identical(own[["code-fold"]], "show")) "show" else "hide"
  arguments[intersect(names(arguments), names(formals(get(name, asNamespace("rmarkdown")))))]
}

# As Quarto's own script for knitr has them: outputs without a comment sign, and `warning` is about messages, too.
chunk_options <- function(settings) {
  options <- as.list(settings$execute)
  options <- options[setdiff(names(options), c("enabled", "freeze", "daemon", "debug"))]
  if (is.null(options$message)) options$message <- options$warning
  names(options) <- sub("^(fig|out)-", "\\1.", names(options))
  utils::modifyList(c(list(comment = NA), options), as.list(settings$knitr$opts_chunk))
}

# `output` is an option of Quarto's chunks.
apply_output <- function(options) {
  if (isFALSE(options$output)) options[c("results", "fig.show", "warning", "message")] <- list("hide", "hide", FALSE, FALSE)
  if (identical(options$output, "asis")) options$results <- "asis"
  options
}

# `echo: fenced` shows the options, too, which knitr does not do.
apply_echo <- function(options) {
  if (identical(options$echo, "fenced")) options$echo <- TRUE
  options
}
