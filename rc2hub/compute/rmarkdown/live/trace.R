# Runs a piece, and records what it read and wrote. Each variable is put into the workspace as a promise that notes when it is
# forced, so that what the piece read is observed and not guessed. ASCII only.

seen <- new.env() # names of the variables that were forced
placed <- integer() # name to the version whose promise is in the workspace and was not forced
written <- new.env() # name to the values that pieces have written
observing <- FALSE
versions <- 0L
base_names <- character() # what was in the workspace before the document

new_version <- function() versions <<- versions + 1L

# S4 keeps its tables in the workspace; they stay.
workspace_names <- function() {
  names <- grep("^\\.__[A-Z]__", ls(globalenv(), all.names = TRUE), invert = TRUE, value = TRUE)
  setdiff(names, base_names)
}

put_promise <- function(name, value) {
  force(name)
  force(value)
  delayedAssign(name, {
    if (observing) assign(name, TRUE, envir = seen)
    value
  }, assign.env = globalenv())
}

# Puts the variables of the state into the workspace, as far as they are not there.
put_variables <- function(variables) {
  observing <<- FALSE
  inside <- Filter(function(variable) !isTRUE(variable$outside), variables)
  rm(list = setdiff(workspace_names(), names(inside)), envir = globalenv())
  wanted <- vapply(inside, function(variable) variable$version, 0L)
  for (name in names(wanted)[is.na(placed[names(wanted)]) | placed[names(wanted)] != wanted]) {
    if (name == ".Random.seed") { # C code looks at it
      assign(name, inside[[name]]$value, envir = globalenv())
    } else {
      put_promise(name, inside[[name]]$value)
    }
  }
  placed <<- wanted
  rm(list = ls(seen, all.names = TRUE), envir = seen)
}

# The variables in the workspace that the piece has read or written; all others are promises that it has not forced.
used_names <- function() {
  names <- workspace_names()
  used <- names[!rlang::env_binding_are_lazy(globalenv(), names)]
  placed <<- placed[setdiff(intersect(names(placed), names), used)]
  used
}

# Runs the piece in this state; returns its record, all that decides whether it is valid later (`is_valid` in pass.R):
#   key, seeds           the piece's code and options; whether it sets the seed of random numbers
#   lasts, repeats       whether another R may use it, and whether the piece has to run there for what is not observed
#   reads, absent        version of each variable that it read; names that it looked for and no variable had
#   names                all names of variables, if it listed them
#   writes, removed      the variables that it set, with their versions; those that it removed
#   session, path        the settings that it changed; *_version are those with which it ran
#   files, made          what identifies each file that it read, and the services if it failed; each file that it made
#   output               what is shown: the Markdown, its figures, its seconds
run_piece <- function(piece, state) {
  put_variables(state$variables)
  if ("python" %in% piece$outside && is.null(state$variables$python)) clear_python()
  load_kept_packages()
  if (!identical(take_settings(), state$settings$value)) restore_settings(state$settings$value)
  before <- list(files = times_of(list.files()), named = times_of(piece$strings), settings = take_settings())
  loaded <- loadedNamespaces()
  observing <<- TRUE
  output <- knit_piece(piece)
  observing <<- FALSE
  record <- list(id = new_version(), age = 0L, key = piece$key, seeds = piece$seeds, output = output)
  record <- c(record, piece[c("lasts", "repeats")])
  record$reads <- versions_read(piece, state)
  record$names <- if (piece$lists) as.character(sort(names(state$variables)))
  record <- c(record, changes_of_variables(record$reads, piece, state), changes_of_settings(piece, state, loaded))
  record$absent <- find_names(names_absent(piece, record$reads, state), before$settings$search, before$settings$attached)
  versions <- list(settings_version = state$settings$version, path_version = state$settings$path_version)
  record <- c(record, files_of(piece, record, state, before), versions)
  # its service may have been away
  if (grepl(ERROR_BEGIN, output$markdown, fixed = TRUE)) record$files <- c(record$files, stamps_of(services))
  record
}

# Python begins without variables, as in a new document.
clear_python <- function() {
  if (isNamespaceLoaded("reticulate") && reticulate::py_available()) {
    reticulate::py_run_string("for _name in [n for n in globals() if not n.startswith('_') and n != 'r']: del globals()[_name]")
  }
}

# The version of each variable that the piece has read.
versions_read <- function(piece, state) {
  names <- setdiff(ls(seen, all.names = TRUE), base_names)
  if (!identical(globalenv()$.Random.seed, state$variables$.Random.seed$value)) names <- c(names, ".Random.seed")
  if (piece$forks) names <- union(names, intersect(piece$symbols, names(state$variables)))
  names <- union(names, piece$outside)
  stats::setNames(vapply(names, function(name) version_in(state, name), 0L), names)
}

