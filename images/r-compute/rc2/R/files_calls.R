# Calls to the gateways of stores. R's interrupts and time limits end a call, and a store's errors are of class rc2_error.

STORE_CONNECT_TIMEOUT <- 10 # seconds

LEVEL_ADVICE <- "with a grant, the hub's page of shared services attaches it at that level"

store_handle <- function(method, ..., headers = character()) {
  options <- list(customrequest = method, connecttimeout = STORE_CONNECT_TIMEOUT, proxy = "", path_as_is = TRUE, ...)
  handle <- do.call(curl::new_handle, options)
  token <- paste("Bearer", Sys.getenv("JUPYTERHUB_API_TOKEN"))
  curl::handle_setheaders(handle, .list = as.list(c(Authorization = token, Expect = "", headers)))
  handle
}

# Reads a file of a store into a file of this server.
fetch_content <- function(store, path, file) {
  path <- store_path(store, path)
  size <- status_of(store, path)
  if (size$type != "file") fail(store$service, ": ", path, " is a folder; list it with ls().")
  to <- file(file, "wb")
  on.exit(close(to))
  done <- 0
  with_progress(run_call(store, content_address(store, path, FALSE), store_handle("GET"), function(part) {
    writeBin(part, to)
    done <<- done + length(part)
    show_share(min(done, size$size), size$size)
  }))
}

# Writes a file of this server to a store.
send_content <- function(store, file, size, path) {
  from <- file(file, "rb")
  on.exit(close(from))
  done <- 0
  handle <- store_handle("PUT", upload = TRUE, infilesize_large = size, readfunction = function(count) {
    data <- readBin(from, raw(), count)
    done <<- done + length(data)
    show_share(min(done, size), size)
    data
  })
  with_progress(run_call(store, content_address(store, path, TRUE), handle))
}

# One request; `take` gets the content of an answer that is no error.
run_call <- function(store, url, handle, take = NULL) {
  pool <- curl::new_pool()
  answer <- problem <- NULL
  content <- list()
  settled <- FALSE
  curl::handle_setopt(handle, url = url)
  curl::multi_add(handle, pool = pool, done = function(response) answer <<- response,
    fail = function(message) problem <<- message, data = function(part, ...) {
      is_error <- curl::handle_data(handle)$status_code >= 400
      if (is.null(take) || is_error) content[[length(content) + 1]] <<- part else if (length(part)) take(part)
    })
  on.exit(if (!settled) curl::multi_cancel(handle))
  curl::multi_run(pool = pool)
  settled <- TRUE
  if (is.null(answer)) {
    gateway <- paste0(store$service, ": the gateway of ", store_title(store))
    fail(gateway, " broke the call off, or does not answer (", problem, "); try again.")
  }
  answer$content <- do.call(c, content)
  if (answer$status_code >= 400) fail_answer(store, answer)
  answer
}

# Raises what a store refuses, as one sentence with what to do.
fail_refused <- function(store, message, exception, advice) {
  text <- sub("[.[:space:]]+$", "", sub("\n.*", "", message))
  if (grepl("; this server has the level", text, fixed = TRUE)) advice <- LEVEL_ADVICE
  sentence <- paste0(store$service, ": ", text, if (!is.na(advice)) paste0("; ", advice), ".")
  stop(structure(class = c("rc2_error", "error", "condition"), list(
    message = sentence, call = NULL, lost = FALSE, exception = exception)))
}

as_utf8 <- function(content) {
  text <- rawToChar(content)
  Encoding(text) <- "UTF-8"
  text
}
