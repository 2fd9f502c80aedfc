# Files in HDFS, through the hub's gateway. It knows the user by the server's token, and HDFS decides what the user may do.

rc2_hdfs <- function(service = "hdfs") {
  attached <- attached_service(service, "rc2_hdfs(\"store\")")
  if (!identical(attached$kind, "hdfs")) {
    fail("The service ", service, " is no HDFS; rc2_connect(\"", service, "\") connects to it.")
  }
  open_store(service, "hdfs", c(files_verbs(), list(mkdir = hdfs_mkdir)))
}

store_title.rc2_store_hdfs <- function(store) "HDFS"

opener_of.rc2_store_hdfs <- function(store) "rc2_hdfs"

writes_whole.rc2_store_hdfs <- function(store) FALSE

statuses_in.rc2_store_hdfs <- function(store, path) {
  entries <- call_hdfs(store, "GET", path, "LISTSTATUS")$FileStatuses$FileStatus
  columns <- hdfs_statuses(entries)
  names <- vapply(entries, `[[`, "", "pathSuffix")
  names[!nzchar(names)] <- basename(path) # of a file
  files <- files_frame(names, columns$type, columns$size, columns$modified)
  cbind(files, columns[c("owner", "group", "permissions")])
}

status_of.rc2_store_hdfs <- function(store, path) {
  hdfs_statuses(list(call_hdfs(store, "GET", path, "GETFILESTATUS")$FileStatus))
}

# Column by column: a folder can have a hundred thousand entries.
hdfs_statuses <- function(entries) {
  column <- function(name, like = "") vapply(entries, `[[`, like, name)
  list(type = c("file", "folder")[1 + (column("type") == "DIRECTORY")], size = column("length", 0),
    modified = as.POSIXct(column("modificationTime", 0) / 1000, origin = "1970-01-01"), owner = column("owner"),
    group = column("group"), permissions = column("permission"))
}

content_address.rc2_store_hdfs <- function(store, path, writes) {
  if (writes) hdfs_url(store, path, "CREATE", data = "true") else hdfs_url(store, path, "OPEN")
}

# HDFS's older rename moves into a folder of the new name, and reports a failure as success; with an option it does neither.
rename_in.rc2_store_hdfs <- function(store, from, to, overwrite) {
  call_hdfs(store, "PUT", from, "RENAME", destination = to, renameoptions = if (overwrite) "OVERWRITE" else "NONE")
}

remove_in.rc2_store_hdfs <- function(store, path, recursive) {
  removed <- call_hdfs(store, "DELETE", path, "DELETE", recursive = if (recursive) "true" else "false")
  if (!isTRUE(removed$boolean)) fail(store$service, ": ", path, " does not exist; list a folder with ls().")
}

hdfs_mkdir <- function(store, path) {
  path <- store_path(store, path)
  call_hdfs(store, "PUT", path, "MKDIRS")
  invisible(path)
}
