# Knits a document in a new R: the name of the document in the working directory, the format (`own`, `html`, `word` or `pdf`),
# the folder of the output, the number of the file descriptor for reports, each of which is a line of JSON, and the file
# quarto.R. See knit.py.
# ASCII only.
local({
  arguments <- commandArgs(trailingOnly = TRUE)
  document <- arguments[[1]]
  requested <- arguments[[2]]
  folder <- arguments[[3]]
  pipe <- file.path("/dev/fd", arguments[[4]])
  sys.source(arguments[[5]], quarto <- new.env())

  # Opened each time: code of a document may close all connections, and the locale must not change the text.
  report <- function(...) {
    line <- enc2utf8(as.character(jsonlite::toJSON(list(...), auto_unbox = TRUE)))
    to <- file(pipe, "ab", raw = TRUE)
    on.exit(close(to))
    writeBin(c(charToRaw(line), as.raw(10L)), to)
  }

  # knitr calls it with the labels of all stretches of the document; a stretch of text has the label "".
  show_progress <- function(total, labels) {
    chunks <- cumsum(nzchar(labels))
    update <- function(i) report(chunk = chunks[[i]], total = max(chunks), label = labels[[i]])
    list(update = update, done = function() report(converting = TRUE))
  }

  has_latex <- function() any(nzchar(Sys.which(c("pdflatex", "xelatex", "lualatex"))))
  has_typst <- function() nzchar(Sys.which("typst")) && rmarkdown::pandoc_available("3.1.2")

  typst <- function(...) {
    figures <- rmarkdown::knitr_options(opts_chunk = list(dev = "png", dpi = 200, fig.width = 6, fig.height = 4))
    # pandoc's template names no font, which is an error for Typst
    options <- c("--standalone", "--pdf-engine=typst", "--variable=mainfont:Libertinus Serif", ...)
    # without a bibliography `@name` is text, and for Typst a citation without one is an error
    has_sources <- any(c("bibliography", "references") %in% names(rmarkdown::yaml_front_matter(document)))
    from <- rmarkdown::rmarkdown_format(if (!has_sources) "-citations")
    rmarkdown::output_format(figures, rmarkdown::pandoc_options("typst", from = from, args = options, ext = ".pdf"))
  }

  # bookdown numbers in Markdown, as for Word, so Typst does not.
  bookdown_typst <- function() {
    numbered <- !isFALSE(rmarkdown::default_output_format(document)$options$number_sections)
    options <- c("header-includes:#set figure(numbering: none)", if (numbered) "section-numbering:1.1")
    base_format <- function(...) typst(paste0("--variable=", options))
    bookdown::markdown_document2(number_sections = numbered, base_format = base_format)
  }

  # What render() takes for the format; NULL is that of the document's head.
  choose_format <- function(own) {
    own_pdf <- grepl("pdf_document2?$", own)
    if (requested == "html") return("html_document")
    if (requested == "word") return("word_document")
    if (requested == "own" && !own_pdf) return(NULL)
    if (has_latex()) return(if (own_pdf) NULL else "pdf_document")
    if (has_typst() && startsWith(own, "bookdown::")) return(bookdown_typst())
    if (has_typst()) return(typst())
    stop("a PDF needs LaTeX, or Typst with pandoc 3.1.2, and this server has neither; knit to HTML or Word, ",
      "or ask the operator of this hub.", call. = FALSE)
  }

  format <- function() {
    if (!quarto$is_quarto(document)) return(choose_format(rmarkdown::default_output_format(document)$name))
    settings <- quarto$head_of(document)
    own <- quarto$format_name(settings)
    chosen <- choose_format(own)
    quarto$complete_format(if (is.null(chosen)) own else chosen, settings)
  }

  # knitr writes this when code of the document fails, rather than pandoc after it.
  in_document <- FALSE
  watch <- function(message) if (grepl("Quitting from ", conditionMessage(message), fixed = TRUE)) in_document <<- TRUE

  options(knitr.progress.fun = show_progress)
  tryCatch(withCallingHandlers({
    output <- rmarkdown::render(document, format(), output_dir = folder, envir = globalenv(), encoding = "UTF-8")
    report(output = basename(output))
  }, message = watch), error = function(error) report(error = conditionMessage(error), in_document = in_document))
})
