# Files in HDFS, through the hub's gateway. It knows the user by the server's token, and HDFS decides what the user may do.

rc2_hdfs <- function(service = "hdfs") {
  attached <- attached_service(service, "rc2_hdfs(\"store\")")
  if (!identical(attached$kind, "hdfs")) {
    fail("The service ", service, " is no HDFS; rc2_connect(\"", service, "\") connects to it.")
  }
  bound <- lapply(hdfs_verbs(), function(verb) bind_service(verb, service))
  structure(bound, class = "rc2_hdfs", service = service)
}

# A verb as a function of its other arguments.
bind_service <- function(verb, service) {
  bound <- verb
  formals(bound) <- formals(verb)[-1]
  environment(bound) <- list2env(list(service = service), parent = environment(verb))
  bound
}

print.rc2_hdfs <- function(x, ...) {
  service <- attr(x, "service")
  cat("HDFS ", service, ", your folder is ", hdfs_settings(service)$home, "\n", sep = "")
  cat(paste0("  $", names(x), "()"), sep = "\n")
  invisible(x)
}

HDFS_COLUMNS <- c("type", "size", "modified", "owner", "group", "permissions")

hdfs_ls <- function(service, path = ".") {
  entries <- call_hdfs(service, "GET", path, "LISTSTATUS")$FileStatuses$FileStatus
  rows <- lapply(entries, hdfs_status)
  column <- function(name, empty) if (length(rows)) do.call(c, lapply(rows, `[[`, name)) else empty
  names <- vapply(entries, function(entry) if (nzchar(entry$pathSuffix)) entry$pathSuffix else basename(path), "")
  listed <- data.frame(name = names, type = column("type", character()), size = column("size", numeric()),
    modified = column("modified", as.POSIXct(numeric(), origin = "1970-01-01")), owner = column("owner", character()),
    group = column("group", character()), permissions = column("permissions", character()))
  listed[order(listed$name), , drop = FALSE]
}

hdfs_info <- function(service, path) {
  c(list(path = hdfs_path(service, path)), hdfs_status(call_hdfs(service, "GET", path, "GETFILESTATUS")$FileStatus))
}

hdfs_status <- function(entry) {
  list(type = if (entry$type == "DIRECTORY") "folder" else "file", size = as.numeric(entry$length),
    modified = as.POSIXct(entry$modificationTime / 1000, origin = "1970-01-01"), owner = entry$owner, group = entry$group,
    permissions = entry$permission)
}

# A file is complete under its name, or not there: it comes under a temporary one.
hdfs_get <- function(service, path, to = basename(path), overwrite = FALSE) {
  if (dir.exists(to)) to <- file.path(to, basename(path))
  if (file.exists(to) && !overwrite) fail("The file ", to, " exists; overwrite = TRUE replaces it.")
  if (!dir.exists(dirname(to))) fail("There is no folder ", dirname(to), " on this server; dir.create() makes one.")
  draft <- tempfile(".rc2-", dirname(to))
  on.exit(unlink(draft))
  fetch_hdfs(service, path, draft)
  if (!file.rename(draft, to)) fail("The file ", to, " cannot be written; check the folder's permissions.")
  invisible(to)
}

hdfs_put <- function(service, from, to = basename(from), overwrite = FALSE) {
  size <- file.size(from)
  if (is.na(size) || dir.exists(from)) fail("There is no file ", from, " on this server; put() copies one file.")
  write_complete(service, to, overwrite, function(draft) {
    send_hdfs(service, from, size, draft)
    arrived <- hdfs_info(service, draft)$size
    if (arrived != size) fail(service, ": only ", arrived, " of ", size, " bytes of ", from, " arrived; try again.")
  })
}

hdfs_mkdir <- function(service, path) {
  call_hdfs(service, "PUT", path, "MKDIRS")
  invisible(hdfs_path(service, path))
}

hdfs_mv <- function(service, from, to, overwrite = FALSE) {
  rename_hdfs(service, from, to, overwrite)
  invisible(hdfs_path(service, to))
}

hdfs_rm <- function(service, path, recursive = FALSE) {
  removed <- call_hdfs(service, "DELETE", path, "DELETE", recursive = if (recursive) "true" else "false")
  if (!isTRUE(removed$boolean)) fail(service, ": ", hdfs_path(service, path), " does not exist; list a folder with ls().")
  invisible(hdfs_path(service, path))
}

