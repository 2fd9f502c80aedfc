# Calls to the gateway of HDFS, by WebHDFS.

HDFS_ADVICE <- c(
  AccessControlException = "ask the owner or the operator for the right",
  FileNotFoundException = "list a folder with ls()",
  FileAlreadyExistsException = "overwrite = TRUE replaces a file",
  SafeModeException = "try again when the operator has ended it",
  NSQuotaExceededException = "remove files, or ask the operator for more",
  DSQuotaExceededException = "remove files, or ask the operator for more",
  PathIsNotEmptyDirectoryException = "recursive = TRUE removes it with its files"
)

hdfs_url <- function(store, path, operation, ...) {
  query <- list(op = operation, ...)
  path <- gsub("%2F", "/", curl::curl_escape(path), fixed = TRUE)
  pairs <- paste0(names(query), "=", vapply(query, curl::curl_escape, ""))
  paste0(store_settings(store)$gateway, "/webhdfs/v1", path, "?", paste(pairs, collapse = "&"))
}

# A call whose answer is JSON.
call_hdfs <- function(store, method, path, operation, ...) {
  answer <- run_call(store, hdfs_url(store, path, operation, ...), store_handle(method))
  parse_hdfs(answer$content)
}

parse_hdfs <- function(content) {
  if (!length(content)) return(list())
  tryCatch(jsonlite::fromJSON(as_utf8(content), simplifyVector = FALSE), error = function(error) list())
}

fail_answer.rc2_store_hdfs <- function(store, answer) {
  refusal <- parse_hdfs(answer$content)$RemoteException
  if (is.null(refusal)) fail(store$service, ": HDFS answered with the status ", answer$status_code, "; ask the operator.")
  fail_refused(store, refusal$message, refusal$exception, HDFS_ADVICE[refusal$exception])
}
