# Progress of long work: one line that is drawn anew, in a notebook or a terminal. A read, a write or another call has one line,
# however many requests it takes; with_progress() begins it, and the callers that know more call show_share() or show_rows().

PROGRESS_DELAY <- 2 # seconds of work without a line
PROGRESS_INTERVAL <- 0.2 # seconds between two lines
PROGRESS_WIDTH <- 50

progress <- new.env(parent = emptyenv()) # of the running work: when it began, when and how long the last line was

with_progress <- function(code) {
  if (!is.null(progress$began)) return(code)
  progress$began <- progress$drawn <- proc.time()[["elapsed"]]
  progress$width <- 0
  on.exit({
    if (progress$width) cat("\n")
    progress$began <- NULL
  })
  code
}

show_share <- function(done, all) {
  if (all == 0) return()
  filled <- floor(PROGRESS_WIDTH * done / all)
  draw_progress(sprintf("  |%s%s| %3.0f%%", strrep("=", filled), strrep(" ", PROGRESS_WIDTH - filled), floor(100 * done / all)))
}

# The end of a read is not known.
show_rows <- function(rows) draw_progress(sprintf("  %s rows read", format(rows, big.mark = ",", scientific = FALSE)))

draw_progress <- function(line) {
  now <- proc.time()[["elapsed"]]
  if (is.null(progress$began) || now - progress$began < PROGRESS_DELAY || now - progress$drawn < PROGRESS_INTERVAL) return()
  if (!is_watched()) return()
  cat("\r", formatC(line, width = -progress$width), sep = "")
  utils::flush.console()
  progress$drawn <- now
  progress$width <- nchar(line)
}

# Whether a user sees the output now: not in a script, a document that is being made, or a file. A kernel of Jupyter has one sink.
is_watched <- function() {
  if (is_set("knitr.in.progress") || is_set("rstudio.notebook.executing") || Sys.getenv("TESTTHAT") == "true") return(FALSE)
  if (is_set("jupyter.in_kernel")) sink.number() <= 1 else interactive() && sink.number() == 0
}

is_set <- function(option) isTRUE(getOption(option))
