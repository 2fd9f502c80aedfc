# Calls to the gateway of HDFS, by WebHDFS. R's interrupts and time limits end a call, and HDFS's errors are of class rc2_error.

HDFS_CONNECT_TIMEOUT <- 10 # seconds

HDFS_ADVICE <- c(
  AccessControlException = "ask the owner or the operator for the right",
  FileNotFoundException = "list a folder with ls()",
  FileAlreadyExistsException = "overwrite = TRUE replaces a file",
  SafeModeException = "try again when the operator has ended it",
  NSQuotaExceededException = "remove files, or ask the operator for more",
  DSQuotaExceededException = "remove files, or ask the operator for more",
  PathIsNotEmptyDirectoryException = "recursive = TRUE removes it with its files"
)

LEVEL_ADVICE <- "with a grant, the hub's page of shared services attaches it at that level"

# The settings as they are now: an attachment can end, and come back at another address, while R runs.
hdfs_settings <- function(service) {
  attached <- attachment(service)
  if (is.null(attached)) fail(service, " is not attached to this server any more; rc2_hdfs(\"", service, "\") attaches it.")
  attached$settings
}

# An absolute path; a relative one begins in the user's folder.
hdfs_path <- function(service, path) {
  if (!is.character(path) || length(path) != 1 || is.na(path)) fail("A path must be one text, such as \"data/flights.csv\".")
  path <- sub("^(\\./+)+", "", enc2utf8(path))
  if (path %in% c("", ".")) return(hdfs_settings(service)$home)
  if (!startsWith(path, "/")) path <- paste0(hdfs_settings(service)$home, "/", path)
  if (path == "/") path else sub("/+$", "", path)
}

hdfs_url <- function(service, path, operation, ...) {
  query <- list(op = operation, ...)
  path <- gsub("%2F", "/", curl::curl_escape(hdfs_path(service, path)), fixed = TRUE)
  pairs <- paste0(names(query), "=", vapply(query, curl::curl_escape, ""))
  paste0(hdfs_settings(service)$gateway, "/webhdfs/v1", path, "?", paste(pairs, collapse = "&"))
}

hdfs_handle <- function(method, ...) {
  handle <- curl::new_handle(customrequest = method, connecttimeout = HDFS_CONNECT_TIMEOUT, proxy = "", path_as_is = TRUE, ...)
  curl::handle_setheaders(handle, Authorization = paste("Bearer", Sys.getenv("JUPYTERHUB_API_TOKEN")), Expect = "")
  handle
}

# A call whose answer is JSON.
call_hdfs <- function(service, method, path, operation, ...) {
  answer <- run_hdfs(service, hdfs_url(service, path, operation, ...), hdfs_handle(method))
  parse_hdfs(answer$content)
}

# Reads a file of HDFS into a file of this server.
fetch_hdfs <- function(service, path, file) {
  size <- hdfs_info(service, path)
  if (size$type != "file") fail(service, ": ", size$path, " is a folder; list it with ls().")
  url <- hdfs_url(service, path, "OPEN")
  to <- file(file, "wb")
  on.exit(close(to))
  done <- 0
  with_progress(run_hdfs(service, url, hdfs_handle("GET"), function(part) {
    writeBin(part, to)
    done <<- done + length(part)
    show_share(min(done, size$size), size$size)
  }))
}

# Writes a file of this server to HDFS.
send_hdfs <- function(service, file, size, path) {
  from <- file(file, "rb")
  on.exit(close(from))
  done <- 0
  handle <- hdfs_handle("PUT", upload = TRUE, infilesize_large = size, readfunction = function(count) {
    data <- readBin(from, raw(), count)
    done <<- done + length(data)
    show_share(min(done, size), size)
    data
  })
  with_progress(run_hdfs(service, hdfs_url(service, path, "CREATE", data = "true"), handle))
}

# One request; `take` gets the content of an answer that is no error.
run_hdfs <- function(service, url, handle, take = NULL) {
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
  if (is.null(answer)) fail(service, ": HDFS's gateway broke the call off, or does not answer (", problem, "); try again.")
  answer$content <- do.call(c, content)
  if (answer$status_code >= 400) fail_hdfs(service, answer)
  answer
}

parse_hdfs <- function(content) {
  if (!length(content)) return(list())
  text <- rawToChar(content)
  Encoding(text) <- "UTF-8"
  tryCatch(jsonlite::fromJSON(text, simplifyVector = FALSE), error = function(error) list())
}

fail_hdfs <- function(service, answer) {
  refusal <- parse_hdfs(answer$content)$RemoteException
  if (is.null(refusal)) fail(service, ": HDFS answered with the status ", answer$status_code, "; ask the operator.")
  text <- sub("[.[:space:]]+$", "", sub("\n.*", "", refusal$message))
  advice <- if (grepl("; this server has the level", text, fixed = TRUE)) LEVEL_ADVICE else HDFS_ADVICE[refusal$exception]
  stop(structure(class = c("rc2_error", "error", "condition"), list(
    message = paste0(service, ": ", text, if (is.na(advice)) "" else paste0("; ", advice), "."), call = NULL, lost = FALSE,
    exception = refusal$exception)))
}
