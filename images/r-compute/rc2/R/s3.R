# Files in an S3 store, through the hub's gateway, which keeps the user to the own folder and those of the user's groups.

rc2_s3 <- function(service = "s3") {
  attached <- attached_service(service, "rc2_s3(\"store\")")
  if (!identical(attached$kind, "s3")) fail("The service ", service, " is no S3 store; use ", attached$r_code)
  open_store(service, "s3", files_verbs())
}

store_title.rc2_store_s3 <- function(store) "S3"

opener_of.rc2_store_s3 <- function(store) "rc2_s3"

# An object of S3 has its new content when all of it has arrived.
writes_whole.rc2_store_s3 <- function(store) TRUE

content_address.rc2_store_s3 <- function(store, path, writes) s3_url(store, s3_key(store, path))

statuses_in.rc2_store_s3 <- function(store, path) {
  start <- s3_start(s3_key(store, path))
  listed <- s3_list(store, start, delimiter = "/")
  if (!nrow(listed) && !is_root(store, path)) {
    status <- status_of(store, path)
    if (status$type == "file") return(files_frame(basename(path), "file", status$size, status$modified))
  }
  listed$name <- sub("/$", "", substring(listed$name, nchar(start) + 1))
  listed[nzchar(listed$name), , drop = FALSE]  # an object with the name of the folder marks it
}

# A folder is there as long as it has files; those of the user and of a group always are.
status_of.rc2_store_s3 <- function(store, path) {
  key <- s3_key(store, path)
  if (!is_root(store, path)) {
    found <- s3_list(store, key, limit = 1)
    if (identical(found$name, key)) return(as.list(found[c("type", "size", "modified")]))
    if (!nrow(s3_list(store, s3_start(key), limit = 1))) {
      fail_refused(store, paste(path, "does not exist"), "NoSuchKey", "list a folder with ls()")
    }
  }
  list(type = "folder", size = 0, modified = as.POSIXct(NA))
}

# A folder is renamed file by file: it is copied as a whole before anything is removed.
rename_in.rc2_store_s3 <- function(store, from, to, overwrite) {
  if (startsWith(paste0(to, "/"), paste0(from, "/"))) fail(store$service, ": ", to, " is in ", from, " itself.")
  if (!overwrite && exists_in(store, to)) fail(store$service, ": ", to, " exists; overwrite = TRUE replaces a file.")
  keys <- s3_keys(store, from)
  target <- s3_key(store, to)
  files <- keys[!endsWith(keys, "/")]  # other clients mark a folder by an object, which has no content
  for (key in files) s3_copy(store, key, paste0(target, substring(key, nchar(s3_key(store, from)) + 1)))
  s3_delete(store, keys)
}

remove_in.rc2_store_s3 <- function(store, path, recursive) {
  if (!recursive && status_of(store, path)$type == "folder") {
    fail(store$service, ": ", path, " is a folder; recursive = TRUE removes it with its files.")
  }
  s3_delete(store, s3_keys(store, path))
}

# The key of a file, or those of all files of a folder.
s3_keys <- function(store, path) {
  key <- s3_key(store, path)
  if (status_of(store, path)$type == "file") key else s3_list(store, s3_start(key))$name
}

is_root <- function(store, path) path == store_settings(store)$home || grepl("^/groups/[^/]+$", path)

s3_key <- function(store, path) paste0(store_settings(store)$prefix, substring(path, 2))

# With what the keys of the files in a folder begin.
s3_start <- function(key) if (nzchar(key)) sub("/*$", "/", key) else key

s3_url <- function(store, key, ...) {
  settings <- store_settings(store)
  query <- list(...)
  values <- vapply(query, function(value) curl::curl_escape(as.character(value)), "")
  pairs <- paste0(names(query), "=", values, recycle0 = TRUE)
  paste0(settings$gateway, "/", settings$bucket, if (nzchar(key)) "/", s3_escape(key), if (length(pairs)) "?",
    paste(pairs, collapse = "&"))
}

s3_escape <- function(key) gsub("%2F", "/", curl::curl_escape(key), fixed = TRUE)
