# One pass over a document: a record that is good stays, any other piece runs. ASCII only.

MAX_AGE <- 5L # passes that a record is kept after it was used, so that an undone edit runs nothing
records <- list()
latest <- list() # name to the version that a value with handles has now
initial <- NULL # the settings before the first piece

# `begin(i)` is called before a piece runs, and `emit(i, record, ran)` for each as soon as its record is known. Returns nothing.
run_pass <- function(pieces, variables, emit, begin) {
  remade <- character()
  repeat {
    again <- try_pass(pieces, variables, emit, begin, remade)
    if (!length(again)) return(invisible())
    remade <- c(remade, again)
  }
}

# Returns the names of values that have to be made again for this pass, none if it has come to the end.
try_pass <- function(pieces, variables, emit, begin, remade) {
  state <- list(variables = variables, settings = initial, seeded = FALSE)
  by_key <- split(seq_along(records), vapply(records, function(record) record$key, ""))
  used <- list()
  finish <- function() records <<- c(used, not_used(used))
  on.exit(finish())
  for (i in seq_along(pieces)) {
    valid <- valid_record(records[by_key[[pieces[[i]]$key]]], state, remade)
    ran <- is.null(valid) || isTRUE(valid$is_due)
    record <- valid
    if (ran) {
      again <- setdiff(changed_since(pieces[[i]], state), remade)
      if (length(again)) return(again)
      begin(i)
      record <- run_piece(pieces[[i]], state)
      if (!is.null(valid)) record <- with_versions_of(record, valid)
      for (name in names(record$writes)) latest[[name]] <<- record$writes[[name]]$version
    }
    record$age <- 0L
    used <- c(used, list(record))
    emit(i, record, ran)
    if (record$output$exits) break
    state <- state_after(record, state)
  }
  character()
}

# A piece that has run again in the same state, for the sake of what is not observed, has done the same again.
with_versions_of <- function(record, earlier) {
  if (!is.null(record$session) && !is.null(earlier$session)) record$session$version <- earlier$session$version
  for (name in names(record$writes)) {
    if (isTRUE(record$writes[[name]]$outside)) record$writes[[name]]$version <- earlier$writes[[name]]$version
  }
  record
}

not_used <- function(used) {
  ids <- vapply(used, function(record) record$id, 0L)
  rest <- Filter(function(record) !record$id %in% ids, records)
  rest <- lapply(rest, function(record) {
    record$age <- record$age + 1L
    record
  })
  is_old <- vapply(rest, function(record) record$age > MAX_AGE, NA)
  unlink(vapply(rest[is_old], function(record) record$output$place, ""), recursive = TRUE)
  for (record in rest[is_old]) forget_values(record)
  rest[!is_old]
}

# What an old record has written is compared no more.
forget_values <- function(record) {
  for (name in names(record$writes)) {
    written[[name]] <- Filter(function(one) one$version != record$writes[[name]]$version, written[[name]])
  }
}

valid_record <- function(candidates, state, remade) {
  for (record in candidates) {
    if (!any(names(record$writes) %in% remade) && is_valid(record, state)) return(record)
  }
  NULL
}

# Whether the piece would do the same again in this state, as far as was observed.
is_valid <- function(record, state) {
  reads <- record$reads
  if (!state$seeded) reads <- reads[names(reads) != ".Random.seed"]
  record$settings_version == state$settings$version &&
    all(vapply(names(reads), function(name) version_in(state, name), 0L) == reads) &&
    (is.null(record$names) || identical(record$names, as.character(sort(names(state$variables))))) &&
    !any(names(record$absent) %in% names(state$variables)) &&
    has_same_path(record, state$settings) &&
    has_same_files(record$files) &&
    has_same_files(record$made)
}

has_same_path <- function(record, settings) {
  record$path_version == settings$path_version ||
    identical(find_names(names(record$absent), settings$value$search, settings$value$attached), record$absent)
}

has_same_files <- function(stamps) length(stamps) == 0 || identical(stamps_of(names(stamps)), stamps)

# The values in its code that pieces below it have changed in place since: they are no longer what they were here.
changed_since <- function(piece, state) {
  names <- intersect(c(piece$symbols, piece$outside), names(state$variables))
  Filter(function(name) {
    variable <- state$variables[[name]]
    if (isTRUE(variable$outside)) return(name == "python" && !identical(latest[[name]], variable$version))
    length(variable$handles) && can_be_made_again(variable$handles) && !identical(latest[[name]], variable$version)
  }, names)
}

state_after <- function(record, state) {
  for (name in names(record$writes)) state$variables[[name]] <- record$writes[[name]]
  state$variables[record$removed] <- NULL
  if (!is.null(record$session)) {
    state$settings$value[SESSION] <- record$session$value
    state$settings$version <- record$session$version
  }
  if (!is.null(record$path)) {
    state$settings$value[PATH] <- record$path$value
    state$settings$path_version <- record$path$version
  }
  state$seeded <- state$seeded || record$seeds
  state
}
