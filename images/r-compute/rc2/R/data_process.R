# The data process: a Python process beside this R, which holds the connections. R calls it over a Unix socket.

DATA_PROCESS_TIMEOUT <- 60 # seconds for its start, which takes about one

data_process <- new.env(parent = emptyenv()) # of this R: pid, socket, curl handle

data_python <- function() {
  python <- Sys.getenv("RC2_DATA_PYTHON")
  if (!file.exists(python)) fail("The Python of the data process is not installed here; an operator has to install it.")
  python
}

# A forked child, such as one of mclapply(), gets a data process of its own.
ensure_data_process <- function() {
  if (!identical(data_process$pid, Sys.getpid()) || !file.exists(data_process$socket)) start_data_process()
}

start_data_process <- function() {
  socket <- socket_path()
  unlink(socket)
  # R's library path is for R, and other libraries in it break Python
  path <- paste(c(system.file("python", package = "rc2"), Sys.getenv("PYTHONPATH")), collapse = ":")
  system2(data_python(), c("-sP", "-m", "rc2_data", shQuote(socket), Sys.getpid()), stdout = FALSE, stderr = FALSE,
    stdin = "/dev/null", wait = FALSE, env = c(paste0("PYTHONPATH=", shQuote(path)), "LD_LIBRARY_PATH="))
  # meanwhile R loads the packages whose classes come with rows
  c(bit64::as.integer64, blob::blob, hms::hms)
  deadline <- Sys.time() + DATA_PROCESS_TIMEOUT
  while (!file.exists(socket)) {
    if (Sys.time() > deadline) fail("The data process did not start; restart the kernel and try again.")
    Sys.sleep(0.01)
  }
  data_process$socket <- socket
  data_process$tokens <- list()
  data_process$channel <- data_channel(socket)
  data_process$pid <- Sys.getpid()
}

# A socket's path has 107 bytes at most.
socket_path <- function() {
  path <- file.path(Sys.getenv("RC2_ATTACHMENTS_DIR", tempdir()), paste0("data-", Sys.getpid(), ".sock"))
  if (nchar(path, "bytes") < 95) path else file.path(tempdir(), paste0("rc2-", Sys.getpid(), ".sock"))
}

# A handle and the pool that keeps its connection open.
data_channel <- function(socket) {
  handle <- curl::new_handle(unix_socket_path = socket, proxy = "")
  curl::handle_setheaders(handle, Expect = "", "Content-Type" = "application/octet-stream")
  list(handle = handle, pool = curl::new_pool())
}

# One request. While it waits, R's interrupts and time limits work as ever: curl_fetch_memory() would make an error of them.
post <- function(operation, arguments, channel = data_process$channel) {
  body <- serialize(arguments, NULL, xdr = FALSE, version = 2)
  handle <- channel$handle
  curl::handle_setopt(handle, url = paste0("http://rc2/", operation), post = TRUE, postfieldsize_large = length(body),
    copypostfields = body)
  answer <- NULL
  done <- FALSE
  curl::multi_add(handle, pool = channel$pool, done = function(response) answer <<- response, fail = function(message) NULL)
  on.exit(if (!done) curl::multi_cancel(handle))
  curl::multi_run(pool = channel$pool)
  done <- TRUE
  if (is.null(answer)) {
    data_process$pid <- NULL
    fail("The data process ended, and with it its connections; rc2_connect() opens a new one.", lost = TRUE)
  }
  content <- unserialize(answer$content)
  if (answer$status_code >= 400) do.call(fail_data, content) else content
}

# A call for a connection: waits for its end. If R leaves it earlier, for whatever reason, the service stops working on it.
call_data <- function(operation, connection, ...) {
  settled <- FALSE
  on.exit(if (!settled) cancel_call(connection))
  answer <- withCallingHandlers(
    await_answer(post(operation, list(connection = connection, ...))), rc2_error = function(error) settled <<- TRUE)
  settled <- TRUE
  answer$value
}

# Asks for the answer of a call until it is there.
await_answer <- function(answer) {
  with_progress(while (answer$running) {
    show_share(answer$done, answer$tasks)
    answer <- post("wait", list(connection = answer$connection))
  })
  if (nzchar(answer$note)) message(answer$note)
  answer
}

cancel_call <- function(connection) {
  tryCatch(post("cancel", list(connection = connection), data_channel(data_process$socket)), error = function(error) NULL)
}

# Opens a connection; returns its number and what the service says of it.
open_connection <- function(kind, service, zone) {
  ensure_data_process()
  answer <- post("open", list(kind = kind, service = service, zone = zone))
  id <- answer$connection
  settled <- FALSE
  on.exit(if (!settled) post("close", list(connection = id), data_channel(data_process$socket)))
  answer <- await_answer(answer)
  settled <- TRUE
  list(id = id, info = answer$value)
}