version_in <- function(state, name) {
  found <- state$variables[[name]]$version
  if (is.null(found)) 0L else found
}

# The variables that it wrote: other values than before, and those that it may have changed in place, under all their names.
changes_of_variables <- function(reads, piece, state) {
  used <- used_names()
  writes <- list()
  touched <- unlist(lapply(names(reads), function(name) state$variables[[name]]$handles), recursive = FALSE)
  for (name in used) {
    value <- get(name, envir = globalenv(), inherits = FALSE)
    old <- state$variables[[name]]
    if (is.null(old) || !identical(value, old$value, extptr.as.ref = TRUE)) {
      handles <- handles_of(value)
      writes[[name]] <- list(value = value, handles = handles, version = version_of(name, value, handles))
    }
  }
  for (name in setdiff(shared_names(state, touched), names(writes))) {
    writes[[name]] <- utils::modifyList(state$variables[[name]], list(version = new_version()))
  }
  for (name in piece$outside) writes[[name]] <- list(outside = TRUE, version = new_version())
  inside <- names(Filter(function(variable) !isTRUE(variable$outside), state$variables))
  list(writes = writes, removed = setdiff(inside, workspace_names()))
}

# The variables of the state through which one of these objects can be reached.
shared_names <- function(state, handles) {
  if (!length(handles)) return(character())
  names(Filter(function(variable) share_handle(variable$handles, handles), state$variables))
}

# A value that was there before keeps its version, so that what depends on it is not run.
version_of <- function(name, value, handles) {
  if (length(handles)) return(new_version())
  for (one in written[[name]]) if (identical(one$value, value)) return(one$version)
  version <- new_version()
  written[[name]] <- c(written[[name]], list(list(value = value, version = version)))
  version
}

# The settings that it changed, other than what a package sets when it is loaded.
changes_of_settings <- function(piece, state, loaded) {
  was <- state$settings$value
  now <- take_settings()
  if (length(setdiff(loadedNamespaces(), loaded))) {
    volatile <<- c(volatile, setdiff(names(now$options), names(was$options)), setdiff(names(now$variables), names(was$variables)))
    now <- take_settings()
  }
  changed <- piece$hides || !identical(now[SESSION], was[SESSION])
  list(
    session = if (changed) list(value = now[SESSION], version = version_of_session(now[SESSION], piece$hides)),
    path = if (!identical(now[PATH], was[PATH])) list(value = now[PATH], version = new_version())
  )
}

version_of_session <- function(session, hides) {
  if (hides) return(new_version())
  for (record in records) if (identical(record$session$value, session)) return(record$session$version)
  new_version()
}

# Names in its code, and in the functions that it called, that were no variables.
names_absent <- function(piece, reads, state) {
  called <- lapply(names(reads), function(name) {
    value <- state$variables[[name]]$value
    if (is.function(value)) all.names(body(value))
  })
  setdiff(unique(c(piece$symbols, unlist(called))), names(state$variables))
}

# Size and time of change of files, as text; missing files are left out.
times_of <- function(files) {
  files <- files[nzchar(files)]
  found <- file.info(files, extra_cols = FALSE)
  is_file <- found$isdir %in% FALSE
  stats::setNames(sprintf("%.0f %.6f", found$size, as.numeric(found$mtime))[is_file], files[is_file])
}

LARGE_FILE <- 1e7 # bytes; such a file is not read for its checksum

# What identifies the content of files; "" for a missing one.
stamps_of <- function(files) {
  found <- file.info(files, extra_cols = FALSE)
  is_file <- found$isdir %in% FALSE
  small <- is_file & found$size < LARGE_FILE
  stamps <- stats::setNames(character(length(files)), files)
  stamps[small] <- tools::md5sum(files[small])
  large <- is_file & !small
  stamps[large] <- sprintf("%.0f %.6f", found$size, as.numeric(found$mtime))[large]
  stamps
}

# The files that it read, as far as their names stand in its code or in a variable that it read; and those that it made.
files_of <- function(piece, record, state, before) {
  values <- lapply(names(record$reads), function(name) {
    value <- state$variables[[name]]$value
    if (is.character(value) && length(value) == 1 && !is.na(value) && nchar(value) < MAX_STRING) value
  })
  named <- unique(c(piece$strings, unlist(values)))
  named <- named[nzchar(named) & file.exists(named)]
  changed <- union(changed_names(before$files, times_of(list.files())), changed_names(before$named, times_of(piece$strings)))
  list(files = stamps_of(setdiff(named, c(changed, names(record$writes)))), made = stamps_of(changed))
}

changed_names <- function(before, now) names(now)[is.na(match(names(now), names(before))) | now != before[names(now)]]
