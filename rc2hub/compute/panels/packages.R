# The installed packages for the panel Packages of JupyterLab, and which of them are attached. Each window of the browser opens a
# comm, and asks for the packages; after a cell that attaches, detaches or installs one, R asks it to ask again. ASCII only.

windows <- new.env() # comm's id to comm
known <- NULL # what the windows have been told

opened <- function(comm, message) {
  assign(comm$id, comm, envir = windows)
  comm$on_close(function() rm(list = comm$id, envir = windows))
  answer_with(comm, function(question) {
    known <<- state()
    list(packages = packages())
  })
}

# Of a package that is in several libraries R uses the first.
packages <- function() {
  found <- utils::installed.packages(fields = "Title")
  found <- found[!duplicated(found[, "Package"]), , drop = FALSE]
  found <- found[order(tolower(found[, "Package"])), , drop = FALSE]
  attached <- .packages()
  Map(function(name, version, title) {
    list(name = name, version = version, title = valid(gsub("\\s+", " ", title)), attached = name %in% attached)
  }, found[, "Package"], found[, "Version"], found[, "Title"], USE.NAMES = FALSE)
}

# What changes when a package is attached, detached, installed or removed.
state <- function() list(.packages(), file.mtime(.libPaths()))

tell_changes <- function() {
  if (!length(ls(windows)) || identical(now <- state(), known)) return()
  known <<- now
  for (window in as.list(windows)) window$send(list(changed = TRUE))
}

after_cell$packages <<- tell_changes
targets$rc2.packages <<- opened
