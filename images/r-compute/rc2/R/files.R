# What users do with files of HDFS and of S3 stores. A store is an object with the name of its service. Its class has the
# methods that list, describe, fetch, send, rename and remove, and all else is the same for both.

# Each function is a verb whose first argument, the store, is bound.
open_store <- function(service, kind, verbs) {
  store <- structure(list(service = service), class = paste0("rc2_store_", kind))
  structure(lapply(verbs, bind_store, store), class = "rc2_store", store = store)
}

bind_store <- function(verb, store) {
  bound <- verb
  formals(bound) <- formals(verb)[-1]
  environment(bound) <- list2env(list(store = store), parent = environment(verb))
  bound
}

print.rc2_store <- function(x, ...) {
  store <- attr(x, "store")
  cat(store_title(store), " ", store$service, ", your folder is ", store_settings(store)$home, "\n", sep = "")
  cat(paste0("  $", names(x), "()"), sep = "\n")
  invisible(x)
}

# The settings as they are now: an attachment can end, and come back at another address, while R runs.
store_settings <- function(store) {
  attached <- attachment(store$service)
  if (is.null(attached)) {
    opener <- paste0(opener_of(store), "(\"", store$service, "\")")
    fail(store$service, " is not attached to this server any more; ", opener, " attaches it.")
  }
  attached$settings
}

# An absolute path; a relative one begins in the user's folder.
store_path <- function(store, path) {
  if (!is.character(path) || length(path) != 1 || is.na(path)) fail("A path must be one text, such as \"data/flights.csv\".")
  path <- sub("^(\\./+)+", "", enc2utf8(path))
  if (path %in% c("", ".")) return(store_settings(store)$home)
  if (!startsWith(path, "/")) path <- paste0(store_settings(store)$home, "/", path)
  if (path == "/") path else sub("/+$", "", path)
}

# What the class of a store says. `path` is absolute; a status has at least type, size and modified.
store_title <- function(store) UseMethod("store_title")
opener_of <- function(store) UseMethod("opener_of")
status_of <- function(store, path) UseMethod("status_of")
statuses_in <- function(store, path) UseMethod("statuses_in")
content_address <- function(store, path, writes) UseMethod("content_address")
rename_in <- function(store, from, to, overwrite) UseMethod("rename_in")
remove_in <- function(store, path, recursive) UseMethod("remove_in")
# Whether an object that is being written is there only when it is complete.
writes_whole <- function(store) UseMethod("writes_whole")
# An error for an answer of the store.
fail_answer <- function(store, answer) UseMethod("fail_answer")

files_ls <- function(store, path = ".") {
  listed <- statuses_in(store, store_path(store, path))
  listed[order(listed$name), , drop = FALSE]
}

files_info <- function(store, path) {
  path <- store_path(store, path)
  c(list(path = path), status_of(store, path))
}

# A file is complete under its name, or not there: it comes under a temporary one.
files_get <- function(store, path, to = basename(path), overwrite = FALSE) {
  if (dir.exists(to)) to <- file.path(to, basename(path))
  if (file.exists(to) && !overwrite) fail("The file ", to, " exists; overwrite = TRUE replaces it.")
  if (!dir.exists(dirname(to))) fail("There is no folder ", dirname(to), " on this server; dir.create() makes one.")
  draft <- tempfile(".rc2-", dirname(to))
  on.exit(unlink(draft))
  fetch_content(store, path, draft)
  if (!file.rename(draft, to)) fail("The file ", to, " cannot be written; check the folder's permissions.")
  invisible(to)
}

files_put <- function(store, from, to = basename(from), overwrite = FALSE) {
  size <- file.size(from)
  if (is.na(size) || dir.exists(from)) fail("There is no file ", from, " on this server; put() copies one file.")
  write_complete(store, to, overwrite, function(draft) {
    send_content(store, from, size, draft)
    arrived <- status_of(store, draft)$size
    if (arrived != size) fail(store$service, ": only ", arrived, " of ", size, " bytes of ", from, " arrived; try again.")
  })
}

files_mv <- function(store, from, to, overwrite = FALSE) {
  rename_in(store, store_path(store, from), store_path(store, to), overwrite)
  invisible(store_path(store, to))
}

files_rm <- function(store, path, recursive = FALSE) {
  path <- store_path(store, path)
  remove_in(store, path, recursive)
  invisible(path)
}

files_read_csv <- function(store, path, ...) {
  file <- tempfile(fileext = sub("^[^.]*", "", basename(path)))
  on.exit(unlink(file))
  fetch_content(store, path, file)
  utils::read.csv(file, ...)
}

