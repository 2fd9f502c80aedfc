# A progress bar for long work: one line that is drawn anew, in a notebook or a terminal.

PROGRESS_BAR_DELAY <- 2 # seconds of work without a bar

progress_bar <- function() {
  bar <- NULL
  started <- Sys.time()
  update <- function(done, all) {
    if (all == 0 || Sys.time() - started < PROGRESS_BAR_DELAY || !interactive_output()) return()
    if (is.null(bar)) bar <<- utils::txtProgressBar(style = 3)
    utils::setTxtProgressBar(bar, done / all)
  }
  list(update = update, close = function() if (!is.null(bar)) close(bar))
}

interactive_output <- function() interactive() || isTRUE(getOption("jupyter.in_kernel"))