hdfs_read_csv <- function(service, path, ...) {
  file <- tempfile(fileext = sub("^[^.]*", "", basename(path)))
  on.exit(unlink(file))
  fetch_hdfs(service, path, file)
  utils::read.csv(file, ...)
}

# A folder is read as Spark writes it: its files hold the rows one after another.
hdfs_read_parquet <- function(service, path, columns = NULL, bigint = c("integer64", "integer", "numeric", "character"),
                              numeric = c("double", "character")) {
  options <- list(bigint = match.arg(bigint), numeric = match.arg(numeric), zone = time_zone())
  paths <- parquet_files(service, path)
  files <- tempfile(rep("rc2-", length(paths)), fileext = ".parquet")
  on.exit(unlink(files))
  for (i in seq_along(files)) fetch_hdfs(service, paths[[i]], files[[i]])
  ensure_data_process()
  answer <- with_place(service, path, do.call(post, list("read_parquet", c(list(files = files, columns = columns), options))))
  if (isTRUE(answer$lost_digits)) {
    warning("Some numbers have more digits than R's type holds; numeric = \"character\" keeps them.", call. = FALSE)
  }
  answer$data
}

parquet_files <- function(service, path) {
  if (hdfs_info(service, path)$type == "file") return(path)
  listed <- hdfs_ls(service, path)
  if (any(listed$type == "folder")) fail(service, ": ", path, " has folders in it; read each with read_parquet().")
  names <- grep("^[^._].*\\.parquet$", listed$name, value = TRUE)
  if (!length(names)) fail(service, ": there is no Parquet file in ", path, "; list it with ls().")
  paste0(hdfs_path(service, path), "/", names)
}

hdfs_write_parquet <- function(service, data, path, overwrite = FALSE) {
  if (inherits(data, "tbl_lazy")) return(write_from_spark(service, data, path, overwrite))
  if (!is.data.frame(data) || !length(data)) fail("write_parquet() takes a data frame with columns.")
  file <- tempfile(fileext = ".parquet")
  on.exit(unlink(file))
  ensure_data_process()
  columns <- unname(Map(pack, data, names(data)))
  with_place(service, path, post("write_parquet", list(file = file, names = names(data), columns = columns)))
  hdfs_put(service, file, path, overwrite)
}

# The error of the data process names no file of HDFS.
with_place <- function(service, path, code) {
  tryCatch(code, rc2_error = function(error) fail(service, ": ", path, ": ", conditionMessage(error)))
}

# Writes under a hidden name beside the path, and renames what is complete; otherwise nothing is left.
write_complete <- function(service, path, overwrite, write) {
  target <- hdfs_path(service, path)
  if (!overwrite && hdfs_exists(service, target)) fail(service, ": ", target, " exists; overwrite = TRUE replaces it.")
  draft <- paste0(dirname(target), "/.", substr(basename(target), 1, 40), basename(tempfile(".")))
  settled <- FALSE
  on.exit(if (!settled) try(call_hdfs(service, "DELETE", draft, "DELETE", recursive = "true"), silent = TRUE))
  write(draft)
  rename_hdfs(service, draft, target, overwrite)
  settled <- TRUE
  invisible(target)
}

hdfs_verbs <- function() list(ls = hdfs_ls, info = hdfs_info, get = hdfs_get, put = hdfs_put, read_csv = hdfs_read_csv,
  read_parquet = hdfs_read_parquet, write_parquet = hdfs_write_parquet, tbl = hdfs_tbl, mkdir = hdfs_mkdir, mv = hdfs_mv,
  rm = hdfs_rm)

hdfs_exists <- function(service, path) {
  tryCatch(is.list(hdfs_info(service, path)), rc2_error = function(error) {
    if (!identical(error$exception, "FileNotFoundException")) stop(error)
    FALSE
  })
}

# HDFS's older rename moves into a folder of the new name, and reports a failure as success; with an option it does neither.
rename_hdfs <- function(service, from, to, overwrite) {
  call_hdfs(service, "PUT", from, "RENAME", destination = hdfs_path(service, to),
    renameoptions = if (overwrite) "OVERWRITE" else "NONE")
}
