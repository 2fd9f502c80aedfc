# Keeps the records of a document in a file, for an R that opens the document later. ASCII only.
#
# Only what is the same when it comes back from a file is kept: no external pointers (connections, tables of Arrow), and no file of
# this session. Nothing is kept that comes from a service, an environment variable or a secret. The pieces of other records run
# again, and those that read their values. What changes packages or Python runs once in the later R, and its record stays.

MAX_KEPT <- 5e7 # bytes of values, and of results

keep_file <- NULL # for this document; NULL to keep nothing
to_load <- character() # packages that were loaded when the records were made

keep_records <- function() {
  clean <- clean_records()
  values <- values_to_keep(clean)
  found <- list(
    records = records_to_keep(clean, as.integer(names(values))),
    values = values, known = known_versions(as.integer(names(values))), parameters = parameters, latest = latest,
    initial = initial$version, versions = versions, volatile = volatile)
  partial <- tempfile(basename(keep_file), dirname(keep_file))
  on.exit(unlink(partial))
  to <- file(partial, "wb")
  tryCatch({
    serialize(stamp_of_session(head_now, union(loadedNamespaces(), to_load)), to)
    serialize(found, to)
  }, finally = close(to))
  file.rename(partial, keep_file)
}

# The records whose values come only from pieces that may be kept.
clean_records <- function() {
  if (has_unknown_classes()) return(list())
  clean <- list()
  repeat {
    versions <- c(0L, versions_of(parameters), versions_of_writes(clean))
    found <- Filter(function(record) record$lasts && all(reads_of(record) %in% versions), records)
    if (length(found) == length(clean)) return(clean)
    clean <- found
  }
}

# Random numbers are not all that a piece reads because of their seed.
reads_of <- function(record) record$reads[names(record$reads) != ".Random.seed"]

versions_of <- function(variables) vapply(variables, function(variable) variable$version, 0L)

versions_of_writes <- function(records) unlist(lapply(records, function(record) versions_of(record$writes)))

# The values of these records by their versions, as far as they can be kept and have room.
values_to_keep <- function(records) {
  left <- MAX_KEPT
  values <- list()
  for (record in records) for (variable in record$writes) {
    name <- as.character(variable$version)
    if (isTRUE(variable$outside) || name %in% names(values)) next
    size <- size_if_lasting(variable$value, left)
    if (is.na(size)) next
    left <- left - size
    values[name] <- list(variable$value)
  }
  values
}

# Whether the workspace has classes of S4 that no piece is known to make.
has_unknown_classes <- function() {
  names <- setdiff(ls(globalenv(), all.names = TRUE), base_names)
  any(startsWith(names, ".__C__")) && !any(vapply(records, function(record) record$repeats, NA))
}

# Bytes of a value in a file; NA if it is larger than `most`, or another one when it comes back.
size_if_lasting <- function(value, most) {
  left <- most - as.numeric(utils::object.size(value))
  if (left < 0 || inherits(value, "data.table")) return(NA)
  check <- function(reference) {
    if (!is.environment(reference)) stop("A pointer is not kept.")
    names <- ls(reference, all.names = TRUE, sorted = FALSE)
    names <- names[!rlang::env_binding_are_active(reference, names) & !rlang::env_binding_are_lazy(reference, names)]
    left <<- left - as.numeric(utils::object.size(mget(names, envir = reference)))
    if (left < 0) stop("The value is too large.")
    NULL
  }
  bytes <- tryCatch(serialize(value, NULL, refhook = check), error = function(error) NULL)
  if (is.null(bytes) || length(grepRaw(tempdir(), bytes, fixed = TRUE))) NA else as.numeric(length(bytes))
}

# Those of these records that are valid later if what they read is: it is kept as well.
records_to_keep <- function(records, kept) {
  found <- Filter(function(record) {
    inside <- Filter(function(variable) !isTRUE(variable$outside), record$writes)
    !grepl(ERROR_BEGIN, record$output$markdown, fixed = TRUE) && all(versions_of(inside) %in% kept)
  }, records)
  found <- lapply(found, without_values)
  sizes <- vapply(found, size_if_lasting, 0, most = MAX_KEPT)
  found <- found[!is.na(sizes) & cumsum(ifelse(is.na(sizes), 0, sizes)) <= MAX_KEPT]
  repeat {
    versions <- c(0L, versions_of(parameters), kept, versions_of_writes(found))
    settings <- c(initial$version, unlist(lapply(found, function(record) record$session$version)))
    fits <- vapply(found, function(record) record$settings_version %in% settings && all(reads_of(record) %in% versions), NA)
    if (all(fits)) return(found)
    found <- found[fits]
  }
}

