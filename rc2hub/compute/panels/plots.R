# The plots of this R for the panel Plots of JupyterLab. R keeps them as it has recorded them, so they outlast the browser and
# are drawn again at the size at which they are seen or saved. ASCII only.

most_plots <- 50L
most_bytes <- 100 * 2^20 # of all but the newest, by object.size()
plots <- list() # the oldest first
numbered <- 0L # plots so far
has_changed <- FALSE
windows <- new.env() # comm's id to what is known of a window with the panel

# The browser opens the panel.
opened <- function(comm, message) {
  window <- new.env()
  window$tell <- function() comm$send(list(changed = TRUE))
  window$told <- TRUE # that it should ask; it does when it has been opened
  assign(comm$id, window, envir = windows)
  comm$on_close(function() rm(list = comm$id, envir = windows))
  answer_with(comm, function(message) answer(window, message))
}

answer <- function(window, message) {
  if (!is.null(message$draw)) return(drawn(message))
  window$told <- FALSE
  if (!is.null(message$remove)) {
    plots <<- Filter(function(kept) !kept$number %in% message$remove, plots)
    tell_windows(except = window)
  }
  list(plots = lapply(plots, `[`, c("number", "version", "code")))
}

# As in the notebook, where lines() after plot() in one cell change the plot.
keep <- function(plot, request) {
  has_changed <<- TRUE
  last <- length(plots)
  if (last && identical(plots[[last]]$request, request$header$msg_id) &&
      asNamespace("IRkernel")$plot_builds_upon(plots[[last]]$plot, plot)) {
    plots[[last]]$plot <<- plot
    plots[[last]]$version <<- plots[[last]]$version + 1L
    return()
  }
  if (last) plots[[last]]$bytes <<- as.numeric(utils::object.size(plots[[last]]$plot)) # it changes no more
  numbered <<- numbered + 1L
  kept <- list(
    number = numbered, version = 1L, code = first_line(request$content$code), request = request$header$msg_id, plot = plot,
    bytes = 0)
  plots <<- within_bounds(c(plots, list(kept)))
}

within_bounds <- function(plots) {
  bytes <- rev(cumsum(rev(vapply(plots, function(kept) kept$bytes, 0))))
  utils::tail(plots[bytes <= most_bytes], most_plots)
}

first_line <- function(code) {
  lines <- trimws(strsplit(code, "\n", fixed = TRUE)[[1L]])
  shortened(valid(utils::head(lines[nzchar(lines)], 1L)))
}

# A picture of a plot; width and height in inches, res in pixels per inch.
drawn <- function(message) {
  kept <- Find(function(kept) kept$number == message$draw, plots)
  if (is.null(kept)) stop("R does not have this plot any more.")
  draw <- switch(message$format, png = repr::repr_png, svg = repr::repr_svg, pdf = repr::repr_pdf)
  picture <- tryCatch(
    on_own_device(draw(kept$plot, width = message$width, height = message$height, res = message$res)),
    error = function(condition) {
      stop("R cannot draw this plot at this size (", conditionMessage(condition), "); a larger one may do.")
    })
  list(data = base64enc::base64encode(if (is.character(picture)) charToRaw(picture) else picture))
}

# A device that an error has left open is closed.
on_own_device <- function(drawing) {
  before <- grDevices::dev.list()
  on.exit(for (device in setdiff(grDevices::dev.list(), before)) grDevices::dev.off(device))
  suppressWarnings(drawing)
}

# A window asks after it has been told. One that has not asked is gone or hidden, and is not told again.
tell_windows <- function(except = NULL) {
  for (window in as.list(windows)) {
    if (window$told || identical(window, except)) next
    window$told <- TRUE
    window$tell()
  }
}

on_plot$plots <<- keep
after_cell$plots <<- function() if (has_changed) {
  has_changed <<- FALSE
  tell_windows()
}
targets$rc2.plots <<- opened