# A folder is read as Spark writes it: its files hold the rows one after another.
files_read_parquet <- function(store, path, columns = NULL, bigint = c("integer64", "integer", "numeric", "character"),
                               numeric = c("double", "character")) {
  options <- list(bigint = match.arg(bigint), numeric = match.arg(numeric), zone = time_zone())
  paths <- parquet_files(store, path)
  files <- tempfile(rep("rc2-", length(paths)), fileext = ".parquet")
  on.exit(unlink(files))
  for (i in seq_along(files)) fetch_content(store, paths[[i]], files[[i]])
  ensure_data_process()
  answer <- with_place(store, path, do.call(post, list("read_parquet", c(list(files = files, columns = columns), options))))
  if (isTRUE(answer$lost_digits)) {
    warning("Some numbers have more digits than R's type holds; numeric = \"character\" keeps them.", call. = FALSE)
  }
  answer$data
}

parquet_files <- function(store, path) {
  if (files_info(store, path)$type == "file") return(path)
  listed <- files_ls(store, path)
  listed <- listed[!grepl("^[._]", listed$name), , drop = FALSE]  # hidden from Spark too
  if (any(listed$type == "folder")) fail(store$service, ": ", path, " has folders in it; read each with read_parquet().")
  names <- grep("\\.parquet$", listed$name, value = TRUE)
  if (!length(names)) fail(store$service, ": there is no Parquet file in ", path, "; list it with ls().")
  paste0(store_path(store, path), "/", names)
}

files_write_parquet <- function(store, data, path, overwrite = FALSE) {
  if (inherits(data, "tbl_lazy")) return(write_from_spark(store, data, path, overwrite))
  if (!is.data.frame(data) || !length(data)) {
    fail("write_parquet() takes a data frame with columns; collect() makes one of a lazy table.")
  }
  file <- tempfile(fileext = ".parquet")
  on.exit(unlink(file))
  ensure_data_process()
  columns <- unname(Map(pack, data, names(data)))
  with_place(store, path, post("write_parquet", list(file = file, names = names(data), columns = columns)))
  files_put(store, file, path, overwrite)
}

# The error of the data process names no file of the store.
with_place <- function(store, path, code) {
  tryCatch(code, rc2_error = function(error) fail(store$service, ": ", path, ": ", conditionMessage(error)))
}

drafts_left <- new.env(parent = emptyenv()) # by service: hidden files that could not be removed, as the store did not answer

# Writes under a hidden name beside the path, and renames what is complete. Otherwise nothing is left: what cannot be removed now is
# removed by the next write. A rename does not replace a folder, so an old one is removed when the new one is complete.
write_complete <- function(store, path, overwrite, write, is_folder = FALSE) {
  target <- store_path(store, path)
  exists <- (is_folder || !overwrite) && exists_in(store, target)
  if (exists && !overwrite) fail(store$service, ": ", target, " exists; overwrite = TRUE replaces it.")
  if (writes_whole(store) && !exists) {
    write(target)
    return(invisible(target))
  }
  draft <- paste0(dirname(target), "/.", substr(basename(target), 1, 40), basename(tempfile(".")))
  remove_drafts(store, drafts_left[[store$service]])
  settled <- FALSE
  on.exit(if (!settled) remove_drafts(store, c(drafts_left[[store$service]], draft)))
  write(draft)
  if (exists) {
    remove_in(store, target, TRUE)
    settled <- TRUE # the draft has the only rows now, also if it cannot be renamed
  }
  tryCatch(rename_in(store, draft, target, overwrite), rc2_error = function(error) {
    if (settled) fail(conditionMessage(error), " The new files are complete in ", draft, "; mv() renames them.")
    stop(error)
  })
  settled <- TRUE
  invisible(target)
}

remove_drafts <- function(store, drafts) {
  is_left <- function(draft) {
    try(remove_in(store, draft, TRUE), silent = TRUE)
    tryCatch(exists_in(store, draft), error = function(error) TRUE)
  }
  assign(store$service, Filter(is_left, drafts), drafts_left)
}

exists_in <- function(store, path) {
  tryCatch(is.list(status_of(store, path)), rc2_error = function(error) {
    if (!isTRUE(error$exception %in% MISSING)) stop(error)
    FALSE
  })
}

MISSING <- c("FileNotFoundException", "NoSuchKey") # what the stores call a path that is not there

files_verbs <- function() {
  list(ls = files_ls, info = files_info, get = files_get, put = files_put, read_csv = files_read_csv,
    read_parquet = files_read_parquet, write_parquet = files_write_parquet, tbl = files_tbl, mv = files_mv, rm = files_rm)
}

files_frame <- function(name, type, size, modified) {
  data.frame(name = name, type = type, size = size, modified = as.POSIXct(modified, origin = "1970-01-01"))
}