# The values that a piece may make again, by their names: what depends on them then stays.
known_versions <- function(kept) {
  sapply(ls(written, all.names = TRUE), function(name) {
    versions <- vapply(written[[name]], function(one) one$version, 0L)
    versions[versions %in% kept]
  }, simplify = FALSE)
}

# A record for the file: versions in place of values, figures as they are, and of the settings only what the document changed.
without_values <- function(record) {
  record$writes <- lapply(record$writes, function(variable) variable[names(variable) %in% c("version", "outside")])
  if (!is.null(record$session)) record$session$value <- changes_between(initial$value[SESSION], record$session$value)
  figures <- list.files(record$output$place, full.names = TRUE)
  record$output$figures <- lapply(stats::setNames(figures, basename(figures)), function(file) readBin(file, "raw", file.size(file)))
  record$output$folder <- folder
  record
}

# For each list of settings, the names that are gone and the values that are new.
changes_between <- function(before, after) {
  changes <- function(old, new) {
    same <- vapply(names(new), function(name) name %in% names(old) && identical(new[[name]], old[[name]]), NA)
    list(gone = setdiff(names(old), names(new)), new = as.list(new)[!same])
  }
  list(
    options = changes(before$options, after$options), variables = changes(before$variables, after$variables),
    knitr = Map(changes, utils::head(before$knitr, -1), utils::head(after$knitr, -1)),
    folder = after$knitr[[length(after$knitr)]], locale = after$locale)
}

with_changes <- function(before, changes) {
  apply_to <- function(old, change) {
    new <- as.list(old)
    new[change$gone] <- NULL
    new[names(change$new)] <- change$new
    new
  }
  list(
    options = apply_to(before$options, changes$options), variables = apply_to(before$variables, changes$variables),
    knitr = c(Map(apply_to, utils::head(before$knitr, -1), changes$knitr), list(changes$folder)), locale = changes$locale)
}

# What has to be the same for a kept record to be valid: R, its packages, and the plain settings that it begins with.
stamp_of_session <- function(head, packages) {
  plain <- function(settings) Filter(is.atomic, settings)
  knitr <- initial$value$knitr
  list(
    r = R.version.string, library = .libPaths(), packages = stamps_of_packages(packages), head = head,
    options = plain(initial$value$options), knitr = lapply(utils::head(knitr, -1), plain), folder = knitr[[length(knitr)]],
    others = initial$value[c("locale", PATH)])
}

# Where and when each package was built; "" for a missing one.
stamps_of_packages <- function(names) {
  files <- file.path(vapply(names, function(name) system.file(package = name), ""), "Meta", "package.rds")
  times <- file.info(files, extra_cols = FALSE)$mtime
  stats::setNames(ifelse(is.na(times), "", sprintf("%s %.0f", files, as.numeric(times))), names)
}

# Takes the records that are kept of this document, if the session has begun as the one that made them.
restore_records <- function(head) {
  from <- file(keep_file, "rb")
  on.exit(close(from))
  stamp <- unserialize(from)
  packages <- names(stamp$packages)
  if (!identical(stamp, stamp_of_session(head, packages))) return()
  found <- unserialize(from)
  to_load <<- packages
  versions <<- max(versions, found$versions)
  volatile <<- union(volatile, found$volatile)
  latest <<- found$latest
  parameters <<- found$parameters
  initial$version <<- found$initial
  for (name in names(found$known)) {
    written[[name]] <- lapply(found$known[[name]], function(version) {
      list(value = found$values[[as.character(version)]], version = version)
    })
  }
  records <<- lapply(found$records, with_values, found$values)
}

with_values <- function(record, values) {
  record$is_due <- record$repeats
  record$writes <- lapply(record$writes, function(variable) {
    if (isTRUE(variable$outside)) return(variable)
    value <- values[[as.character(variable$version)]]
    list(value = value, handles = handles_of(value), version = variable$version)
  })
  if (!is.null(record$session)) record$session$value <- session_with(record$session$value)
  place <- sub(record$output$folder, folder, record$output$place, fixed = TRUE)
  if (length(record$output$figures)) dir.create(place, recursive = TRUE)
  for (name in names(record$output$figures)) writeBin(record$output$figures[[name]], file.path(place, name))
  record$output$markdown <- gsub(record$output$place, place, record$output$markdown, fixed = TRUE)
  record$output$place <- place
  record$output$figures <- record$output$folder <- NULL
  record
}

# The settings with these changes, in the form that the session gives them.
session_with <- function(changes) {
  on.exit(restore_settings(initial$value))
  restore_settings(c(with_changes(initial$value[SESSION], changes), initial$value[PATH]))
  take_settings()[SESSION]
}

# Loads the packages that the kept pieces had loaded: what prints a value is in them.
load_kept_packages <- function() {
  for (name in to_load) suppressMessages(try(loadNamespace(name), silent = TRUE))
  to_load <<- character()
}
