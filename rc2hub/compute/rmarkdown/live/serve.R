# Serves the engine to preview.py: requests and answers are lines of JSON, through the two file descriptors in the arguments.
#
# A request is the document, {"head": "...", "pieces": ["...", ...]}. Answers are {"kept": [numbers of pieces, from 1], "ids":
# [numbers of their records]} for pieces that do not run; {"begins": number of a piece that runs now}, and then {"ran": its
# number, "id": number of its record, "markdown", "seconds", "needs"}; and at last {"done": true, "records": [numbers of all
# records]}, with "exits": the number of the piece that ends the document, "error" if the head cannot be read, or "interrupted".
# ASCII only.
local({
  arguments <- commandArgs(trailingOnly = TRUE)
  here <- arguments[[1]]
  live <- new.env()
  for (name in c("values", "settings", "pieces", "trace", "knitting", "pass", "engine")) {
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
  answer <- function(i, record, ran) {
    exits <<- if (record$output$exits) i
    if (!ran) {
      kept <<- c(kept, i)
      ids <<- c(ids, record$id)
      return()
    }
    dependencies <- Filter(function(need) inherits(need, "html_dependency"), record$output$needs)
    report(
      ran = i, id = record$id, seconds = record$output$seconds, markdown = record$output$markdown,
      needs = lapply(htmltools::resolveDependencies(dependencies), describe))
  }

  live$open_document(arguments[[4]])
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
    exits <- NULL
    finish <- function(...) {
      report_kept()
      report(done = TRUE, records = I(live$record_ids()), ..., exits = exits)
    }
    tryCatch({
      live$update_document(request$head, vapply(request$pieces, identity, ""), answer, begin)
      finish()
    }, error = function(error) finish(error = conditionMessage(error)), interrupt = function(interrupt) finish(interrupted = TRUE))
  }
})
