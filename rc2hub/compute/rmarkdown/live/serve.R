# Serves the engine to preview.py: requests and answers are lines of JSON, through the two file descriptors in the arguments.
#
# A request is the document, {"head": "...", "pieces": ["...", ...]}. Answers are {"kept": [numbers of pieces, from 1], "ids":
# [numbers of their records]} for pieces that do not run; {"begins": number of a piece that runs now}, and then {"ran": its
# number, "id": number of its record, "markdown", "seconds", "needs"}; and at last {"done": true, "records": [numbers of all
# records]}, with "exits": the number of the piece that ends the document, "error" if the head cannot be read, or "interrupted".
# A result that another R has kept is answered as {"restored": number of the piece, ...} like one that ran. The request
# {"keep": true} keeps the results in the file that is the last argument, and is answered by {"done": true}. ASCII only.
local({
  arguments <- commandArgs(trailingOnly = TRUE)
  here <- arguments[[1]]
  live <- new.env()
  for (name in c("values", "settings", "pieces", "trace", "knitting", "pass", "keep", "engine")) {
    sys.source(file.path(here, paste0(name, ".R")), live)
  }

  # Opened each time: code of a document may close all connections.
  report <- function(...) {
    line <- enc2utf8(as.character(jsonlite::toJSON(list(...), auto_unbox = TRUE, null = "null")))
    to <- file(file.path("/dev/fd", arguments[[3]]), "ab", raw = TRUE)
    on.exit(close(to))
    writeBin(c(charToRaw(line), as.raw(10L)), to)
  }

  contents_of <- function(dependency, files) {
    folder <- dependency$src$file
    if (!is.null(dependency$package)) folder <- system.file(folder, package = dependency$package)
    names <- unlist(lapply(files, function(file) if (is.list(file)) file$src else file))
    lapply(file.path(folder, names), xfun::file_string)
  }

  # What a widget needs in the page: the text of its scripts and styles.
  describe <- function(dependency) {
    list(
      id = paste(dependency$name, dependency$version),
      scripts = contents_of(dependency, dependency$script),
      styles = contents_of(dependency, dependency$stylesheet),
      head = paste(dependency$head, collapse = "\n"))
  }

  kept <- ids <- integer() # that are not reported yet: one report for many
  report_kept <- function() {
    if (length(kept)) report(kept = I(kept), ids = I(ids))
    kept <<- ids <<- integer()
  }

  begin <- function(i) {
    report_kept()
    report(begins = i)
  }

  exits <- NULL
  known <- integer() # records that were reported
  answer <- function(i, record, ran) {
    exits <<- if (record$output$exits) i
    if (record$id %in% known) {
      kept <<- c(kept, i)
      ids <<- c(ids, record$id)
      return()
    }
    known <<- c(known, record$id)
    dependencies <- Filter(function(need) inherits(need, "html_dependency"), record$output$needs)
    result <- list(
      id = record$id, seconds = record$output$seconds, markdown = record$output$markdown,
      needs = lapply(htmltools::resolveDependencies(dependencies), describe))
    do.call(report, c(stats::setNames(list(i), if (ran) "ran" else "restored"), result))
  }

  sys.source(file.path(here, "..", "quarto.R"), quarto <- new.env())
  quarto_format <- function(head) {
    file <- tempfile(fileext = ".qmd")
    on.exit(unlink(file))
    writeLines(head, file, useBytes = TRUE)
    quarto$complete_format("html_document", quarto$head_of(file))
  }
  format_of <- if (quarto$is_quarto(arguments[[5]])) quarto_format else live$output_format
  services <- file.path(Sys.getenv("RC2_ATTACHMENTS_DIR"), "attachments.json")
  live$open_document(arguments[[4]], format_of, services, arguments[[6]])
  # one request is sent at a time, so none is lost when a chunk has closed all connections
  requests <- NULL
  next_line <- function() {
    if (is.null(requests) || !tryCatch(isOpen(requests), error = function(error) FALSE)) {
      requests <<- file(file.path("/dev/fd", arguments[[2]]), "r", raw = TRUE)
    }
    readLines(requests, 1, warn = FALSE, encoding = "UTF-8")
  }
  repeat {
    line <- tryCatch(next_line(), interrupt = function(interrupt) "")
    if (!length(line)) break
    if (!nzchar(line)) next
    request <- jsonlite::parse_json(line)
    if (isTRUE(request$keep)) {
      try(live$keep_records(), silent = TRUE) # without room, the next R runs the document
      report(done = TRUE)
      next
    }
    exits <- NULL
    finish <- function(...) {
      report_kept()
      report(done = TRUE, numbering = live$numbering, records = I(intersect(live$record_ids(), known)), ..., exits = exits)
    }
    tryCatch({
      live$update_document(request$head, vapply(request$pieces, identity, ""), answer, begin)
      finish()
    }, error = function(error) finish(error = conditionMessage(error)), interrupt = function(interrupt) finish(interrupted = TRUE))
  }
})
